"""The sign-in form: the library's, without its own link in the middle of it."""

from typing import Any

from allauth.account.forms import LoginForm


class SignInForm(LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The page has the link to a forgotten password below the form.
        self.fields["password"].help_text = ""
