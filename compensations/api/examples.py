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
    "The your own limit today leaves $ 80.00 and this needs $ 200.00.",
    field="amount_minor",
    scope="agent",
    window="day",
    measure="amount",
    cap=150000,
    used=142000,
    left=8000,
    currency="MXN",
)
OUT_OF_RANGE = refused(
    422,
    "out_of_range",
    "Choose an amount from $ 100.00 to $ 300.00.",
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
