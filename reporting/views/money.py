"""Finance's pages of money, which auditors read: what is owed, the journal, whether it adds up."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Market
from accounts.states import Role
from accounts.workplace import Workplace, workplace_page
from common.charts import Columns
from common.charts import Row as ChartRow
from common.money import format_money
from common.transactions import one_snapshot
from common.windows import local_date
from compensations.reconciliation import CHECKS, run_checks
from compensations.states import Account, LedgerEvent, OfferKind

from ..actions.exporting import record_journal
from ..exports import CONTENT_TYPES, Column, Kind, Style, stream_csv, style_of
from ..money_address import (
    LONGEST_DAYS,
    journal_url,
    open_url,
    presets,
    read_book_key,
    read_open,
    read_open_key,
    read_span,
    span_url,
    turned,
    write_key,
)
from ..selectors.money import (
    AGE_NAMES,
    END_NAMES,
    Booking,
    Liability,
    Open,
    Owed,
    Span,
    all_bookings,
    bookings,
    breakage,
    liability,
    open_rows,
    trend,
    trial_balance,
)

READERS = (Role.FINANCE, Role.AUDITOR)
TREND_DAYS = 60
PAGE = 50
PRESET_NAMES = {
    "today": gettext_lazy("Today"),
    "month": gettext_lazy("This month"),
    "last_month": gettext_lazy("Last month"),
    "year": gettext_lazy("This year"),
}
CHECK_NAMES: dict[str, Promise] = {
    "ledger transaction sums to zero": gettext_lazy("Every transaction of the ledger sums to zero"),
    "coupon balance equals its debt": gettext_lazy("Every coupon's balance is what it still owes"),
    "coupon balance equals value less redemptions": gettext_lazy(
        "Every coupon's balance is its value less what was redeemed"
    ),
    "expense equals face value unless voided": gettext_lazy(
        "Every grant's expense is its face value, or nothing once voided"
    ),
    "limit counter equals its uses": gettext_lazy("Every limit's counter is the sum of its uses"),
    "request holds its room until it ends": gettext_lazy("Every request holds its room or none"),
    "request waits for one decision": gettext_lazy("Every request waits for one decision"),
    "issued request has every approval": gettext_lazy("Every request granted was approved"),
    "issued compensation has its message": gettext_lazy("Every grant has its message"),
    "closed ledger day equals its entries": gettext_lazy(
        "Every closed day is the sum of its entries"
    ),
}


def _today(market: Market) -> dt.date:
    return local_date(timezone.now(), market.time_zone)


def _tabs(current: str) -> list[dict[str, Any]]:
    parts = [
        ("liability", _("Liability")),
        ("journal", _("Journal")),
        ("reconciliation", _("Reconciliation")),
    ]
    return [
        {"label": label, "url": reverse(name), "current": name == current} for name, label in parts
    ]


@require_safe
@workplace_page(*READERS)
def what_is_owed(request: HttpRequest, here: Workplace) -> HttpResponse:
    """What customers may still use and what is to be refunded, by kind, age and days left."""
    market = here.market
    now = timezone.now()
    today = _today(market)
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    tomorrow = today + dt.timedelta(days=1)
    with one_snapshot():
        found = liability(market, now)
        broken_month, broken_year = (
            breakage(market, month, tomorrow),
            breakage(market, year, tomorrow),
        )
        days = trend(market, today, TREND_DAYS)
    whole = found.total(Open())
    return render(
        request,
        "reporting/money_liability.html",
        {
            "here": here,
            "tabs": _tabs("liability"),
            "now": now,
            "found": found,
            "whole": whole,
            "whole_url": open_url(Open()),
            "refunds": found.total(Open(owed="refunds")),
            "refunds_url": open_url(Open(owed="refunds")),
            "week": found.total(Open(ends="7")),
            "week_url": open_url(Open(ends="7")),
            "past": found.total(Open(ends="past")),
            "broken_month": broken_month,
            "broken_month_url": journal_url(month, today, account=Account.BREAKAGE.value),
            "broken_year": broken_year,
            "broken_year_url": journal_url(year, today, account=Account.BREAKAGE.value),
            "tables": _tables(found),
            "chart": _chart(market, days),
        },
    )


def _tables(found: Liability) -> list[dict[str, Any]]:
    """What is owed by nature and kind, by age, and by the days left; every row has its list."""
    kinds = [
        (OfferKind(kind).label, Open(kind=kind))
        for kind in OfferKind.values
        if found.total(Open(kind=kind)).count
    ]
    natures = [
        (_("Goodwill"), Open(nature="goodwill")),
        (_("Owed by law"), Open(nature="statutory")),
    ]
    ages = [(name, Open(age=age)) for age, name in AGE_NAMES.items()]
    ends = [(name, Open(ends=end)) for end, name in END_NAMES.items()]
    return [
        _table(found, _("By nature"), _("Nature"), natures),
        _table(found, _("By kind"), _("Kind"), kinds),
        _table(found, _("By days since it was granted"), _("Granted"), ages),
        _table(found, _("By days until it expires"), _("Expires"), ends),
    ]


def _table(
    found: Liability, title: str, heading: str, rows: list[tuple[Any, Open]]
) -> dict[str, Any]:
    shown = [
        {"label": label, "sum": found.total(chosen), "url": open_url(chosen)}
        for label, chosen in rows
    ]
    return {
        "title": title,
        "heading": heading,
        "rows": shown,
        "total": sum((row["sum"] for row in shown), Owed()),
    }


def _chart(market: Market, days: list[Any]) -> Columns:
    first, last = days[0].liability, days[-1].liability

    def show(minor: int) -> str:
        return format_money(minor, market.currency, market.locale)

    values = {"first": show(first), "last": show(last), "days": len(days)}
    if last > first:
        sentence = _("In %(days)d days what is owed rose from %(first)s to %(last)s.") % values
    elif last < first:
        sentence = _("In %(days)d days what is owed fell from %(first)s to %(last)s.") % values
    else:
        sentence = _("What is owed is what it was %(days)d days ago, %(last)s.") % values
    return Columns(
        sentence,
        _("When the day ended"),
        [_("Outstanding liability")],
        [
            ChartRow(
                date_format(day.date, "SHORT_DATE_FORMAT"),
                [max(day.liability, 0)],
                journal_url(day.date, day.date, account=Account.LIABILITY.value),
            )
            for day in days
        ],
        show,
    )


@require_safe
@workplace_page(*READERS)
def open_list(request: HttpRequest, here: Workplace) -> HttpResponse:
    """The open compensations behind a figure, with the figure at its foot."""
    chosen = read_open(request.GET.dict())
    now = timezone.now()
    with one_snapshot():
        total = liability(here.market, now).total(chosen)
        rows = open_rows(
            here.market,
            chosen,
            now,
            after=read_open_key(request.GET.get("after", "")),
            limit=PAGE + 1,
        )
    shown = rows[:PAGE]
    following = write_key(shown[-1].issued_at, shown[-1].id) if len(rows) > PAGE else ""
    return render(
        request,
        "reporting/money_open.html",
        {
            "here": here,
            "rows": [(row, OfferKind(row.kind).label) for row in shown],
            "total": total,
            "chips": _open_chips(chosen),
            "next_url": open_url(chosen, after=following) if following else "",
            "first_url": open_url(chosen) if request.GET.get("after") else "",
            "title": _("Refunds payable") if chosen.owed == "refunds" else _("What is owed"),
        },
    )


def _open_chips(chosen: Open) -> list[dict[str, str]]:
    named: dict[str, str] = {}
    if chosen.kind:
        named["kind"] = str(OfferKind(chosen.kind).label)
    if chosen.nature:
        named["nature"] = _("Owed by law") if chosen.nature == "statutory" else _("Goodwill")
    if chosen.age:
        named["age"] = _("Granted: %(span)s") % {"span": AGE_NAMES[chosen.age]}
    if chosen.ends:
        named["ends"] = _("Expires: %(span)s") % {"span": END_NAMES[chosen.ends]}
    return [
        {"label": label, "url": open_url(replace(chosen, **{name: ""}))}
        for name, label in named.items()
    ]


@require_safe
@workplace_page(*READERS)
def journal(request: HttpRequest, here: Workplace) -> HttpResponse:
    """The book of a period: each account from opening to closing, and every transaction."""
    today = _today(here.market)
    span = read_span(request.GET.dict(), here.market, today)
    with one_snapshot():
        lines = trial_balance(span)
        rows = bookings(span, after=read_book_key(request.GET.get("after", "")), limit=PAGE + 1)
    shown = rows[:PAGE]
    following = write_key(shown[-1].at, shown[-1].id) if len(rows) > PAGE else ""
    chosen = next((line for line in lines if line.account == span.account), None)
    entries = chosen.entries if chosen else sum(line.entries for line in lines) // 2
    return render(
        request,
        "reporting/money_journal.html",
        {
            "here": here,
            "tabs": _tabs("journal"),
            "span": span,
            "turned": turned(request.GET.dict()),
            "today": today,
            "presets": [
                {
                    "label": PRESET_NAMES[one.name],
                    "url": span_url(
                        span, **{"from": one.start.isoformat(), "to": one.end.isoformat()}
                    ),
                    "current": (one.start, one.end) == (span.start, span.end),
                }
                for one in presets(today)
            ],
            "accounts": Account.choices,
            "events": LedgerEvent.choices,
            "lines": [(line, span_url(span, account=line.account)) for line in lines],
            "sums": {
                "opening": sum(line.opening for line in lines),
                "debit": sum(line.debit for line in lines),
                "credit": sum(line.credit for line in lines),
                "closing": sum(line.closing for line in lines),
            },
            "chosen": chosen,
            "all_accounts_url": span_url(span, account=""),
            "rows": [_shown(row) for row in shown],
            "transactions": entries,
            "longest": LONGEST_DAYS,
            "next_url": span_url(span, after=following) if following else "",
            "first_url": span_url(span) if request.GET.get("after") else "",
            "export_url": span_url(span, "journal-export"),
        },
    )


def _shown(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "event": LedgerEvent(booking.event).label,
        "kind": OfferKind(booking.kind).label,
        "entries": [
            {
                "account": Account(entry.account).label,
                "debit": entry.minor if entry.minor > 0 else None,
                "credit": -entry.minor if entry.minor < 0 else None,
            }
            for entry in booking.entries
        ],
    }


@require_POST
@workplace_page(*READERS)
def journal_export(request: HttpRequest, here: Workplace) -> HttpResponseBase:
    """The journal as CSV, oldest entry first, written as it is read; that it was is recorded."""
    span = read_span(request.GET.dict(), here.market, _today(here.market))
    style = style_of(here.market, request.POST.get("delimiter", ""))
    lines = trial_balance(span)
    chosen = next((line for line in lines if line.account == span.account), None)
    entries = 2 * chosen.entries if chosen else sum(line.entries for line in lines)
    record_journal(
        rows=entries,
        filters={
            "from": span.start.isoformat(),
            "to": span.end.isoformat(),
            "account": span.account,
            "event": span.event,
        },
        market=here.market,
        by=here.staff,
    )
    name = f"journal-{here.market.code}-{span.start}-{span.end}.csv"
    return StreamingHttpResponse(
        stream_csv(_columns(), _lines(span, style), style),
        content_type=CONTENT_TYPES["csv"],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _columns() -> list[Column]:
    """Names are written now: the language of the request has ended when the file is sent."""
    return [
        Column(str(label), kind)
        for label, kind in (
            (_("Local date"), Kind.DATE),
            (_("Local time"), Kind.TEXT),
            (_("UTC"), Kind.TEXT),
            (_("Transaction"), Kind.TEXT),
            (_("Event"), Kind.TEXT),
            (_("Account"), Kind.TEXT),
            (_("Debit"), Kind.MONEY),
            (pgettext("journal", "Credit"), Kind.MONEY),
            (_("Amount in minor units"), Kind.COUNT),
            (_("Currency"), Kind.TEXT),
            (_("Folio"), Kind.TEXT),
            (_("Kind"), Kind.TEXT),
            (_("Compensation"), Kind.TEXT),
        )
    ]


def _lines(span: Span, style: Style) -> Iterator[list[Any]]:
    """One line for each entry; debits positive in the column of minor units."""
    accounts = {value: str(label) for value, label in Account.choices}
    events = {value: str(label) for value, label in LedgerEvent.choices}
    kinds = {value: str(label) for value, label in OfferKind.choices}
    return _lines_in(span, style.zone, accounts, events, kinds)


def _lines_in(
    span: Span,
    zone: ZoneInfo,
    accounts: dict[str, str],
    events: dict[str, str],
    kinds: dict[str, str],
) -> Iterator[list[Any]]:
    for booking in all_bookings(span):
        local = booking.at.astimezone(zone)
        for entry in booking.entries:
            yield [
                local.date(),
                local.strftime("%H:%M:%S"),
                booking.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                booking.transaction,
                events[booking.event],
                accounts[entry.account],
                entry.minor if entry.minor > 0 else None,
                -entry.minor if entry.minor < 0 else None,
                entry.minor,
                booking.currency,
                booking.folio,
                kinds[booking.kind],
                booking.compensation,
            ]


@require_safe
@workplace_page(*READERS)
def reconciliation(request: HttpRequest, here: Workplace) -> HttpResponse:
    """Whether every figure is its sum; the same checks as `manage.py reconcile_ledger`."""
    asked = request.GET.get("check") == "1"
    results = run_checks(here.market) if asked else []
    return render(
        request,
        "reporting/money_reconciliation.html",
        {
            "here": here,
            "tabs": _tabs("reconciliation"),
            "asked": asked,
            "names": [CHECK_NAMES.get(name, name) for name in CHECKS],
            "results": [
                {"name": CHECK_NAMES.get(result.check, result.check), "result": result}
                for result in results
            ],
            "sound": asked and all(result.adds_up for result in results),
            "ended": all(result.ended for result in results),
            "now": timezone.now(),
        },
    )
