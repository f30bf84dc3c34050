"""Asking on behalf of each caller, and reading an answer without what may differ by itself."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.access.world import WORD, Side, World

API = "/api/"
REDACTED = [
    (re.compile(r"[0-9a-f]{32}"), "<hex>"),
    (re.compile(r"[A-Za-z0-9]{64}"), "<csrf>"),
    (re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?"), "<time>"),
]


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    text: str


class Caller:
    """One of the callers of the sweep, signed in as the route expects it."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.client = Client(raise_request_exception=True)
        self.key = world.till_key if name == "till" else ""
        if name in world.people:
            self.client.force_login(world.people[name])

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any],
        body: dict[str, Any],
        headers: dict[str, str],
    ) -> HttpResponse:
        options: dict[str, Any] = {"query_params": query, "headers": dict(headers)}
        if self.key:
            options["headers"]["Authorization"] = f"Bearer {self.key}"
        if method != "GET":
            options["data"] = json.dumps(body) if path.startswith(API) else body
            if path.startswith(API):
                options["content_type"] = "application/json"
        send = getattr(self.client, method.lower())
        answer: HttpResponse = send(path, **options)
        return answer


def address(name: str, kwargs: dict[str, Any]) -> str:
    return reverse(name, kwargs=kwargs)


def refused(answer: HttpResponse, path: str) -> bool:
    """Whether the door was closed: not signed in, no right, or nothing there."""
    if answer.status_code == 302:
        return answer["Location"].startswith("/accounts/login/")
    return answer.status_code in {401, 403, 404}


def neutral(answer: HttpResponse, *sides: Side) -> Answer:
    """The answer without request ids, tokens and the names that the request itself held."""
    text = b"".join(answer).decode() if answer.streaming else answer.content.decode()
    place = unquote_plus(unquote_plus(answer.get("Location", "")))
    for pattern, mark in REDACTED:
        text, place = pattern.sub(mark, text), pattern.sub(mark, place)
    for side in sides:
        for word in side.words():
            if word.isdigit():
                continue
            for form in (word, quote(word), quote_plus(word)):
                text, place = text.replace(form, "<name>"), place.replace(form, "<name>")
    numbers = {word for side in sides for word in side.words() if word.isdigit()}
    for number in numbers:
        text = re.sub(rf"\b{number}\b", "<number>", text)
        place = re.sub(rf"\b{number}\b", "<number>", place)
    return Answer(answer.status_code, place, text)


def tells_of_abroad(answer: HttpResponse, world: World) -> bool:
    """Whether the answer holds the word of the other company, beyond what was asked."""
    seen = neutral(answer, world.abroad)
    return WORD in seen.text.lower() or WORD in seen.location.lower()
