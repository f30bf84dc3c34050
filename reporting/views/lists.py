"""The list behind a number: its rows in pages by key, and at its foot the number itself."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.models import Staff
from accounts.workplace import Workplace, workplace_page
from compensations.states import OfferKind
from incidents.models import Customer
from incidents.selectors import key_page

from ..actions.exporting import record_export
from ..exports import MOST_ROWS, Column, Kind, Table, asked_format, respond
from ..figures import Writer
from ..filters import Address, read_list
from ..selectors.lists import (
    Rows,
    Total,
    line_of,
    rows_behind,
    total_of,
    with_relations,
)
from ..selectors.sight import READERS, sight_of
from ..selectors.slices import NOBODY
from ..states import Measure, Unit
from .dashboard import address_of
from .shown import days_written
from .week_shown import hour_written


@require_safe
@workplace_page(*READERS)
def issuance_list(request: HttpRequest, here: Workplace) -> HttpResponse:
    """The rows that a number counts, for whoever sees the number."""
    sight = sight_of(here.staff, here.market, own=request.GET.get("own") == "1")
    back = reverse("issuance-me" if sight.own else "issuance")
    address = address_of(request, sight, back)
    read_list(address, request.GET)
    measure = address.measure
    rows = rows_behind(measure, address.part, address.narrow)
    total = total_of(measure, rows)
    if asked_format(request):
        return _file(request, address, rows, total)
    page = key_page(with_relations(measure, rows), after=address.after, before=address.before)
    return render(
        request,
        "reporting/issuance_list.html",
        {
            "address": address,
            "measure": measure,
            "is_cases": measure.unit is Unit.CASES,
            "back_url": address.url(),
            "period_words": _when(address),
            "chips": _chips(address),
            "lines": [line_of(measure, row) for row in page.rows],
            "currency": here.market.currency,
            "total": _total_words(total, measure, Writer.of(here.market)),
            "previous_url": address.list_url(before=str(page.before)) if page.before else "",
            "next_url": address.list_url(after=str(page.after)) if page.after else "",
            "xlsx_url": address.list_url(export="xlsx"),
            "csv_url": address.list_url(export="csv"),
            "is_cut": total.number > MOST_ROWS,
            "most": Writer.of(here.market).count(MOST_ROWS),
        },
    )


def _when(address: Address) -> str:
    if address.measure.is_of_now:
        return _("Now")
    return days_written(address.period.start, address.period.last)


def _total_words(total: Total, measure: Measure, write: Writer) -> dict[str, str]:
    """The foot: what the number that led here says, in the same writing."""
    return {
        "number": write.count(total.number),
        "money": "" if total.minor is None else write.money(total.minor),
        "expected": "" if total.expected is None else write.money(total.expected),
        "people": "" if total.people is None else _people(total.people, write),
    }


def _people(number: int, write: Writer) -> SafeString:
    shown = format_html('<strong class="num" data-total="people">{}</strong>', write.count(number))
    return format_html(ngettext("{number} customer", "{number} customers", number), number=shown)


def _chips(address: Address) -> list[dict[str, str]]:
    """What narrows the list, each with the address that takes it away."""
    chips = [
        {"label": f"{menu.label}: {menu.chosen}", "remove_url": address.list_url(**{menu.name: ""})}
        for menu in address.menus()
        if menu.chosen
    ]
    if address.part.staff is not None and not address.sight.own:
        chips.append(
            {
                "label": _("Agent: %(name)s") % {"name": _name(address)},
                "remove_url": address.list_url(staff=""),
            }
        )
    if address.narrow.weekday is not None:
        day = _("Weekday: %(day)s") % {"day": WEEKDAYS[address.narrow.weekday]}
        chips.append({"label": day, "remove_url": address.list_url(weekday="")})
    if address.narrow.hour is not None:
        hour = _("Hour: %(hour)s") % {"hour": hour_written(address.narrow.hour)}
        chips.append({"label": hour, "remove_url": address.list_url(hour="")})
    labels = {"yes": _("Owed by law"), "no": _("Goodwill")}
    if "law" in address.extra:
        chips.append(
            {"label": labels[address.extra["law"]], "remove_url": address.list_url(law="")}
        )
    if kinds := address.part.kinds:
        names = ", ".join(str(OfferKind(kind).label) for kind in kinds)
        chips.append({"label": names, "remove_url": address.list_url(kind="")})
    if address.narrow.customer is not None:
        customer = Customer.objects.filter(
            pk=address.narrow.customer, market=address.sight.market
        ).first()
        name = customer.name if customer else _("Somebody else")
        chips.append(
            {
                "label": _("Customer: %(name)s") % {"name": name},
                "remove_url": address.list_url(customer=""),
            }
        )
    return chips


def _name(address: Address) -> str:
    """The agent's name where they ever worked in this market."""
    wanted = address.part.staff
    if wanted is None or wanted == NOBODY:
        return _("Nobody")
    person = Staff.objects.filter(pk=wanted, role_grants__market=address.sight.market).first()
    return person.name if person else _("Somebody else")


def _file(request: HttpRequest, address: Address, rows: Rows, total: Total) -> HttpResponse:
    """The newest rows as a file, at most MOST_ROWS; recorded."""
    measure, market = address.measure, address.sight.market
    lines = [
        line_of(measure, row) for row in with_relations(measure, rows).order_by("-pk")[:MOST_ROWS]
    ]
    write = Writer.of(market)
    notes = [f"{market.name}: {measure.label}, {_when(address)}"]
    notes += [chip["label"] for chip in _chips(address)]
    words = _total_words(total, measure, write)
    notes.append(_("Total: %(number)s %(money)s") % words)
    if total.number > len(lines):
        notes.append(
            _("Only the newest %(most)s rows of %(number)s are in this file.")
            % {"most": write.count(MOST_ROWS), "number": words["number"]}
        )
    staff = request.user
    assert isinstance(staff, Staff)
    record_export(
        report=f"issuance-list:{measure.value}",
        kind=asked_format(request),
        rows=len(lines),
        filters={**address.values, **address.extra},
        market=market,
        by=staff,
    )
    columns = [
        Column(_("Folio")),
        Column(_("When"), Kind.MOMENT),
        Column(_("Agent")),
        Column(_("Team")),
        Column(_("Customer")),
        Column(_("Category")),
        Column(_("Severity")),
        Column(_("Location")),
        Column(_("Channel")),
        Column(_("State")),
    ]
    cells = [
        [
            line.folio,
            line.at,
            line.agent,
            line.team,
            line.customer,
            line.category,
            line.severity,
            line.location,
            line.channel,
            line.state_name,
        ]
        for line in lines
    ]
    if measure.unit is not Unit.CASES:
        columns += [
            Column(_("Offer")),
            Column(_("Kind")),
            Column(_("Amount"), Kind.MONEY),
            Column(_("Expected cost"), Kind.MONEY),
            Column(_("Note")),
        ]
        cells = [
            [*row, line.offer, line.kind, line.minor, line.expected, line.note]
            for row, line in zip(cells, lines, strict=True)
        ]
    name = f"{measure.value}-{market.code}-{address.period.start}-{address.period.last}"
    return respond(request, name, [Table(str(measure.label), columns, cells, notes)], market)
