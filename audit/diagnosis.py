"""Naming what is wrong: a row that is not what its seal says, told apart by what is there instead.

Only runs once something was found, so it may look rows up one by one.
"""

from dataclasses import dataclass

from django.db.models import Sum

from . import chain
from .models import AuditEvent, Seal
from .states import Wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong. `act` is empty where the row is gone or it is a seal."""

    wrong: Wrong
    detail: str
    seal: int | None = None
    row: int | None = None
    act: str = ""

    def __str__(self) -> str:
        where = f"seal {self.seal}" if self.row is None else f"row {self.row}"
        if self.act:
            where += f" ({self.act})"
        if self.row is not None and self.seal is not None:
            where += f", under seal {self.seal}"
        if self.row is None and self.seal is None:
            return f"{self.wrong.value}: {self.detail}"
        return f"{where}: {self.wrong.value}: {self.detail}"


def finding(wrong: Wrong, row: int, detail: str, seal: int | None = None) -> Finding:
    """A finding about a row, with its act where the row is still there."""
    act = AuditEvent.objects.filter(pk=row).values_list("act", flat=True).first() or ""
    return Finding(wrong, detail, seal=seal, row=row, act=act)


def name_row(seal: Seal, place: int, actual: chain.Leaf | None) -> Finding:
    """Says what became of the row at `place` of `seal`, where `actual` stands or nothing does.

    `place` is the number of rows of the seal where one more was found behind them.
    """
    expected = chain.leaves_of(seal)
    if place == len(expected):
        assert actual is not None
        return _stranger(seal, actual, expected)
    wanted = expected[place]
    if actual is None:
        return _missing(seal, wanted, place)
    if actual.id == wanted.id:
        return _changed(seal, wanted, actual, expected)
    same = (actual.txid, actual.content) == (wanted.txid, wanted.content)
    if same and not _there(wanted.id):
        detail = f"it was row {wanted.id} when it was sealed"
        return finding(Wrong.ALTERED, actual.id, detail, seal.number)
    if actual.position < wanted.position:
        return _stranger(seal, actual, expected)
    return _missing(seal, wanted, place)


def _there(row: int) -> bool:
    return AuditEvent.objects.filter(pk=row).exists()


def _changed(
    seal: Seal, wanted: chain.Leaf, actual: chain.Leaf, expected: list[chain.Leaf]
) -> Finding:
    if actual.content == wanted.content:
        detail = f"transaction {wanted.txid} wrote it, now it says {actual.txid}"
        return finding(Wrong.REORDERED, actual.id, detail, seal.number)
    others = [leaf.id for leaf in expected if leaf.content == actual.content]
    if others:
        detail = f"it holds what row {others[0]} held"
        return finding(Wrong.REORDERED, actual.id, detail, seal.number)
    detail = "it does not hold what it held when it was sealed"
    return finding(Wrong.ALTERED, actual.id, detail, seal.number)


def _stranger(seal: Seal, actual: chain.Leaf, expected: list[chain.Leaf]) -> Finding:
    if any(leaf.id == actual.id for leaf in expected):
        detail = f"it stands at another place than when it was sealed (transaction {actual.txid})"
        return finding(Wrong.REORDERED, actual.id, detail, seal.number)
    detail = "it was not there when these rows were sealed"
    return finding(Wrong.INSERTED, actual.id, detail, seal.number)


def _missing(seal: Seal, wanted: chain.Leaf, place: int) -> Finding:
    now = AuditEvent.objects.filter(pk=wanted.id).values_list("txid", flat=True).first()
    if now is not None:
        detail = f"transaction {wanted.txid} wrote it, now it says {now}"
        return finding(Wrong.REORDERED, wanted.id, detail, seal.number)
    behind = AuditEvent.objects.extra(
        where=["(txid, id) > (%s, %s)"], params=[wanted.txid, wanted.id]
    )
    if behind.exists():
        return finding(Wrong.DELETED, wanted.id, "it is not there any more", seal.number)
    later = Seal.objects.filter(number__gt=seal.number).aggregate(rows=Sum("rows"))["rows"] or 0
    detail = f"it and all that was sealed after it are gone, {seal.rows - place + later} rows"
    return finding(Wrong.TRUNCATED, wanted.id, detail, seal.number)
