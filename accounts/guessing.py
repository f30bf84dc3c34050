"""Guessing of coupon codes: failed attempts are counted per client, terminal, address and customer.

Counts live in the database, for ten minutes from the first failure: what else is away or starts
anew forgets no guess. Looking a coupon up is allowed half as many failures as redeeming one. Used
by the API and by the counter's pages alike.
"""

import logging
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django.utils.translation import ngettext

from common.errors import Refusal
from common.fingerprints import fingerprint
from common.light import light
from common.prepared import Statement, prepared
from common.rows import detail_of_guard, said_by_guard

LIMITS = {"client": 60, "terminal": 12, "address": 30, "customer": 10}
security = logging.getLogger("security")


class TooManyFailures(Refusal):
    """`retry_after` is in seconds."""

    code = "throttled"
    status = 429


@dataclass(frozen=True, slots=True)
class Origin:
    """Where attempts come from. What is empty is not counted.

    `client` is the id of the API client or of the person at the counter, `terminal` the client with
    its location, `address` the network address, `customer` whose page it is.
    """

    client: str = ""
    terminal: str = ""
    address: str = ""
    customer: str = ""

    def keys(self) -> dict[str, bytes]:
        """Key by scope. Hashed: the rows say nothing of who tried."""
        return {
            scope: fingerprint("guess", f"{scope}:{value}")
            for scope in LIMITS
            if (value := getattr(self, scope))
        }


_FULL = """
SELECT scope, ceil(extract(epoch FROM until - statement_timestamp()))::integer
FROM accounts_codefailures
WHERE key = ANY(%s::bytea[]) AND failures >= allowed / %s AND until > statement_timestamp()
LIMIT 1
"""
_GUARD = "SELECT guard_guessing(%s)"
_STOPPED = "RC004"
# In the order of the keys, so that two failures never wait for each other in a ring.
_COUNT = """
INSERT INTO accounts_codefailures AS counted (key, scope, failures, allowed, until)
SELECT key, scope, 1, allowed, statement_timestamp() + interval '10 minutes'
FROM unnest(%s::bytea[], %s::text[], %s::integer[]) AS origin (key, scope, allowed)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN counted.until > statement_timestamp() THEN counted.failures ELSE 0 END + 1,
    until = CASE WHEN counted.until > statement_timestamp() THEN counted.until
                 ELSE excluded.until END
RETURNING scope, failures
"""


def check(origin: Origin, *, looking_up: bool = False) -> None:
    """Raises TooManyFailures when any scope has used up its failures."""
    with connection.cursor() as cursor:
        keys = list(origin.keys().values())
        cursor.execute(prepared(cursor, _FULL), light([keys, 2 if looking_up else 1]))
        full = cursor.fetchone()
    if full is not None:
        raise _stopped(*full)


def guard(origin: Origin) -> Statement:
    """A statement that refuses where `check` would; `stopped` tells from the error."""
    return _GUARD, [list(origin.keys().values())]


def stopped(error: DatabaseError) -> TooManyFailures | None:
    """The refusal that `guard` made, if the error is one."""
    if said_by_guard(error) != _STOPPED:
        return None
    scope, left = detail_of_guard(error).split()
    return _stopped(scope, int(left))


def _stopped(scope: str, left: int) -> TooManyFailures:
    security.warning("codes refused unread, too many failures per %s", scope)
    minutes = -(-left // 60)
    message = ngettext(
        "Too many codes did not work. Wait %(minutes)s minute and check the code.",
        "Too many codes did not work. Wait %(minutes)s minutes and check the code.",
        minutes,
    )
    return TooManyFailures(message % {"minutes": minutes}, extra={"retry_after": left})


def failed(origin: Origin) -> None:
    """Counts one attempt that did not work; outside a transaction that will be rolled back."""
    keys = origin.keys()
    with connection.cursor() as cursor:
        allowed = [LIMITS[scope] for scope in keys]
        cursor.execute(_COUNT, light([list(keys.values()), list(keys), allowed]))
        for scope, failures in cursor.fetchall():
            if failures == LIMITS[scope] // 2:
                security.warning("many codes do not work, per %s", scope)
