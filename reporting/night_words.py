"""A nightly report in sentences, in the active language: what its page and its mail begin with.

They speak of what one reader sees (`selectors.reports.part_of`). Amounts are written as the market
writes them.
"""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext

from accounts.models import Market
from common.money import format_count, format_money


def money(market: Market, minor: int) -> str:
    return format_money(minor, market.currency, market.locale)


def count(market: Market, number: int) -> str:
    return format_count(number, market.locale)


def summary(part: dict[str, Any], market: Market) -> list[str]:
    """The day in a few sentences; the ledger's comes last, and only where the reader sees it."""
    totals = part["totals"]
    said = [
        _cases(totals, market),
        _issued(totals, market),
        *_moved(totals, market),
        *_asked(part, market),
    ]
    if part["ledger"] is not None:
        said.append(ledger_sentence(part, market))
    return said


def ledger_sentence(part: dict[str, Any], market: Market) -> str:
    """Whether the report's sums are the ledger's, or by how much they are not."""
    if part["difference"] == 0:
        return _("Every sum agrees with the ledger to the cent.")
    return _("The report differs from the ledger by %(amount)s.") % {
        "amount": money(market, part["difference"])
    }


def attention(part: dict[str, Any]) -> list[str]:
    """What a person should look at; empty on a quiet day."""
    return [text for _subject, text in matters(part)]


def matters(part: dict[str, Any]) -> list[tuple[str, str]]:
    """The same with the part of the report that each is about, `ledger` or the name of a list."""
    totals = part["totals"]
    pairs = sum(team["count"] for team in part["pairs"])
    little = len(part["too_little"])
    counted = [
        (
            "failures",
            totals["failed"],
            ngettext(
                "%(count)s message had not reached its customer by midnight.",
                "%(count)s messages had not reached their customers by midnight.",
                totals["failed"],
            ),
        ),
        (
            "promises",
            totals["promises"],
            ngettext(
                "%(count)s promise of the day was not kept.",
                "%(count)s promises of the day were not kept.",
                totals["promises"],
            ),
        ),
        (
            "pairs",
            pairs,
            ngettext(
                "%(count)s agent gave again to the same customer within 30 days.",
                "%(count)s times an agent gave again to the same customer within 30 days.",
                pairs,
            ),
        ),
        (
            "too_little",
            little,
            ngettext(
                "%(count)s person gave clearly less than peers did in like cases.",
                "%(count)s people gave clearly less than peers did in like cases.",
                little,
            ),
        ),
    ]
    said = [(subject, text % {"count": number}) for subject, number, text in counted if number]
    if part["difference"]:
        text = _("The sums do not agree with the ledger; finance should look into it.")
        said.insert(0, ("ledger", text))
    return said


def _cases(totals: dict[str, int], market: Market) -> str:
    cases = totals["cases"]
    if not cases:
        return _("No case was logged.")
    return ngettext(
        "%(cases)s case was logged, %(compensated)s with a compensation by midnight.",
        "%(cases)s cases were logged, %(compensated)s with a compensation by midnight.",
        cases,
    ) % {
        "cases": count(market, cases),
        "compensated": count(market, totals["compensated"]),
    }


def _issued(totals: dict[str, int], market: Market) -> str:
    issued = totals["issued"]
    if not issued:
        return _("Nothing was granted.")
    values = {
        "issued": count(market, issued),
        "face": money(market, totals["issued_face"]),
        "expected": money(market, totals["issued_expected"]),
        "statutory": count(market, issued - totals["goodwill"]),
    }
    if issued > totals["goodwill"]:
        return (
            ngettext(
                "%(issued)s compensation was granted, worth %(face)s and expected to cost "
                "%(expected)s, owed by law.",
                "%(issued)s compensations were granted, worth %(face)s and expected to cost "
                "%(expected)s; %(statutory)s of them owed by law.",
                issued,
            )
            % values
        )
    return (
        ngettext(
            "%(issued)s compensation was granted, worth %(face)s and expected to cost "
            "%(expected)s.",
            "%(issued)s compensations were granted, worth %(face)s and expected to cost "
            "%(expected)s.",
            issued,
        )
        % values
    )


def _moved(totals: dict[str, int], market: Market) -> list[str]:
    """What became of earlier ones that day."""
    words = {
        "redeemed": ngettext(
            "%(count)s redeemed for %(value)s",
            "%(count)s redeemed for %(value)s",
            totals["redeemed"],
        ),
        "reversed": ngettext(
            "%(count)s undone at the till for %(value)s",
            "%(count)s undone at the till for %(value)s",
            totals["reversed"],
        ),
        "voided": ngettext(
            "%(count)s voided for %(value)s",
            "%(count)s voided for %(value)s",
            totals["voided"],
        ),
        "expired": ngettext(
            "%(count)s expired with %(value)s",
            "%(count)s expired with %(value)s",
            totals["expired"],
        ),
    }
    values = {
        "redeemed": "redeemed_value",
        "reversed": "reversed_value",
        "voided": "voided_face",
        "expired": "expired_value",
    }
    parts = [
        text % {"count": count(market, totals[name]), "value": money(market, totals[values[name]])}
        for name, text in words.items()
        if totals[name]
    ]
    return [_("Also that day: %(parts)s.") % {"parts": ", ".join(parts)}] if parts else []


def _asked(part: dict[str, Any], market: Market) -> list[str]:
    totals = part["totals"]
    approved = sum(row[2] for row in part["decisions"])
    rejected = sum(row[4] for row in part["decisions"])
    if not (totals["requested"] or approved or rejected):
        return []
    asked = ngettext(
        "%(asked)s request was made; %(approved)s and %(rejected)s that day.",
        "%(asked)s requests were made; %(approved)s and %(rejected)s that day.",
        totals["requested"],
    )
    return [
        asked
        % {
            "asked": count(market, totals["requested"]),
            "approved": npgettext("requests", "%(count)s approved", "%(count)s approved", approved)
            % {"count": count(market, approved)},
            "rejected": npgettext("requests", "%(count)s rejected", "%(count)s rejected", rejected)
            % {"count": count(market, rejected)},
        }
    ]
