"""Addresses that only take a form: read, they lead to its page; taken, the page says so."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise

View = Callable[..., HttpResponseBase]


def post_only(back: str, *kept: str) -> Callable[[View], View]:
    """Lets a POST through; whoever reads the address is sent on to the page named `back`.

    `kept` are the parts of the address that `back` takes too. A refused form leaves this address
    in the browser's bar, and a sign-in in between comes back to it: neither may end on a 405.
    Nothing is looked up here, so that the page itself says who may see it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def taken(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            if request.method in {"GET", "HEAD"}:
                page = reverse(back, kwargs={name: kwargs[name] for name in kept})
                return HttpResponseRedirect(page)
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])

        return taken

    return decorate


def accepted(request: HttpRequest, words: str | Promise, *, path: str = "") -> None:
    """Says that a form was taken. The browser forgets the unsent text that it kept for it.

    `path` is where the form is sent, where that is not the address of this request.
    """
    messages.success(request, str(words), extra_tags=path or request.path)
