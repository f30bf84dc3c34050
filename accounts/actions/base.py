"""What the actions of this app share: who acts, what changed, and a clash said in words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.functional import Promise

from audit.actions import Actor
from audit.states import ActorKind
from common.errors import InvalidInput, NotAllowed

from ..models import Market, Staff
from ..permissions import require
from ..states import Role

By = Staff | Actor


def as_actor(by: By, role: str = "") -> Actor:
    """The audit's view of who acts: a member of staff or the system. Raises NotAllowed."""
    if isinstance(by, Staff):
        return by.as_actor(role)
    if by.kind != ActorKind.SYSTEM:
        raise NotAllowed
    return by


def person(by: By) -> Staff | None:
    """The member of staff who acts; None for the system."""
    return by if isinstance(by, Staff) else None


def require_administrator(by: By, market: Market | int) -> Actor:
    """The actor, when `by` administers the market or is the system. Raises NotAllowed."""
    if isinstance(by, Staff):
        require(by, market, Role.ADMINISTRATOR)
    return as_actor(by, Role.ADMINISTRATOR)


def apply(row: models.Model, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sets `values` on the row; what they were and what they are, for the ones that differ."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in values.items():
        old = getattr(row, name)
        if old != value:
            before[name], after[name] = old, value
            setattr(row, name, value)
    return before, after


def check_bounds(row: models.Model, exclude: tuple[str, ...] = ()) -> None:
    """Field bounds as the model states them. Raises InvalidInput naming the first field."""
    try:
        row.clean_fields(exclude=exclude)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(messages[0], field=name) from error


@contextmanager
def unique(message: str | Promise, field: str) -> Iterator[None]:
    """Turns a broken unique constraint into InvalidInput for `field`; nothing is left behind."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise InvalidInput(message, field=field) from error
