"""The stored answer to an Idempotency-Key, for acts that store it in their own statement.

`api.idempotency` says what a key promises. An act whose whole effect is one statement can keep the
promise on one trip: what refuses a key goes before it, and the answer is a part of it.
"""

from dataclasses import dataclass
from typing import Any

from common.prepared import Statement


@dataclass(frozen=True, slots=True)
class Answering:
    """Whose key it is, what was asked, and the statement that refuses a key in use or answered."""

    caller: str
    key: str
    request_hash: bytes
    guard: Statement


def answer_in_sql(body: str) -> str:
    """`INSERT ... SELECT` of a 200 with that body, an SQL expression.

    The statement goes on with its FROM and binds `answer_values`.
    """
    return (
        "INSERT INTO accounts_idempotentanswer (caller, key, request_hash, status, body) "
        f"SELECT %(caller)s, %(key)s, %(request_hash)s, 200, ({body})::text"
    )


def answer_values(answering: Answering) -> dict[str, Any]:
    """What `answer_in_sql` binds."""
    return {
        "caller": answering.caller,
        "key": answering.key,
        "request_hash": answering.request_hash,
    }
