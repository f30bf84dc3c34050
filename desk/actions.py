"""What a page does in one transaction with the actions of lower apps. No rule of theirs is here.

`once` makes a form harmless to send twice: the first sending commits with its answer, a repeat of
the same form with the same content finds that answer and does nothing.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.http import QueryDict

from accounts.models import IdempotentAnswer, Market, Staff
from common.transactions import after_what_was_read
from incidents.actions import (
    add_note,
    create_customer,
    discard_draft,
    identify_customer,
    open_incident,
)
from incidents.models import Customer, Incident, Note

# Not part of what a form says.
UNSAID = frozenset({"csrfmiddlewaretoken"})


def content_hash(path: str, data: QueryDict) -> bytes:
    """32 bytes that two sendings of the same form share."""
    lines = [
        f"{name}={value}"
        for name in sorted(data)
        if name not in UNSAID
        for value in data.getlist(name)
    ]
    text = "\n".join([path, *lines])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@transaction.atomic
def once(*, staff: Staff, path: str, data: QueryDict, act: Callable[[], str]) -> str:
    """Runs `act`, which returns the address to go to, unless this very form was taken before.

    `data["once"]` names the showing of the form; a form without one is always taken. A refusal
    raised by `act` leaves nothing behind, so that the mended form is taken.
    """
    token = data.get("once", "")
    if not token or len(token) > 64:
        return act()
    digest = content_hash(path, data)
    row = IdempotentAnswer(
        caller=str(staff.pk),
        key=f"page:{token}:{digest[:8].hex()}",
        request_hash=digest,
        status=303,
        body="",
    )
    try:
        with transaction.atomic():
            # Waits here for a first sending that is still running, then fails.
            row.save(force_insert=True)
    except IntegrityError:
        after_what_was_read()
        return IdempotentAnswer.objects.get(caller=row.caller, key=row.key).body
    row.body = act()
    row.save(update_fields=["body"])
    return row.body


def taken(*, staff: Staff, token: str) -> bool:
    """Whether a form with this token was taken before, whatever it said."""
    return (
        bool(token)
        and IdempotentAnswer.objects.filter(
            caller=str(staff.pk), key__startswith=f"page:{token}:"
        ).exists()
    )


@transaction.atomic
def log_case(
    *,
    market: Market,
    customer: Customer | None,
    new_customer: Mapping[str, str],
    case: Mapping[str, Any],
    by: Staff,
) -> Incident:
    """A case with its customer, created along where `customer` is None; the draft is done with.

    Raises what `create_customer` and `open_incident` raise; then neither exists.
    """
    if customer is None:
        customer = create_customer(market=market, by=by, **new_customer)
    incident = open_incident(market=market, customer=customer, by=by, **case)
    discard_draft(staff=by)
    return incident


@transaction.atomic
def name_customer(
    *,
    incident: Incident,
    customer: Customer | None,
    new_customer: Mapping[str, str],
    version: int,
    by: Staff,
) -> Incident:
    """Gives a case its customer, created along where `customer` is None.

    Raises what `create_customer` and `identify_customer` raise; then nothing is changed.
    """
    if customer is None:
        customer = create_customer(market=incident.market, by=by, **new_customer)
    return identify_customer(incident=incident, customer=customer, version=version, by=by)


@transaction.atomic
def add_to_case(*, incident: Incident, body: str, by: Staff) -> Note:
    """What was typed at intake becomes a note on a case that was open already."""
    note = add_note(incident=incident, body=body, by=by)
    discard_draft(staff=by)
    return note
