"""Django's admin looks and never touches: every model, every page of it, every caller.

Part of the sweep of invariant 30: rows of another market do not exist here either, and no field
that holds a secret is shown. A model that is registered otherwise, or not at all, fails.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import CodeFailures, IdempotentAnswer, Staff
from accounts.tests.scenario import APPS, snapshot
from audit.models import Seal, SealHead
from common.admin import ReadOnlyAdmin
from compensations.models import LedgerClosing, LedgerDay
from incidents.models import ContactPoint, IntakeDraft, NameWord, NarrativeWord
from tests.access.asking import Caller, neutral, tells_of_abroad
from tests.access.world import CALLERS, World, build_world

pytestmark = pytest.mark.django_db
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
# Not to be looked up: what somebody is typing, and words of all markets that make up no row.
DRAFTED = {IntakeDraft, NameWord, NarrativeWord}
# Nor what is derived from rows that are, or from what was tried in vain: it has pages of its own,
# or is a tool of the sweeps.
DERIVED = {
    CodeFailures,
    Seal,
    SealHead,
    LedgerDay,
    LedgerClosing,
    *apps.get_app_config("reporting").get_models(),
}
LEFT_OUT = DRAFTED | DERIVED
SECRET = ("password", "hash", "ciphertext", "fingerprint")
HIDDEN = {ContactPoint: {"value"}, IdempotentAnswer: {"body"}}


@pytest.fixture(scope="module")
def _prepared(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(_prepared: World, db: None) -> Iterator[World]:
    with transaction.atomic():
        yield _prepared
        transaction.set_rollback(True)


def test_every_model_is_registered_to_be_read() -> None:
    own = {model for model in apps.get_models() if model.__module__.split(".")[0] in APPS}
    assert set(REGISTERED) == own - LEFT_OUT
    assert all(isinstance(page, ReadOnlyAdmin) for page in admin.site._registry.values())
    assert not {Group, Permission, ContentType} & set(REGISTERED)


Asked = list[tuple[str, str]]


def _name(model: type[models.Model]) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}"


def list_pages(model: type[models.Model]) -> Asked:
    """The list and what would add to it, with the methods they are asked by."""
    places = [reverse(f"{_name(model)}_{page}") for page in ("changelist", "add")]
    return [(method, place) for place in places for method in ("GET", "POST")]


def row_pages(model: type[models.Model], key: object) -> Asked:
    """The pages of one row."""
    pages = ("change", "delete", "history")
    places = [reverse(f"{_name(model)}_{page}", args=[key]) for page in pages]
    return [(method, place) for place in places for method in ("GET", "POST")]


def rows_for(model: type[models.Model], staff: Staff) -> "models.QuerySet[Any]":
    request = HttpRequest()
    request.user = staff
    return admin.site._registry[model].get_queryset(request)


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_look_up(world: World, model: type[models.Model]) -> None:
    page = admin.site._registry[model]
    assert isinstance(page, ReadOnlyAdmin)
    auditor = world.people["auditor"]
    own = rows_for(model, auditor)
    foreign = model._default_manager.exclude(pk__in=own.values("pk")).first()
    mine = own.first()
    assert foreign is not None, "the world has no such row abroad"
    assert mine is not None, "the world has no such row at home"
    absent = "987654321" if isinstance(model._meta.pk, models.AutoField) else world.missing.incident
    callers = [Caller(name, world) for name in CALLERS]
    before = snapshot()
    for caller in callers:
        reads = caller.name in page.readers
        for method, path in list_pages(model) + row_pages(model, mine.pk):
            answer = caller.ask(method, path, query={}, body={}, headers={})
            seen = f"{caller.name} {method} {path} got {answer.status_code}"
            if not reads or path.endswith(("/add/", "/delete/")):
                assert answer.status_code in {302, 403}, seen
            elif method == "GET":
                assert answer.status_code == 200, seen
            assert not tells_of_abroad(answer, world), seen
        asked = zip(row_pages(model, foreign.pk), row_pages(model, absent), strict=True)
        for (method, path), (_same, other) in asked:
            answer = caller.ask(method, path, query={}, body={}, headers={})
            twin = caller.ask(method, other, query={}, body={}, headers={})
            seen = f"{caller.name} {method} {path}"
            assert answer.status_code in {302, 403}, seen
            assert _without(answer, foreign.pk) == _without(twin, absent), seen
            assert not tells_of_abroad(answer, world), seen
    assert snapshot() == before


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_no_secret_is_shown(model: type[models.Model]) -> None:
    page = admin.site._registry[model]
    shown = {str(name) for name in page.get_fields(HttpRequest())}
    assert not {name for name in shown if any(word in name for word in SECRET)}
    assert not shown & HIDDEN.get(model, set())
    assert {str(name) for name in page.get_list_display(HttpRequest())} <= shown


def _without(answer: Any, key: object) -> tuple[int, str, str]:
    """The answer without the key that was asked for, as it is written in an address or a text."""
    seen = neutral(answer)
    marks = (f"/{key}/", f"/{str(key).replace('-', '_2D')}/", f"“{key}”")
    texts = [seen.location, seen.text]
    for mark in marks:
        texts = [text.replace(mark, "<key>") for text in texts]
    return seen.status, texts[0], texts[1]
