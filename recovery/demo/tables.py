"""The tables that the history fills, each loaded once with all its rows."""

from compensations.models import (
    Approval,
    Compensation,
    Coupon,
    LedgerEntry,
    Redemption,
    Reversal,
)
from delivery.models import Attempt, Message, Receipt
from incidents.models import Incident, Note, Promise, RecoveryStep

from .loading import Batch

LEDGER_AT = 7


class Tables:
    """Rows to come. Columns are in the order in which their writers add the values."""

    def __init__(self) -> None:
        self.incidents = Batch(
            Incident,
            "id market_id folio customer_id kind category_id severity suggested_severity "
            "severity_reason narrative channel location_id order_ref amount_at_stake_minor "
            "currency state owner_id team_id occurred_at logged_at logged_by_id compensate_due_at "
            "resolve_due_at compensated_at resolved_at closed_at resolution version",
        )
        self.notes = Batch(Note, "id incident_id author_id body created_at")
        self.promises = Batch(
            Promise,
            "id incident_id market_id kind due_at owner_id detail state created_at created_by_id "
            "ended_at ended_by_id",
        )
        self.steps = Batch(RecoveryStep, "incident_id step done_at done_by_id proof")
        self.compensations = Batch(
            Compensation,
            "id market_id incident_id customer_id version_id rule_id offer_id kind is_statutory "
            "face_minor expected_cost_minor currency state granted_by_id team_id location_id "
            "category_id severity channel note created_at issued_at expires_at ended_at "
            "voided_by_id void_reason reissue_of_id",
        )
        self.approvals = Batch(
            Approval,
            "id market_id compensation_id content content_hash level reason state requested_at "
            "requested_by_id lapses_at decided_at decided_by_id decision_reason closed_at",
        )
        self.coupons = Batch(
            Coupon,
            "id compensation_id market_id code_hash hash_key_id last_four code_ciphertext "
            "cipher_key_id state currency value_minor balance_minor keeps_balance usable_at "
            "expires_at",
        )
        self.redemptions = Batch(
            Redemption,
            "id coupon_id market_id amount_minor currency location_id cashier_id "
            "external_transaction_id created_at reversed_at",
        )
        self.reversals = Batch(
            Reversal, "redemption_id staff_id external_transaction_id reason created_at"
        )
        self.ledger = Batch(
            LedgerEntry,
            "transaction event market_id compensation_id account amount_minor currency at",
        )
        self.messages = Batch(
            Message,
            "id market_id topic ref about channel language contact address_fingerprint "
            "address_masked state attempts resend_of_id created_at due_at sent_at delivered_at "
            "failure",
        )
        self.attempts = Batch(
            Attempt,
            "message_id number provider outcome started_at finished_at provider_reference error",
        )
        self.receipts = Batch(Receipt, "message_id provider event_id state occurred_at received_at")

    def load(self) -> int:
        """Inserts everything; returns how many rows. Numbered tables go in by their moments."""
        self.ledger.rows.sort(key=lambda row: row[LEDGER_AT])
        return sum(batch.load() for batch in vars(self).values())
