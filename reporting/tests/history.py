"""Histories with moments of their own: rows written as the actions leave them, at any past moment.

The actions date by the clock, so what happened on other days is written here, together with its
ledger entries; amounts are minor units of the company's market.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from accounts.models import Staff
from common.ids import uuid7
from compensations import ledger
from compensations.models import (
    Approval,
    Compensation,
    Coupon,
    LedgerEntry,
    Offer,
    Redemption,
    Reversal,
)
from compensations.states import COUPON_KINDS
from compensations.tests.scenario import Company
from incidents.models import Customer, Incident

LATER = dt.timedelta(days=365)


def id_at(moment: dt.datetime) -> uuid.UUID:
    """An id whose own moment is `moment`, as the tables ask of incidents."""
    return uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (uuid7().int & ((1 << 80) - 1)))


class History:
    """Writes what happened in a company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._customer: Customer | None = None

    @property
    def customer(self) -> Customer:
        if self._customer is None:
            self._customer = self.company.customer()
        return self._customer

    def case(self, at: dt.datetime, **fields: Any) -> Incident:
        """A case logged at `at`, owned by the agent."""
        company = self.company
        values: dict[str, Any] = {
            "customer": self.customer,
            "category": company.category,
            "severity": "moderate",
            "suggested_severity": "moderate",
            "narrative": "El cuarto no estaba listo.",
            "channel": "phone",
            "owner": company.agent,
            "team": company.team,
            "logged_by": company.agent,
            "compensate_due_at": at + dt.timedelta(hours=1),
            "resolve_due_at": at + dt.timedelta(days=1),
        }
        return Incident.objects.create(
            id=id_at(at),
            market=company.market,
            folio=f"{company.market.code}-{uuid7().hex}"[:30],
            currency=company.market.currency,
            logged_at=at,
            **{**values, **fields},
        )

    def given(
        self,
        case: Incident,
        at: dt.datetime,
        *,
        offer: str = "coupon",
        face: int = 200_00,
        by: Staff | None = None,
        asked_at: dt.datetime | None = None,
        **fields: Any,
    ) -> Compensation:
        """A compensation issued at `at` with its coupon and its entries."""
        row = self._row(case, offer, face, by, issued_at=at, created_at=asked_at or at, **fields)
        expires_at = row.expires_at or at + LATER
        if row.kind in COUPON_KINDS:
            row.expires_at = expires_at
        row.save(force_insert=True)
        self._entries(ledger.on_issue(row), at)
        if row.kind in COUPON_KINDS:
            Coupon.objects.create(
                compensation=row,
                market=row.market,
                code_hash=hashlib.sha256(row.pk.bytes).digest(),
                last_four="0000",
                currency=row.currency,
                value_minor=face,
                balance_minor=face,
                keeps_balance=row.kind == "gift_card",
                expires_at=expires_at,
            )
        if asked_at is not None:
            self._approval(row, asked_at, "approved", decided_at=at)
        return row

    def asked(
        self, case: Incident, at: dt.datetime, state: str, ended: dt.datetime, **fields: Any
    ) -> Compensation:
        """A request that ended in `state` without being granted."""
        row = self._row(case, "large", fields.pop("face", 900_00), None, created_at=at, **fields)
        row.state, row.ended_at = state, ended
        row.save(force_insert=True)
        moment = "decided_at" if state == "rejected" else "closed_at"
        self._approval(row, at, state, **{moment: ended})
        return row

    def voided(self, row: Compensation, at: dt.datetime) -> None:
        Coupon.objects.filter(compensation=row).update(state="voided")
        Compensation.objects.filter(pk=row.pk).update(
            state="voided", ended_at=at, voided_by=self.company.supervisor, void_reason="Error"
        )
        self._entries(ledger.on_void(row), at)

    def expired(self, row: Compensation, at: dt.datetime) -> None:
        coupon = Coupon.objects.get(compensation=row)
        Coupon.objects.filter(pk=coupon.pk).update(state="expired")
        Compensation.objects.filter(pk=row.pk).update(state="expired", ended_at=at)
        self._entries(ledger.on_expire(row, coupon.balance_minor), at)

    def redeemed(self, row: Compensation, at: dt.datetime, minor: int | None = None) -> Redemption:
        coupon = Coupon.objects.get(compensation=row)
        minor = coupon.balance_minor if minor is None else minor
        left = coupon.balance_minor - minor
        Coupon.objects.filter(pk=coupon.pk).update(
            balance_minor=left, state="issued" if left else "redeemed"
        )
        if not left:
            Compensation.objects.filter(pk=row.pk).update(state="settled", ended_at=at)
        self._entries(ledger.on_redeem(row, minor), at)
        return Redemption.objects.create(
            coupon=coupon,
            market=row.market,
            amount_minor=minor,
            currency=row.currency,
            client=self.company.till,
            external_transaction_id=uuid7().hex,
            created_at=at,
        )

    def reversed(self, redemption: Redemption, at: dt.datetime) -> None:
        coupon = Coupon.objects.get(pk=redemption.coupon_id)
        Reversal.objects.create(
            redemption=redemption,
            client=self.company.till,
            external_transaction_id=uuid7().hex,
            created_at=at,
        )
        Redemption.objects.filter(pk=redemption.pk).update(reversed_at=at)
        Coupon.objects.filter(pk=coupon.pk).update(
            balance_minor=coupon.balance_minor + redemption.amount_minor, state="issued"
        )
        row = Compensation.objects.get(pk=coupon.compensation_id)
        if row.state == "settled":
            Compensation.objects.filter(pk=row.pk).update(state="issued", ended_at=None)
        self._entries(ledger.on_reverse(row, redemption.amount_minor), at)

    def _row(
        self, case: Incident, offer: str, face: int, by: Staff | None, **fields: Any
    ) -> Compensation:
        company = self.company
        chosen: Offer = company.offers[offer]
        by = by or company.agent
        values: dict[str, Any] = {
            "kind": chosen.kind,
            "is_statutory": chosen.is_statutory,
            "granted_by": by,
            "team_id": by.team_id,
            "location_id": case.location_id,
            "category_id": case.category_id,
            "severity": case.severity,
            "channel": case.channel,
        }
        return Compensation(
            market=company.market,
            incident=case,
            customer_id=case.customer_id,
            version=company.scale,
            rule=chosen.rule,
            offer=chosen,
            face_minor=face,
            expected_cost_minor=face * 6 // 10,
            currency=company.market.currency,
            **{**values, **fields},
        )

    def _approval(self, row: Compensation, at: dt.datetime, state: str, **moments: Any) -> None:
        decided = state in {"approved", "rejected"}
        Approval.objects.create(
            market=row.market,
            compensation=row,
            content={},
            content_hash=b"0" * 32,
            reason="Vuelo perdido",
            state=state,
            requested_at=at,
            requested_by=row.granted_by,
            lapses_at=at + dt.timedelta(hours=4),
            decided_by=self.company.supervisor if decided else None,
            decision_reason="No" if decided else "",
            **moments,
        )

    def _entries(self, entries: Sequence[LedgerEntry], at: dt.datetime) -> None:
        for entry in entries:
            entry.at = at
        LedgerEntry.objects.bulk_create(entries)
