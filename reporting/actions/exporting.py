"""That somebody took figures out as a file: who, what, by which filters, how many rows."""

from collections.abc import Mapping

from django.db import transaction

from accounts.models import Market, Staff
from audit.actions import record


@transaction.atomic
def record_export(
    *, report: str, kind: str, rows: int, filters: Mapping[str, str], market: Market, by: Staff
) -> None:
    """One audit row for a file of `rows` rows; `filters` are those of the address, without names.

    The caller has decided what `by` may see; taking it out needs no further right.
    """
    record(
        act="report.exported",
        by=by.as_actor(),
        object_kind="report",
        object_id=report,
        market_code=market.code,
        after={"format": kind, "rows": rows, "filters": dict(filters)},
    )


@transaction.atomic
def record_journal(*, rows: int, filters: Mapping[str, str], market: Market, by: Staff) -> None:
    """One audit row for `rows` entries of the journal taken out as a file, before it is sent."""
    record(
        act="journal.exported",
        by=by.as_actor(),
        object_kind="journal",
        object_id=market.pk,
        market_code=market.code,
        after={"format": "csv", "rows": rows, "filters": dict(filters)},
    )
