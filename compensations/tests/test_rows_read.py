"""What an act reads does not grow with the history, in a database that has no statistics yet.

Where two indexes look as good as each other the planner takes either, and a plan may stay for as
long as its connection. Tests run without statistics: what is read here is what a new installation
reads until its first ANALYZE.
"""

import uuid

import pytest
from django.db import connection

from compensations.actions import (
    approve,
    grant,
    redeem,
    request,
    reverse,
    validate_coupon,
    void,
)
from compensations.models import Approval, Compensation
from delivery.models import Message
from delivery.states import MessageState
from delivery.tasks import deliver_message

from .scenario import Company, code_of

pytestmark = pytest.mark.django_db

HISTORY = 100


def _rows_read() -> int:
    """Rows of tables that this transaction has read so far, by whatever way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + COALESCE(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        )
        return int(cursor.fetchone()[0])


def _lives(company: Company, reads: dict[str, int] | None = None) -> None:
    """A case that is granted something, which is sent, used, undone and taken back."""
    at = {} if reads is None else reads
    last = _rows_read()

    def note(act: str) -> None:
        nonlocal last
        now = _rows_read()
        at[act], last = now - last, now

    case = company.incident()
    note("log")
    made: Compensation = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    note("grant")
    code, number = code_of(made), uuid.uuid4().hex
    message = Message.objects.get(ref=made.pk)
    last = _rows_read()
    deliver_message(str(message.pk))
    note("send")
    message.refresh_from_db()
    assert message.state == MessageState.SENT
    market, place, till = company.market, company.location, company.till
    last = _rows_read()
    validate_coupon(code=code, market=market, location=place, by=till)
    note("validate")
    redeem(code=code, external_transaction_id=number, market=market, location=place, by=till)
    note("redeem")
    reverse(external_transaction_id=number, code=code, market=market, by=till)
    note("reverse")
    void(compensation=made, reason="Fue un error.", by=company.agent)
    note("void")


def _request(company: Company) -> Approval:
    made = request(
        incident=company.incident(),
        offer=company.offers["large"],
        reason="Perdió el vuelo.",
        by=company.agent,
    )
    return made.approvals.get()


def _decisions(company: Company, reads: dict[str, int] | None = None) -> None:
    """A request that is answered."""
    at = {} if reads is None else reads
    last = _rows_read()
    asked = _request(company)
    at["request"], last = _rows_read() - last, _rows_read()
    approve(approval=asked, by=company.supervisor)
    at["approve"] = _rows_read() - last


def test_no_act_reads_more_when_there_is_a_history(company: Company) -> None:
    for scope, window in (("agent", "day"), ("market", "day"), ("customer", "month")):
        company.limit(scope, window, "amount", 10**11)
    for _warm in range(2):
        _lives(company)
        _decisions(company)
    early: dict[str, int] = {}
    _lives(company, early)
    _decisions(company, early)
    for _case in range(HISTORY):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
        _request(company)
    late: dict[str, int] = {}
    _lives(company, late)
    _decisions(company, late)
    assert {act: late[act] - early[act] for act in late if late[act] > early[act] + 10} == {}
