"""What intake shows beside the form while it is being filled, following what is typed so far.

Lenient on purpose: half a form is the normal case here. What is saved is judged by the form and the
actions.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Subquery, Sum

from accounts.models import Staff
from common.errors import InvalidInput
from common.money import parse_money
from compensations.limits import Room
from compensations.models import Compensation
from compensations.selectors import OfferCard, preview_offers, visible_compensations
from incidents.models import Category, Customer, Incident, Playbook, PlaybookStep, SeverityGuide
from incidents.selectors import (
    open_and_recent,
    playbook_for,
    severity_guides,
    visible_customers,
    visible_incidents,
)
from incidents.states import Severity, Step

from ..clocks import OPEN_STATES
from ..places import Desk
from .case import OptionRow, option_rows, tightest
from .given import GIVEN, for_order

# What the form may send to be kept as a draft or read for the panel.
FIELDS = (
    "customer",
    "customer_text",
    "new_name",
    "new_phone",
    "new_email",
    "category",
    "severity",
    "suggested",
    "severity_reason",
    "narrative",
    "kind",
    "channel",
    "location",
    "order_ref",
    "amount",
    "occurred_at",
)


@dataclass(slots=True)
class Panel:
    """The customer, the suggestion, what was given before, what may be offered, what to say."""

    customer: Customer | None = None
    recent: list[Incident] = field(default_factory=list)
    same_order: list[Compensation] = field(default_factory=list)
    # The newest case about the order, and what all of them gave, in minor units.
    order_case: Incident | None = None
    order_given_minor: int = 0
    category: Category | None = None
    suggested: str = ""
    severity: str = ""
    guides: dict[str, SeverityGuide] = field(default_factory=dict)
    offers: OfferCard | None = None
    playbook: Playbook | None = None

    @property
    def guide(self) -> SeverityGuide | None:
        return self.guides.get(self.severity)

    @property
    def differs(self) -> bool:
        """Whether the person chose another severity than the suggested one."""
        return bool(self.suggested) and self.severity != self.suggested

    @property
    def box(self) -> str:
        """What the severity's box was drawn for; it is drawn again only when this changes."""
        return f"{self.category.pk if self.category else ''}-{self.severity}"

    @property
    def words(self) -> list[PlaybookStep]:
        """The playbook's words in the order of the steps."""
        if self.playbook is None:
            return []
        order = {step: place for place, step in enumerate(Step.values)}
        return sorted(self.playbook.steps.all(), key=lambda row: order[row.step])

    @property
    def options(self) -> list[OptionRow]:
        """The offers as the page of the case will show them."""
        return option_rows(self.offers) if self.offers else []

    @property
    def rooms(self) -> list[Room]:
        """The room of what may be offered."""
        return tightest(self.offers.options if self.offers else [])

    @property
    def open_cases(self) -> list[Incident]:
        return [case for case in self.recent if case.state in OPEN_STATES]


def picked_customer(desk: Desk, text: str) -> Customer | None:
    """The customer whose id this is, if the person may see them in this market."""
    try:
        key = uuid.UUID(text)
    except ValueError:
        return None
    return visible_customers(desk.staff).filter(pk=key, market=desk.market).first()


def _typed_amount(desk: Desk, text: str) -> int | None:
    try:
        return parse_money(text[:30], desk.market.currency, desk.market.locale)
    except InvalidInput:
        return None


def _severity(category: Category, typed: Mapping[str, str]) -> str:
    """The chosen severity; one that only followed the last suggestion follows this one."""
    chosen = typed.get("severity", "")
    if chosen not in Severity.values or chosen == typed.get("suggested"):
        return category.suggested_severity
    return chosen


def panel_for(desk: Desk, typed: Mapping[str, str], categories: Sequence[Category]) -> Panel:
    """Reads what the person may know at this point of the form."""
    panel = Panel(customer=picked_customer(desk, typed.get("customer", "")))
    order = typed.get("order_ref", "").strip()[:60]
    if panel.customer is not None:
        panel.recent = open_and_recent(panel.customer)
        panel.same_order = for_order(panel.customer, order)
    if order:
        panel.order_case, panel.order_given_minor = _case_of_order(desk.staff, desk, order)
    panel.category = next(
        (row for row in categories if str(row.pk) == typed.get("category", "")), None
    )
    chosen = typed.get("severity", "")
    panel.severity = chosen if chosen in Severity.values else ""
    if panel.category is None:
        return panel
    panel.suggested = panel.category.suggested_severity
    panel.severity = _severity(panel.category, typed)
    panel.guides = severity_guides(panel.category)
    panel.playbook = playbook_for(desk.market, panel.category, panel.severity)
    if desk.can_work:
        panel.offers = preview_offers(
            market=desk.market,
            category=panel.category,
            severity=panel.severity,
            customer=panel.customer,
            amount_at_stake_minor=_typed_amount(desk, typed.get("amount", "")),
            by=desk.staff,
        )
    return panel


def _case_of_order(staff: Staff, desk: Desk, order: str) -> tuple[Incident | None, int]:
    """The newest case about the same order, whose amount and place need not be typed again.

    With it what was given on the order, to whomever, in minor units of the market's currency.
    """
    given = (
        visible_compensations(staff)
        .filter(market=desk.market, incident__order_ref=order, state__in=GIVEN)
        .order_by()
        .values("market")
        .annotate(face=Sum("face_minor"))
        .values("face")
    )
    found = (
        visible_incidents(staff)
        .filter(market=desk.market, order_ref=order)
        .select_related("location", "customer")
        .annotate(order_given=Subquery(given))
        .order_by("-id")
        .first()
    )
    return found, (found.order_given or 0) if found is not None else 0
