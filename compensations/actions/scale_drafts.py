"""Writing a version of the scale while it is a draft: opened, filled cell by cell, thrown away.

Whoever wrote a word of a version is one of its editors and decides nothing about it later. Each
edit carries the revision it was made on, so that two tabs or two people never overwrite each other.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import Location, Market, Staff
from accounts.states import Role
from audit.actions import SYSTEM, record
from audit.selectors import about
from common.errors import NotAllowed, NotFound, Stale
from incidents.models import Category
from incidents.states import Segment, Severity

from ..models import Offer, ScaleRule, ScaleVersion
from ..scale_content import Cell, Offers, OfferTerms, Problem, content_of, problems
from ..scale_refusals import CellsRefused, NotADraft
from ..states import ScaleState

MOST_CELLS = 600


def require_finance(by: Staff, market: Market | int) -> None:
    """Raises NotAllowed."""
    if not by.has_role(market, Role.FINANCE):
        raise NotAllowed


def locked(version: ScaleVersion) -> ScaleVersion:
    """The version's row, locked. Raises NotFound where somebody deleted it."""
    rows = ScaleVersion.objects.select_related("market", "author")
    if "scale" not in settings.GUARDS_OFF:
        rows = rows.select_for_update(of=("self",))
    row = rows.filter(pk=version.pk).first()
    if row is None:
        raise NotFound
    return row


def record_scale(
    version: ScaleVersion,
    act: str,
    by: Staff | None,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str = "",
) -> None:
    """One row of the trail about a version; `by` None is the product itself."""
    record(
        act=act,
        by=by.as_actor(Role.FINANCE) if by else SYSTEM,
        object_kind="scale",
        object_id=version.pk,
        market_code=version.market.code,
        before=before,
        after={**after, "number": version.number},
        reason=reason,
    )


@lru_cache(maxsize=1)
def _copying() -> str:
    """Copies every rule and offer of one version into another, in one statement."""
    names = ", ".join(
        f'"{field.column}"'
        for field in Offer._meta.concrete_fields
        if field.name not in {"id", "rule"}
    )
    taken = ", ".join(f"offer.{name}" for name in names.split(", "))
    return (
        "WITH made AS ("  # noqa: S608
        "INSERT INTO compensations_scalerule (version_id, category_id, severity, segment) "
        "SELECT %s, category_id, severity, segment FROM compensations_scalerule "
        "WHERE version_id = %s RETURNING id, category_id, severity, segment) "
        f"INSERT INTO compensations_offer (rule_id, {names}) SELECT made.id, {taken} "
        "FROM made JOIN compensations_scalerule old ON old.version_id = %s "
        "AND COALESCE(old.category_id, 0) = COALESCE(made.category_id, 0) "
        "AND old.severity = made.severity AND old.segment = made.segment "
        "JOIN compensations_offer offer ON offer.rule_id = old.id"
    )


@transaction.atomic
def create_draft(
    *, market: Market, based_on: ScaleVersion | None = None, note: str = "", by: Staff
) -> ScaleVersion:
    """A new draft with the rules and offers of `based_on`, or of the live version where it is None.

    From an older version it is the way back: its content under a new number. Raises NotAllowed,
    NotFound for a version of another market.
    """
    require_finance(by, market)
    # Numbers are given one after the other; grants keep inserting rows of the market meanwhile.
    Market.objects.select_for_update(no_key=True).get(pk=market.pk)
    if based_on is None:
        based_on = ScaleVersion.objects.filter(market=market, state=ScaleState.LIVE).first()
    elif based_on.market_id != market.pk:
        raise NotFound
    last = ScaleVersion.objects.filter(market=market).aggregate(last=Max("number"))["last"] or 0
    draft = ScaleVersion.objects.create(
        market=market, number=last + 1, based_on=based_on, author=by, note=note.strip()[:500]
    )
    if based_on is not None:
        with connection.cursor() as cursor:
            cursor.execute(_copying(), [draft.pk, based_on.pk, based_on.pk])
    record_scale(
        draft,
        "scale.drafted",
        by,
        before={"state": ""},
        after={
            "state": ScaleState.DRAFT.value,
            "based_on": based_on.number if based_on else None,
        },
    )
    return draft


def changes_since(version: ScaleVersion, revision: int) -> list[dict[str, Any]]:
    """Who changed which cells of a draft after a revision, oldest first, from the trail."""
    return [
        {
            "by": event.actor_name,
            "at": event.at.isoformat(),
            "cells": sorted(event.after["cells"]),
        }
        for event in about(str(version.pk)).filter(act="scale.edited", after__revision__gt=revision)
        if event.after is not None
    ]


def check_revision(row: ScaleVersion, revision: int) -> None:
    """Raises Stale, with who changed which cells since, unless the draft is at this revision."""
    if row.revision == revision:
        return
    since = changes_since(row, revision)
    names = ", ".join(sorted({change["by"] for change in since}))
    words = _(
        "%(who)s saved this draft while you were working. "
        "What they changed is shown now; yours is kept: look at it and save again."
    )
    raise Stale(
        words % {"who": names or _("Somebody")},
        extra={"revision": row.revision, "changes": since},
    )


def _check_cells(market: Market, cells: Mapping[Cell, Offers]) -> None:
    """Raises CellsRefused."""
    found: dict[Cell, list[Problem]] = {}
    wanted = {cell.category_id for cell in cells if cell.category_id is not None}
    known = set(Category.objects.filter(market=market, pk__in=wanted).values_list("pk", flat=True))
    locations = frozenset(Location.objects.filter(market=market).values_list("code", flat=True))
    if len(cells) > MOST_CELLS:
        words = _("Change at most %(most)s cells at once.") % {"most": MOST_CELLS}
        raise CellsRefused({next(iter(cells)): [Problem(0, "kind", words)]})
    for cell, offers in cells.items():
        if (
            (cell.category_id is not None and cell.category_id not in known)
            or cell.severity not in Severity.values
            or cell.segment not in {"", *Segment.values}
        ):
            raise NotFound
        listed = problems(offers, locations)
        if listed:
            found[cell] = listed
    if found:
        raise CellsRefused(found)


def _replace(version: ScaleVersion, cells: Mapping[Cell, Offers]) -> None:
    with connection.cursor() as cursor:
        values: list[Any] = [
            [cell.category_id or 0 for cell in cells],
            [cell.severity for cell in cells],
            [cell.segment for cell in cells],
            version.pk,
        ]
        # Nobody was granted anything of a draft, so its offers may go; the database checks.
        gone = (
            "SELECT rule.id FROM compensations_scalerule rule "
            "JOIN unnest(%s::bigint[], %s::text[], %s::text[]) "
            "AS cell(category_id, severity, segment) "
            "ON COALESCE(rule.category_id, 0) = cell.category_id "
            "AND rule.severity = cell.severity AND rule.segment = cell.segment "
            "WHERE rule.version_id = %s"
        )
        cursor.execute(f"DELETE FROM compensations_offer WHERE rule_id IN ({gone})", values)  # noqa: S608
        cursor.execute(f"DELETE FROM compensations_scalerule WHERE id IN ({gone})", values)  # noqa: S608
    filled = [cell for cell, offers in cells.items() if offers]
    rules = ScaleRule.objects.bulk_create(
        ScaleRule(
            version=version,
            category_id=cell.category_id,
            severity=cell.severity,
            segment=cell.segment,
        )
        for cell in filled
    )
    Offer.objects.bulk_create(
        terms.as_row(rule, position)
        for rule, cell in zip(rules, filled, strict=True)
        for position, terms in enumerate(cells[cell], 1)
    )


@transaction.atomic
def change_cells(
    *,
    version: ScaleVersion,
    cells: Mapping[Cell, Sequence[OfferTerms]],
    revision: int,
    by: Staff,
) -> ScaleVersion:
    """Sets the offers of cells of a draft, all or none; a cell without offers becomes a hole.

    `revision` is that of the draft the person was looking at. A change that changes nothing leaves
    it as it is. Raises NotAllowed, NotADraft, Stale, CellsRefused, NotFound for a foreign category.
    """
    row = locked(version)
    require_finance(by, row.market)
    if row.state != ScaleState.DRAFT:
        raise NotADraft
    check_revision(row, revision)
    given = {cell: tuple(offers) for cell, offers in cells.items()}
    _check_cells(row.market, given)
    before = content_of(row)
    changed = {cell: offers for cell, offers in given.items() if offers != before.get(cell, ())}
    if not changed:
        return row
    _replace(row, changed)
    row.revision += 1
    _add_editor(row, by)
    row.save(update_fields=["revision", "editors"])
    record_scale(
        row,
        "scale.edited",
        by,
        before={
            "cells": {cell.key: [terms.brief for terms in before.get(cell, ())] for cell in changed}
        },
        after={
            "cells": {cell.key: [terms.brief for terms in changed[cell]] for cell in changed},
            "revision": row.revision,
        },
    )
    return row


def _add_editor(row: ScaleVersion, by: Staff) -> None:
    """The author is known as such; anybody else who writes is listed."""
    if by.pk != row.author_id and by.pk not in row.editors:
        row.editors = [*row.editors, by.pk]


@transaction.atomic
def delete_draft(*, version: ScaleVersion, by: Staff) -> None:
    """Throws a draft away; its trail stays. Raises NotAllowed, NotADraft.

    NotADraft too where another version was made from it, which has to be able to say so.
    """
    row = locked(version)
    require_finance(by, row.market)
    if row.state != ScaleState.DRAFT:
        raise NotADraft
    if ScaleVersion.objects.filter(based_on=row).exists():
        raise NotADraft(_("Another version was made from this draft, so it stays."))
    record_scale(
        row,
        "scale.deleted",
        by,
        before={"state": ScaleState.DRAFT.value, "revision": row.revision},
        after={"state": ""},
        reason=row.note,
    )
    with connection.cursor() as cursor:
        for statement in (
            "DELETE FROM compensations_offer WHERE rule_id IN "
            "(SELECT id FROM compensations_scalerule WHERE version_id = %s)",
            "DELETE FROM compensations_scalerule WHERE version_id = %s",
            "DELETE FROM compensations_scaleversion WHERE id = %s",
        ):
            cursor.execute(statement, [row.pk])
