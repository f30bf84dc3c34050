"""The living gallery: every component on one page, for people and for accessibility checks.

Mounted in development and embedded mode only. Its data is invented here and touches no database.
"""

import datetime as dt

import segno
from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.charts import Bar, Bars, Columns, Row
from common.heat import Heat, Side

SEVERITIES = [
    ("minor", gettext_lazy("Minor")),
    ("moderate", gettext_lazy("Moderate")),
    ("critical", gettext_lazy("Critical")),
]


class SampleForm(forms.Form):
    """One field of each kind."""

    what = forms.CharField(
        label=gettext_lazy("What happened"),
        help_text=gettext_lazy("In the customer's own words."),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    order = forms.CharField(label=gettext_lazy("Order"), max_length=40, required=False)
    location = forms.ChoiceField(
        label=gettext_lazy("Location"),
        choices=[("cun", "Cancún"), ("mid", "Mérida"), ("pvr", "Puerto Vallarta")],
    )
    happened = forms.DateField(
        label=gettext_lazy("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    severity = forms.ChoiceField(
        label=gettext_lazy("Severity"),
        choices=SEVERITIES,
        widget=forms.RadioSelect,
        initial="moderate",
    )
    proof = forms.FileField(label=gettext_lazy("Photo or invoice"), required=False)
    consent = forms.BooleanField(label=gettext_lazy("May be answered by WhatsApp"), required=False)


class RefusedForm(forms.Form):
    """A form that is always shown as refused."""

    email = forms.EmailField(
        label=gettext_lazy("Email"), help_text=gettext_lazy("Where the coupon goes.")
    )
    amount = forms.CharField(label=gettext_lazy("Amount"))

    def clean(self) -> dict[str, object]:
        """Refuse the whole as well as its parts."""
        self.add_error(
            None, gettext_lazy("Your room today is $2,380.00: choose less or ask for approval.")
        )
        return self.cleaned_data


def look_up(request: HttpRequest, typed: str) -> HttpResponse:
    """Two invented people for whatever is typed, and the row that creates a third."""
    people = [("1", "Solís"), ("2", "Solano")]
    options = [{"value": value, "label": f"{typed} {name}"} for value, name in people]
    create = _("Create “%(typed)s” as a customer") % {"typed": typed}
    return render(request, "components/options.html", {"options": options, "create": create})


def gallery(request: HttpRequest) -> HttpResponse:
    """Show every component. 404 outside development and embedded mode."""
    doors = ("DEBUG", "RECOVERY_EMBEDDED", "RECOVERY_TESTING")
    if not any(getattr(settings, door, False) for door in doors):
        raise Http404
    if request.method == "POST":
        return HttpResponse(status=204)
    typed = request.GET.get("q") or request.GET.get("customer_text")
    if typed:
        return look_up(request, typed[:120])
    now = timezone.now()
    return render(
        request,
        "gallery/page.html",
        {
            "form": SampleForm(auto_id="sample_%s"),
            "refused": RefusedForm({"email": "mariana@", "amount": ""}, auto_id="refused_%s"),
            "now": now,
            "due_far": now + dt.timedelta(hours=5, minutes=12),
            "due_soon": now + dt.timedelta(minutes=11, seconds=30),
            "due_late": now - dt.timedelta(minutes=26),
            "market_locale": "es-MX",
            "nav": [
                {"label": _("My cases"), "url": "#", "count": 7, "key": "g", "current": True},
                {"label": _("Team"), "url": "#buttons", "count": 31},
                {"label": _("Promises"), "url": "#badges", "count": _("2 today")},
                {"label": _("Customers"), "url": "#forms"},
            ],
            "new_incident_url": "#forms",
            "palette_url": request.path,
            "steps": [
                {
                    "label": _("Listen"),
                    "hint": _("The customer's account is kept"),
                    "state": "done",
                },
                {
                    "label": _("Apologise"),
                    "hint": _("Say it before anything else."),
                    "state": "done",
                },
                {
                    "label": _("Explain"),
                    "hint": _("The kitchen checks its cold line today"),
                    "state": "done",
                },
                {
                    "label": _("Compensate"),
                    "hint": _("Choose an approved offer"),
                    "state": "current",
                },
                {"label": _("Correct"), "hint": _("Root cause on resolving"), "state": "todo"},
            ],
            "rows": [
                {"label": _("Incidents in 12 months"), "value": 2, "href": "#tables"},
                {"label": _("Compensated in 12 months"), "value": "$650.00"},
                {"label": _("Last rating"), "value": _("4 of 5")},
            ],
            "coupon_rows": [
                {"label": _("Valid until"), "value": _("20 May 2027")},
                {"label": _("Used"), "value": _("once, in Cancún")},
            ],
            "cases": [
                (
                    "MX-2026-004182",
                    _("Insect at the breakfast buffet"),
                    "Mariana Solís",
                    "critical",
                    "in_recovery",
                    _("In recovery"),
                    162000,
                ),
                (
                    "MX-2026-004181",
                    _("Room not ready at 15:00"),
                    "José Ñáñez",
                    "moderate",
                    "open",
                    _("Open"),
                    None,
                ),
                (
                    "MX-2026-004177",
                    _("Charged twice for parking"),
                    "Ana Lucía Fernández de la Garza",
                    "minor",
                    "resolved",
                    _("Resolved"),
                    24000,
                ),
            ],
            "tabs": [
                {"label": _("All"), "url": "#tabs", "current": True, "count": 12},
                {"label": _("Messages"), "url": "#tabs", "count": 4},
                {"label": _("Money"), "url": "#tabs", "count": 2},
                {"label": _("System"), "url": "#tabs"},
            ],
            "options": [
                {
                    "value": "1",
                    "label": "Mariana Solís",
                    "detail": "+52 •••• •• 41",
                    "group": _("Customers"),
                },
                {
                    "value": "2",
                    "label": "Mariano Solano",
                    "detail": "m•••@correo.mx",
                    "group": _("Customers"),
                },
                {
                    "value": "3",
                    "label": "MX-2026-004182",
                    "detail": _("Insect at the breakfast buffet"),
                    "group": _("Cases"),
                },
            ],
            "qr": SafeString(segno.make_qr("7K3MQ9TX2WBD8HFR").svg_inline(border=0, omitsize=True)),
            "chart": Columns(
                sentence=_("Issued by day and kind: 21 days, the highest on the 18th"),
                heading=_("Day"),
                series=[_("Coupon"), _("Courtesy"), _("Refund")],
                rows=[
                    Row(str(day), [30 + day * 7 % 23, 12 + day * 5 % 11, day * 3 % 9], "#charts")
                    for day in range(1, 22)
                ],
                looks=["coupon", "courtesy", "partial_refund"],
            ),
            "reasons": Bars(
                sentence=_("80 % come from three reasons"),
                headings=[_("Reason"), _("Cases"), _("Share")],
                bars=[
                    Bar(label, number, str(number), "#charts", [(f"{number * 100 // 632} %", "")])
                    for label, number in [
                        (_("Delay"), 230),
                        (_("Cleanliness"), 176),
                        (_("Food"), 121),
                        (_("Billing"), 64),
                        (_("Manners"), 41),
                    ]
                ],
            ),
            "week": Heat(
                sentence=_("The most on Saturday at 14:00"),
                heading=_("Hour"),
                rows=[Side(str(WEEKDAYS[day]), str(WEEKDAYS_ABBR[day])) for day in range(7)],
                columns=[Side(f"{hour:02}:00", f"{hour:02}:00") for hour in range(24)],
                values=[
                    [
                        max(0, 9 + 2 * (day > 3) - abs(hour - 14) - (day - 5) ** 2 // 4)
                        for hour in range(24)
                    ]
                    for day in range(7)
                ],
                link=lambda _day, _hour: "#charts",
                every=3,
            ),
            "spark": [4, 6, 5, 9, 3, 7, 8, 6, 10, 4, 6, 7, 5, 9, 11, 8, 7, 9, 6, 8, 9],
        },
    )
