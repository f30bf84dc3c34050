"""The use of a coupon at a till, or of a part of a gift card's balance.

One statement decides and writes a redemption, under the row's lock and by the database's clock;
every code that cannot be used gets the same answer, whatever the reason.
"""

import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from accounts.answers import Answering, answer_in_sql, answer_values
from accounts.models import Location, Market
from audit.actions import event_in_sql, event_values
from common.ids import uuid7
from common.light import light
from common.prepared import Statement, guards_in_one, prepared, together
from common.rows import loaded

from .. import codes
from ..models import Coupon, Redemption
from ..refusals import AmountNotTaken, CouponNotValid, TransactionReused
from ..states import Account, LedgerEvent
from ..tills import open_location
from .looking import (
    Caller,
    CouponView,
    actor,
    caller_columns,
    check_till,
    hashes_of,
    validate_coupon,
)

# One statement, so one trip and one commit: the coupon is locked and looked at, the redemption
# takes its transaction number, and only then the coupon is used, the compensation settled, the debt
# moved and the trail written. A coupon that cannot be used, or a number seen before, changes
# nothing. `amount` is NULL for the whole balance.
_REDEEM = """
WITH wanted AS (
    SELECT coupon.id, coupon.compensation_id, coupon.currency, coupon.last_four,
           compensation.incident_id, COALESCE(%(amount)s, coupon.balance_minor) AS amount,
           place.id AS location_id
    FROM compensations_coupon AS coupon
    JOIN compensations_compensation AS compensation ON compensation.id = coupon.compensation_id
    LEFT JOIN accounts_location AS place
      ON place.market_id = %(market)s AND place.code = %(location)s AND place.is_active
    WHERE coupon.code_hash = ANY(%(hashes)s::bytea[]) AND coupon.market_id = %(market)s
      AND {guard}
      AND (%(location)s = '' OR place.id IS NOT NULL)
      AND (coupon.usable_at = '[]'::jsonb OR coupon.usable_at ? %(location)s)
      AND (%(amount)s::bigint IS NULL OR (%(amount)s > 0 AND %(amount)s <= coupon.balance_minor
           AND (coupon.keeps_balance OR %(amount)s = coupon.balance_minor)))
    {lock}
), redemption AS (
    INSERT INTO compensations_redemption (id, coupon_id, market_id, amount_minor, currency,
        location_id, client_id, cashier_id, external_transaction_id)
    SELECT %(redemption)s, id, %(market)s, amount, currency, location_id, %(client)s,
           %(cashier)s, %(external)s
    FROM wanted
    ON CONFLICT (client_id, cashier_id, external_transaction_id) DO NOTHING
    RETURNING created_at
), used AS (
    UPDATE compensations_coupon AS coupon
    SET balance_minor = {left},
        state = CASE WHEN %(amount)s IS NULL OR coupon.balance_minor = %(amount)s
                     THEN 'redeemed' ELSE 'issued' END,
        reserved_until = NULL, reserved_by_id = NULL
    FROM wanted, redemption
    WHERE coupon.id = wanted.id
    RETURNING coupon.id, wanted.compensation_id, wanted.incident_id, wanted.amount,
              coupon.currency, coupon.last_four, coupon.balance_minor, redemption.created_at,
              wanted.location_id
), settled AS (
    UPDATE compensations_compensation AS compensation
    SET state = 'settled', ended_at = now()
    FROM used
    WHERE compensation.id = used.compensation_id AND used.balance_minor = 0
    RETURNING compensation.id
), moved AS (
    INSERT INTO compensations_ledgerentry (transaction, event, market_id, compensation_id,
        account, amount_minor, currency)
    SELECT %(transaction)s, %(event)s, %(market)s, used.compensation_id, side.account,
           side.sign * used.amount, used.currency
    FROM used, (VALUES (%(debit)s, 1), (%(credit)s, -1)) AS side (account, sign)
    WHERE used.amount > 0
    RETURNING id
), told AS (
    {record}
    FROM used
){answer}
"""
_GUARD = """(coupon.state = 'issued' OR (coupon.state = 'reserved'
           AND (coupon.reserved_until <= clock_timestamp()
                OR coupon.reserved_by_id = %(client)s)))
      AND coupon.expires_at > clock_timestamp()"""
_RECORD = event_in_sql(
    object_id="used.compensation_id",
    about_id="used.incident_id",
    after="jsonb_build_object('amount_minor', used.amount, 'currency', used.currency, "
    "'last_four', used.last_four, 'location', %(location)s::text, "
    "'transaction', %(external)s::text)",
)
_GUARDED = {
    "lock": "FOR UPDATE OF coupon",
    "guard": _GUARD,
    "left": "coupon.balance_minor - wanted.amount",
}
# What the race test runs with the guard off: the balance is read without a lock and trusted.
_UNGUARDED = {
    "lock": "",
    "guard": "TRUE",
    "left": "GREATEST(coupon.balance_minor - wanted.amount, 0)",
}
_ANSWERED = """, answered AS (
    {insert}
    FROM used
    RETURNING body
)
SELECT body FROM answered"""


@lru_cache(maxsize=8)
def _statement(body: str, *, guarded: bool) -> str:
    """The redemption; gives what was used, or the answer stored with `body`."""
    answer = _ANSWERED.format(insert=answer_in_sql(body)) if body else " SELECT * FROM used"
    return _REDEEM.format(record=_RECORD, answer=answer, **(_GUARDED if guarded else _UNGUARDED))


def redeem(
    *,
    code: str,
    external_transaction_id: str,
    market: Market,
    location: Location | str | None = None,
    amount_minor: int | None = None,
    by: Caller,
) -> Redemption:
    """Uses a coupon once, or part of a gift card's balance (`amount_minor`; None for all of it).

    `location` is one of the market's open locations, or its code. The same transaction number from
    the same caller, code and amount answers with the redemption it made, whenever it is repeated,
    unless that one was undone. Raises InvalidInput for an unknown location, CouponNotValid,
    AmountNotTaken, TransactionReused, NotAllowed.
    """
    check_till(by, market)
    hashes = hashes_of(code)
    made = _redeem_once(hashes, external_transaction_id, market, location, amount_minor, by)
    if made is not None:
        return made
    if isinstance(location, str):
        location = open_location(market, location)
    known = _known(external_transaction_id, by)
    if known is None:
        if amount_minor is not None:
            # Whoever has a good code may know what it is worth.
            coupon = validate_coupon(code=code, market=market, location=location, by=by)
            _check_amount(coupon, amount_minor)
        raise CouponNotValid(field="code")
    same_coupon = bytes(known.coupon.code_hash) in hashes
    # A redemption that was undone answers for nothing: the sale needs a number of its own.
    if (
        known.reversed_at is not None
        or not same_coupon
        or amount_minor not in {None, known.amount_minor}
    ):
        raise TransactionReused(field="external_transaction_id")
    return known


def _check_amount(coupon: CouponView, amount_minor: int) -> None:
    """Raises AmountNotTaken for more than is left, and for a part of what is used as a whole."""
    extra = {"balance_minor": coupon.balance_minor, "currency": coupon.currency}
    if not coupon.keeps_balance and amount_minor != coupon.balance_minor:
        message = _("This coupon is used as a whole. Leave the amount out, or send its value.")
        raise AmountNotTaken(message, field="amount_minor", extra=extra)
    if not 0 < amount_minor <= coupon.balance_minor:
        message = _("Use an amount up to what is left on the coupon.")
        raise AmountNotTaken(message, field="amount_minor", extra=extra)


def _known(external_transaction_id: str, by: Caller) -> Redemption | None:
    client, cashier = caller_columns(by)
    return (
        Redemption.objects.select_related("coupon__compensation", "location")
        .filter(client=client, cashier=cashier, external_transaction_id=external_transaction_id)
        .first()
    )


def _redeem_once(
    hashes: list[bytes],
    external_transaction_id: str,
    market: Market,
    location: Location | str | None,
    amount_minor: int | None,
    by: Caller,
) -> Redemption | None:
    """The redemption; None, and nothing changed, where one of what was said cannot be used."""
    place = location.code if isinstance(location, Location) else (location or "").upper()
    values = _values(hashes, external_transaction_id, market, place, amount_minor, by)
    statement = _statement("", guarded=_is_guarded())
    with connection.cursor() as cursor:
        written = dict(zip(values, light(values.values()), strict=True))
        cursor.execute(prepared(cursor, statement), written)
        row = cursor.fetchone()
    if row is None:
        return None
    coupon_id, compensation_id, _incident, amount, currency, last_four, balance, created, here = row
    if not isinstance(location, Location):
        location = None if here is None else loaded(Location, id=here, code=place, market=market)
    return loaded(
        Redemption,
        id=values["redemption"],
        coupon=loaded(
            Coupon,
            id=coupon_id,
            compensation_id=compensation_id,
            last_four=last_four,
            balance_minor=balance,
            currency=currency,
        ),
        market=market,
        location=location,
        client_id=values["client"],
        cashier_id=values["cashier"],
        external_transaction_id=external_transaction_id,
        amount_minor=amount,
        currency=currency,
        created_at=created,
        reversed_at=None,
    )


def _is_guarded() -> bool:
    return "redeem" not in settings.GUARDS_OFF


def _values(
    hashes: list[bytes],
    external_transaction_id: str,
    market: Market,
    place: str,
    amount_minor: int | None,
    by: Caller,
) -> dict[str, Any]:
    """What the statement binds."""
    client, cashier = caller_columns(by)
    return {
        "hashes": hashes,
        "market": market.pk,
        "amount": amount_minor,
        "location": place,
        "client": client,
        "cashier": cashier,
        "redemption": uuid7(),
        "external": external_transaction_id,
        "transaction": uuid.uuid4(),
        "event": LedgerEvent.REDEEM.value,
        "debit": Account.LIABILITY.value,
        "credit": Account.CLEARING.value,
        **event_values(
            act="coupon.redeemed",
            by=actor(by),
            object_kind="compensation",
            market_code=market.code,
        ),
    }


def redeem_and_answer(
    *,
    code: str,
    external_transaction_id: str,
    market: Market,
    location: str,
    amount_minor: int | None,
    by: Caller,
    body: str,
    guards: Sequence[Statement],
    answering: Answering,
) -> str | None:
    """`redeem` on one trip, with the answer to its Idempotency-Key; the answer's text.

    `body` is that text as an SQL expression over what was `used` and the values bound; `guards`
    refuse before it. None, with nothing changed, where `redeem` has more to say than done.
    Raises NotAllowed, and what the guards raise.
    """
    check_till(by, market)
    text = codes.read(code)
    if text is None:
        return None
    hashes = codes.all_hashes(text)
    values = _values(hashes, external_transaction_id, market, location.upper(), amount_minor, by)
    statement = _statement(body, guarded=_is_guarded())
    values |= {"undo_minutes": market.undo_minutes, **answer_values(answering)}
    row = together(guards_in_one(*guards), (statement, values))
    return None if row is None else row[0]
