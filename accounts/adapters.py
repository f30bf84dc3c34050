"""How sign-in differs here from the library's: nobody signs up, passwords are audited."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .actions import change_own_password
from .addresses import client_address
from .models import Staff

security = logging.getLogger("security")


class ClosedSignupAdapter(DefaultAccountAdapter):
    """An administrator creates people. Who is not active is told so and stays outside."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def pre_login(
        self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> HttpResponse | None:
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        if response is not None:
            security.warning("sign-in refused, inactive: %s", user.pk)
        return response

    def post_login(
        self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        security.info("signed in: %s", user.pk)
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        security.warning("sign-in failed from %s", client_address(request))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Sends at once, in the request. A mail server that is away is said, not hidden."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException) as error:
            security.error("sign-in mail not sent: %s", type(error).__name__)
            page = render(context["request"], "accounts/mail_away.html", status=503)
            page["Retry-After"] = "60"
            raise ImmediateHttpResponse(page) from error

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        if not isinstance(user, Staff):
            raise TypeError("only staff sign in")
        change_own_password(staff=user, password=password)
