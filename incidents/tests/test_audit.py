"""Invariant 25: every privileged change leaves one audit row, in the same transaction."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from accounts.states import Role
from accounts.tests.factories import StaffFactory
from audit.models import AuditEvent
from common.ids import uuid7
from incidents import actions
from incidents.models import Customer, Playbook
from incidents.models.customers import UNNAMED
from incidents.states import ContactKind, Segment

from .conftest import Desk

Act = Callable[[Desk], Callable[[], Any]]
# Not privileged, reads, or a part of another act that is recorded.
UNRECORDED = {
    "discard_draft",
    "issue_portal_token",
    "next_folio",
    "open_portal_token",
    "save_draft",
}


def _due() -> dt.datetime:
    return timezone.now() + dt.timedelta(hours=3)


def _resolved(desk: Desk) -> Any:
    return actions.resolve_incident(incident=desk.incident(), resolution="Listo", by=desk.agent)


def _promise(desk: Desk) -> Any:
    return actions.make_promise(incident=desk.incident(), kind="call", due_at=_due(), by=desk.agent)


def _contact(desk: Desk) -> Any:
    return desk.customer(email="una@example.com").contacts.get()


def _open(desk: Desk) -> Callable[[], Any]:
    customer = desk.customer()
    return lambda: desk.incident(customer)


def _segment(desk: Desk) -> Callable[[], Any]:
    customer = desk.customer()
    finance = StaffFactory.create(market=desk.market, roles=[Role.FINANCE])
    return lambda: actions.set_segment(
        customer=customer, segment=Segment.VIP, version=1, by=finance
    )


def _with(make: Callable[[Desk], Any], act: Callable[[Desk, Any], Any]) -> Act:
    """Prepares with `make`, then acts on what it made."""

    def prepare(desk: Desk) -> Callable[[], Any]:
        made = make(desk)
        return lambda: act(desk, made)

    return prepare


def _incident(desk: Desk) -> Any:
    return desk.incident()


def _playbook(desk: Desk) -> Any:
    return Playbook.objects.create(market=desk.market, severity="minor", version=1)


def _revocable(desk: Desk) -> Any:
    incident = desk.incident()
    actions.issue_portal_token(incident=incident, ref=None, seed=uuid7(), until=timezone.now())
    return incident


def _unnamed(desk: Desk) -> Any:
    """A case of an import's placeholder, and the person whose case it is."""
    nobody = desk.customer("Sin identificar", external_ref="import:1")
    Customer.objects.filter(pk=nobody.pk).update(external_ref=f"{UNNAMED}import:1")
    nobody.refresh_from_db()
    return desk.incident(nobody), desk.customer()


ACTS: dict[str, Act] = {
    "create_customer": lambda desk: desk.customer,
    "open_incident": _open,
    "set_segment": _segment,
    "change_customer": _with(
        lambda desk: desk.customer(),
        lambda desk, row: actions.change_customer(
            customer=row, version=1, name="Otra", by=desk.agent
        ),
    ),
    "add_contact": _with(
        lambda desk: desk.customer(),
        lambda desk, row: actions.add_contact(
            customer=row, kind=ContactKind.EMAIL, value="x@example.com", by=desk.agent
        ),
    ),
    "correct_contact": _with(
        _contact,
        lambda desk, row: actions.correct_contact(
            contact=row, version=1, value="otra@example.com", by=desk.agent
        ),
    ),
    "remove_contact": _with(
        _contact,
        lambda desk, row: actions.remove_contact(contact=row, version=1, by=desk.agent),
    ),
    "reveal_contact": _with(
        _contact,
        lambda desk, row: actions.reveal_contact(contact=row, reason="llamar", by=desk.agent),
    ),
    "change_incident": _with(
        _incident,
        lambda desk, row: actions.change_incident(
            incident=row, version=1, by=desk.agent, order_ref="R-1"
        ),
    ),
    "change_severity": _with(
        _incident,
        lambda desk, row: actions.change_severity(
            incident=row, severity="critical", reason="un bebé", by=desk.agent
        ),
    ),
    "identify_customer": _with(
        _unnamed,
        lambda desk, made: actions.identify_customer(
            incident=made[0], customer=made[1], version=1, by=desk.agent
        ),
    ),
    "start_recovery": _with(
        _incident, lambda desk, row: actions.start_recovery(incident=row, by=desk.agent)
    ),
    "undo_compensated": _with(
        _incident, lambda desk, row: actions.undo_compensated(incident=row, by=desk.agent)
    ),
    "resolve_incident": _with(
        _incident,
        lambda desk, row: actions.resolve_incident(incident=row, resolution="Ya", by=desk.agent),
    ),
    "close_incident": _with(
        _resolved, lambda desk, row: actions.close_incident(incident=row, by=desk.agent)
    ),
    "reopen_incident": _with(
        _resolved,
        lambda desk, row: actions.reopen_incident(incident=row, reason="volvió", by=desk.agent),
    ),
    "add_note": _with(
        _incident, lambda desk, row: actions.add_note(incident=row, body="Nota", by=desk.agent)
    ),
    "make_promise": _with(
        _incident,
        lambda desk, row: actions.make_promise(
            incident=row, kind="call", due_at=_due(), by=desk.agent
        ),
    ),
    "keep_promise": _with(
        _promise, lambda desk, row: actions.keep_promise(promise=row, by=desk.agent)
    ),
    "break_promise": _with(
        _promise, lambda desk, row: actions.break_promise(promise=row, by=desk.agent)
    ),
    "cancel_promise": _with(
        _promise, lambda desk, row: actions.cancel_promise(promise=row, by=desk.agent)
    ),
    "tick_step": _with(
        _incident, lambda desk, row: actions.tick_step(incident=row, step="explain", by=desk.agent)
    ),
    "acknowledge_playbook": _with(
        _playbook, lambda desk, row: actions.acknowledge_playbook(playbook=row, by=desk.agent)
    ),
    "revoke_portal_tokens": _with(
        _revocable, lambda desk, row: actions.revoke_portal_tokens(incident=row, by=desk.agent)
    ),
}


def test_every_action_is_here_or_has_its_reason_not_to_be() -> None:
    assert set(ACTS) | UNRECORDED == set(actions.__all__)
    assert not set(ACTS) & UNRECORDED


def _stored() -> dict[str, str]:
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names(cursor):
            if not table.startswith("incidents_"):
                continue
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")  # noqa: S608
            found[table] = cursor.fetchone()[0]
    return found


@pytest.mark.parametrize("name", sorted(ACTS))
def test_it_leaves_one_row_with_its_actor_and_market(desk: Desk, name: str) -> None:
    act = ACTS[name](desk)
    last = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    act()
    row = AuditEvent.objects.get(id__gt=last)
    assert (row.actor_kind, row.market_code) == ("staff", "MX")
    assert row.actor_name
    assert row.role in {Role.AGENT, Role.FINANCE}


@pytest.mark.parametrize("name", sorted(ACTS))
def test_without_its_row_nothing_is_changed(desk: Desk, name: str) -> None:
    act = ACTS[name](desk)
    before = _stored()
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE audit_auditevent ADD CONSTRAINT no_more CHECK (id < 0) NOT VALID"
        )
    with pytest.raises(DatabaseError, match="no_more"), transaction.atomic():
        act()
    assert _stored() == before
