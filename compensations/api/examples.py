"""Examples in the description of the API: invented, one for each thing a till or a desk meets."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from accounts.api.shapes import Problem

CODE = "7K3M-Q9TX-2WBD-8HFR"
SALE = "T7-2026-11-22-000318"
REQUEST_ID = "0f6f2f7f4b3f4c1a9a52f1d1b5c9f0aa"


def request(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def answer(name: str, value: dict[str, Any], *statuses: int) -> OpenApiExample:
    return OpenApiExample(
        name,
        value=value,
        response_only=True,
        status_codes=[str(status) for status in statuses or (200,)],
    )


def refused(
    status: int, code: str, words: str, *, field: str = "", **extra: Any
) -> OpenApiResponse:
    """A problem answer with one example; `extra` are the numbers a rule adds."""
    value: dict[str, Any] = {
        **extra,
        "type": f"urn:recovery:problem:{code}",
        "title": words,
        "status": status,
        "code": code,
        "detail": words,
    }
    if field:
        value["errors"] = {field: [words]}
    value["request_id"] = REQUEST_ID
    return OpenApiResponse(
        Problem,
        description=f"`{code}`",
        examples=[OpenApiExample(code, value=value, status_codes=[str(status)])],
    )


NOT_VALID = refused(
    422,
    "coupon_not_valid",
    "This code cannot be used. Check it with the customer.",
    field="code",
)
GUESSING = refused(
    429,
    "throttled",
    "Too many codes did not work. Wait a moment and check the code.",
    retry_after=412,
)
RUNNING = refused(
    409,
    "idempotency_running",
    "The first request with this key is still running. Ask again in a moment.",
    retry_after=1,
)
LIMIT = refused(
    409,
    "limit_exceeded",
    "Your own limit today leaves $80.00 and this needs $200.00. "
    "Choose up to $80.00, another offer, or ask for approval.",
    field="amount_minor",
    scope="agent",
    window="day",
    measure="amount",
    cap=150000,
    used=142000,
    left=8000,
    currency="MXN",
    request=True,
)
OUT_OF_RANGE = refused(
    422,
    "out_of_range",
    "Choose an amount from $100.00 to $300.00.",
    field="amount_minor",
    minimum=10000,
    maximum=30000,
)
NOT_FOUND = refused(404, "not_found", "There is nothing here.")
REVERSAL_REFUSED = refused(
    409,
    "reversal_refused",
    "This redemption can no longer be undone.",
    field="external_transaction_id",
)
VOID_REFUSED = refused(409, "void_refused", "Only what is not redeemed can be voided.")
NOT_ALLOWED = refused(403, "not_allowed", "Your role does not allow this.")
OWN_REQUEST = refused(403, "own_request", "You asked for this, so another person decides it.")
ALREADY_DECIDED = refused(
    409,
    "already_decided",
    "Raúl Ortega decided this on 22/11/26 9:14: approved.",
    state="approved",
    decided_by="raul",
    decided_at="2026-11-22T15:14:02.120000Z",
)
REASON_NEEDED = refused(422, "invalid_input", "This is needed.", field="reason")
VOID_WINDOW_OVER = refused(
    403, "void_window_over", "Your ten minutes are over. Ask your supervisor to void it."
)

COUPON = {
    "state": "issued",
    "last_four": "8HFR",
    "value_minor": 20000,
    "balance_minor": 20000,
    "expires_at": "2027-02-21T06:00:00Z",
}
COMPENSATION = {
    "id": "019a9f0e-6d1c-7c55-9a42-3a4f6f0a7c11",
    "market": "MX",
    "incident": "MX-26-7QK3",
    "customer": "019a9f0e-5b77-7a10-8a5e-91f3c1d2e4b6",
    "offer": 42,
    "name": "Courtesy breakfast",
    "kind": "coupon",
    "state": "issued",
    "is_statutory": False,
    "face_minor": 20000,
    "expected_cost_minor": 12000,
    "currency": "MXN",
    "scale_version": 3,
    "category": "room-late",
    "severity": "moderate",
    "granted_by": "mariana",
    "issued_at": "2026-11-22T15:04:05.123456Z",
    "expires_at": "2027-02-21T06:00:00Z",
    "ended_at": None,
    "void_reason": "",
    "reissue_of": None,
    "coupon": COUPON,
    "approval": None,
}
WAITING = {
    "id": "019a9f0e-7a44-7e02-b1aa-0c6d2f9e1b55",
    "state": "pending",
    "level": 1,
    "waits_for": "supervisors",
    "lapses_at": "2026-11-23T15:04:05.123456Z",
}
REQUESTED = {
    **COMPENSATION,
    "state": "requested",
    "issued_at": None,
    "expires_at": None,
    "coupon": None,
    "approval": WAITING,
}
ASKED = {
    name: COMPENSATION[name]
    for name in (
        "id",
        "incident",
        "customer",
        "name",
        "kind",
        "state",
        "is_statutory",
        "face_minor",
        "expected_cost_minor",
        "currency",
        "scale_version",
        "category",
        "severity",
    )
}
APPROVED = {
    **WAITING,
    "state": "approved",
    "waits_for": None,
    "market": "MX",
    "compensation": {**ASKED, "team": "Front desk"},
    "reason": "Second failure of the trip.",
    "requested_at": "2026-11-22T15:04:05.123456Z",
    "requested_by": "mariana",
    "decided_at": "2026-11-22T15:14:02.120000Z",
    "decided_by": "raul",
    "decision_reason": "",
    "closed_at": None,
    "why_not": {
        "code": "already_decided",
        "detail": "Raúl Ortega decided this on 22/11/26 9:14: approved.",
    },
}
WITHDRAWN = {
    **APPROVED,
    "state": "withdrawn",
    "compensation": {**ASKED, "state": "withdrawn", "team": "Front desk"},
    "decided_at": None,
    "decided_by": None,
    "closed_at": "2026-11-22T15:09:00Z",
    "why_not": {
        "code": "already_decided",
        "detail": "This request is no longer waiting: withdrawn on 22/11/26 9:09.",
    },
}
OFFERS = {
    "incident": "MX-26-7QK3",
    "currency": "MXN",
    "scale_version": 3,
    "offers": [
        {
            "id": 42,
            "kind": "coupon",
            "name": "Courtesy breakfast",
            "terms": "For two, any day.",
            "basis": "fixed",
            "is_statutory": False,
            "gives_coupon": True,
            "validity_days": 90,
            "minimum_minor": 10000,
            "default_minor": 20000,
            "maximum_minor": 30000,
            "expected_cost_minor": 12000,
            "approval_from_minor": None,
            "needs_approval": False,
            "alone_minor": 30000,
            "most_minor": 30000,
            "requestable": False,
            "room": {
                "name": "your own limit today",
                "scope": "agent",
                "window": "day",
                "measure": "amount",
                "cap": 150000,
                "used": 42000,
                "left": 108000,
            },
            "rooms": [],
            "refusal": None,
            "already_granted": None,
        }
    ],
}
VALIDATED = {
    "name": "Courtesy breakfast",
    "terms": "For two, any day.",
    "last_four": "8HFR",
    "currency": "MXN",
    "value_minor": 20000,
    "balance_minor": 20000,
    "keeps_balance": False,
    "expires_at": "2027-02-21T06:00:00Z",
    "usable_here": True,
}
REDEEMED = {
    "id": "019a9f10-02aa-7d41-b3f0-7d8e21c9a001",
    "external_transaction_id": SALE,
    "last_four": "8HFR",
    "amount_minor": 20000,
    "balance_minor": 0,
    "currency": "MXN",
    "location": "CUN",
    "redeemed_at": "2026-11-22T18:20:00.512Z",
    "undo_until": "2026-11-22T18:50:00.512Z",
}
REVERSED = {
    "redemption": "019a9f10-02aa-7d41-b3f0-7d8e21c9a001",
    "external_transaction_id": SALE,
    "last_four": "8HFR",
    "amount_minor": 20000,
    "balance_minor": 20000,
    "currency": "MXN",
    "reversed_at": "2026-11-22T18:24:11.007Z",
}
RESERVED = {
    "last_four": "8HFR",
    "currency": "MXN",
    "balance_minor": 20000,
    "state": "reserved",
    "reserved_until": "2026-11-22T18:30:00Z",
}

SCALE: dict[str, Any] = {
    "id": 31,
    "market": "MX",
    "number": 14,
    "state": "live",
    "based_on": 13,
    "note": "Restaurant vouchers up by a fifth",
    "author": "elena",
    "approved_by": "martin",
    "second_approved_by": None,
    "effective_from": "2026-10-01T06:00:00Z",
    "effective_until": None,
    "currency": "MXN",
    "rules": [
        {
            "category": "noise",
            "severity": "moderate",
            "segment": None,
            "offers": [
                {
                    "id": 902,
                    "kind": "coupon",
                    "name_es": "Vale de consumo",
                    "name_en": "Restaurant voucher",
                    "terms_es": "Un solo uso.",
                    "terms_en": "Single use.",
                    "basis": "fixed",
                    "minimum": 30000,
                    "default": 50000,
                    "maximum": 80000,
                    "cap_minor": None,
                    "expected_cost_bp": 4500,
                    "validity_days": 45,
                    "usable_at": ["CUN"],
                    "per_customer": 3,
                    "per_customer_days": 90,
                    "approval_from_minor": None,
                    "is_statutory": False,
                }
            ],
        }
    ],
}
