"""Taking the room of limits, and giving it back.

One statement writes down what is taken and inserts or raises every counter only where the cap still
holds, in a fixed order with the most shared counters last, so that nothing deadlocks. It goes with
the commit, so that a hot counter is locked for little more than that.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Market
from common.errors import LateRefusal, Refusal
from common.prepared import prepared
from common.rows import Batch
from common.transactions import release_early

from .limits import (
    RANK,
    Applicable,
    CounterKey,
    Refusing,
    Room,
    blocking,
    exceeded,
    limit_of,
    rooms,
    used_by_others,
)
from .models import Compensation, LimitUse
from .states import LimitScope, Measure

# The cap by its key alone: with the state beside it in a condition, every limit in force is read
# for each. What others used who count as well leaves so much less room.
_TAKE = """
WITH act(limits, subjects, starts_on, quantities) AS (
    SELECT %s::bigint[], %s::text[], %s::date[], %s::bigint[]
), use AS (
    INSERT INTO compensations_limituse (compensation_id, limits, subjects, starts_on, quantities)
    SELECT %s, * FROM act
), wanted AS MATERIALIZED (
    SELECT limit_id, subject, row.starts_on, quantity, place, (
        SELECT CASE WHEN state = 'in_force' THEN cap END
        FROM compensations_issuancelimit WHERE id = holding_id
    ) - elsewhere AS room
    FROM act, unnest(limits, subjects, act.starts_on, quantities, %s::bigint[], %s::bigint[])
        WITH ORDINALITY
        AS row(limit_id, subject, starts_on, quantity, holding_id, elsewhere, place)
), taken AS (
    INSERT INTO compensations_limitcounter AS counter (limit_id, subject, starts_on, used)
    SELECT limit_id, subject, starts_on, quantity FROM wanted
    WHERE {fresh_guard}
    ORDER BY place
    ON CONFLICT (limit_id, subject, starts_on) DO UPDATE
    SET used = counter.used + excluded.used
    WHERE {used_guard}
    RETURNING 1
)
SELECT guard_room((SELECT count(*) FROM taken), (SELECT count(*) FROM wanted))
"""
_GUARDED = _TAKE.format(
    fresh_guard="quantity <= room",
    used_guard=(
        "counter.used + excluded.used"
        " <= (SELECT room FROM wanted WHERE wanted.limit_id = excluded.limit_id)"
    ),
)
_UNGUARDED = _TAKE.format(fresh_guard="TRUE", used_guard="TRUE")
_NO_ROOM = "limit_has_room"

_COUNTERS = "unnest(%s::bigint[], %s::text[], %s::date[], %s::bigint[]) WITH ORDINALITY"
_LOCK = f"""
SELECT FROM {_COUNTERS} AS row(limit_id, subject, starts_on, quantity, place)
JOIN compensations_limitcounter counter USING (limit_id, subject, starts_on)
ORDER BY place FOR UPDATE OF counter
"""
# As `_LOCK`, and makes those that are not there yet.
_LOCK_ALL = f"""
INSERT INTO compensations_limitcounter AS counter (limit_id, subject, starts_on, used)
SELECT limit_id, subject, starts_on, quantity
FROM {_COUNTERS} AS row(limit_id, subject, starts_on, quantity, place) ORDER BY place
ON CONFLICT (limit_id, subject, starts_on) DO UPDATE SET used = counter.used
"""  # noqa: S608 -- written here
_GIVE_BACK = f"""
UPDATE compensations_limitcounter counter SET used = used - quantity
FROM {_COUNTERS} AS row(limit_id, subject, starts_on, quantity, place)
WHERE (counter.limit_id, counter.subject, counter.starts_on)
    = (row.limit_id, row.subject, row.starts_on)
"""  # noqa: S608 -- written here


class NoRoom(LateRefusal):
    """Some limit of an act does not hold its amount; which one is said in words."""

    def __init__(self, full: Callable[[], Refusal]) -> None:
        super().__init__()
        self._full = full

    def in_words(self) -> Refusal:
        return self._full()


def take(
    compensation: Compensation,
    applicable: Applicable,
    *,
    market: Market,
    batch: Batch,
    refuse: Refusing | None = None,
) -> None:
    """Sends `batch`, and with it takes room from every counter; commits on the same trip.

    The last act of an `atomic_act`, so that a counter that everybody takes from is locked for
    little more than the commit. Raises NoRoom, after which nothing of the transaction is left;
    `refuse` makes another refusal of it.
    """
    minor = compensation.face_minor

    def full() -> Refusal:
        return (refuse or exceeded)(_full(applicable, minor), minor, market)

    if any(minor > limit.cap for limit in applicable.single):
        raise full()
    keys = applicable.keys
    if keys:
        elsewhere = used_by_others(keys)
        batch.add(
            _UNGUARDED if "limits" in settings.GUARDS_OFF else _GUARDED,
            [
                [key.limit.counts_in_id for key in keys],
                [key.subject for key in keys],
                [key.starts_on for key in keys],
                [1 if key.limit.measure == Measure.COUNT else minor for key in keys],
                compensation.pk,
                [key.limit.pk for key in keys],
                [elsewhere.get(key.limit.pk, 0) for key in keys],
            ],
        )
        batch.means(_NO_ROOM, lambda: NoRoom(full))
        release_early()
    batch.send(and_commit=True)


def _full(applicable: Applicable, minor: int) -> Room:
    """The limit to name in a refusal: one that no approval passes before one that it does.

    Room may have come back since the statement that did not find it; the refusal stands, then it
    is said of the tightest limit.
    """
    found = rooms(applicable)
    full = blocking(found, minor)
    return (full or found)[0]


@dataclass(frozen=True, slots=True)
class _Held:
    """Uses that were not given back yet, locked, and how much they took from which counter."""

    uses: Collection[int]
    taken: Counter[CounterKey]


def _held(compensation_id: uuid.UUID) -> _Held:
    rows = LimitUse.objects.select_for_update().filter(
        compensation_id=compensation_id, released_at=None
    )
    uses, taken = [], Counter[CounterKey]()
    for use in rows.order_by("pk"):
        uses.append(use.pk)
        for limit, subject, start, quantity in zip(
            use.limits, use.subjects, use.starts_on, use.quantities, strict=True
        ):
            taken[limit, subject, start] += quantity
    return _Held(uses, taken)


def _order(counter: CounterKey) -> tuple[int, CounterKey]:
    """As in taking: from the least to the most shared."""
    return RANK[LimitScope(limit_of(counter[0]).scope)], counter


def _run(sql: str, taken: Counter[CounterKey]) -> None:
    counters = sorted(taken, key=_order)
    values = [list(each) for each in zip(*counters, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, sql), [*values, [taken[key] for key in counters]])


def give_back(compensation_id: uuid.UUID) -> None:
    """Restores the room of a voided, rejected or lapsed compensation, in the same windows, once."""
    held = _held(compensation_id)
    if not held.uses:
        return
    _run(_LOCK, held.taken)
    _run(_GIVE_BACK, held.taken)
    LimitUse.objects.filter(pk__in=held.uses).update(released_at=timezone.now())


def lock(compensation_id: uuid.UUID, applicable: Applicable) -> None:
    """Locks the counters that a reissue gives back to and takes from, in the one order.

    Giving back and then taking again would meet them twice, and could deadlock with a grant.
    """
    counters = {*_held(compensation_id).taken, *(key.counter for key in applicable.keys)}
    if counters:
        _run(_LOCK_ALL, Counter(dict.fromkeys(counters, 0)))
