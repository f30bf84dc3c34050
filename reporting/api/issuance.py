"""Issuance over the API: the dashboard's figures, under the same filters and the same sight."""

import datetime as dt
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.choosing import not_offered
from accounts.api.permissions import Roles
from accounts.api.serializers import StrictSerializer, checked
from accounts.models import Location, Market, Staff
from accounts.permissions import visible_markets
from common.errors import InvalidInput
from common.windows import local_date
from compensations.api import examples
from compensations.states import OfferKind
from incidents.models import Category
from incidents.selectors import categories_for
from incidents.states import ContactChannel

from ..filters import COMPARISONS, EARLIEST, OWN_DATES, PERIODS, Address, no_period, read_address
from ..selectors.board import Board, complete, read_board
from ..selectors.dashboard import Agent, Figures
from ..selectors.given import Band
from ..selectors.sight import READERS, Sight, seen_teams, sight_of
from ..selectors.slices import NOBODY
from ..selectors.week import HOURS


class IssuanceQuery(StrictSerializer):
    """What to count. Dates are local dates of the market, both included."""

    market = serializers.CharField(
        max_length=12, required=False, help_text=_("Code; needed by whoever reads several.")
    )
    period = serializers.ChoiceField(choices=[*PERIODS, OWN_DATES], required=False)
    date_from = serializers.DateField(required=False, help_text=_("With `period=own`."))
    date_to = serializers.DateField(required=False, help_text=_("With `period=own`."))
    compare = serializers.ChoiceField(choices=list(COMPARISONS), required=False)
    team = serializers.IntegerField(required=False, min_value=1, help_text=_("Id of a team."))
    location = serializers.CharField(max_length=12, required=False, help_text=_("Its code."))
    category = serializers.CharField(
        max_length=40, required=False, help_text=_("Its code; a reason holds its sub-reasons.")
    )
    channel = serializers.ChoiceField(choices=ContactChannel.choices, required=False)
    agent = serializers.CharField(max_length=60, required=False, help_text=_("User name."))
    own = serializers.BooleanField(
        required=False, help_text=_("One's own figures alone, whatever else one may see.")
    )


class TotalsShape(serializers.Serializer[Figures]):
    """Counts, and amounts in minor units. `law` is what is owed by law, apart from goodwill."""

    cases = serializers.IntegerField()
    compensated = serializers.IntegerField()
    late = serializers.IntegerField(
        source="breached",
        help_text="Cases past one of their clocks, done late or open and not done yet.",
    )
    met = serializers.IntegerField(help_text="Cases settled with every clock met.")
    running = serializers.IntegerField(
        help_text="Open cases with time left. Cases without clocks are in none of the three."
    )
    mean_seconds_to_compensation = serializers.IntegerField(source="mean_seconds", allow_null=True)
    goodwill = serializers.IntegerField(source="issued")
    goodwill_face_minor = serializers.IntegerField(source="face")
    goodwill_expected_minor = serializers.IntegerField(source="expected")
    law = serializers.IntegerField()
    law_face_minor = serializers.IntegerField(source="law_face")
    approved = serializers.IntegerField(help_text="Issued after a second person's approval.")
    reissued = serializers.IntegerField()
    requested = serializers.IntegerField()
    rejected = serializers.IntegerField()
    withdrawn = serializers.IntegerField()
    lapsed = serializers.IntegerField()
    voided = serializers.IntegerField()
    voided_face_minor = serializers.IntegerField(source="voided_face")
    redeemed = serializers.IntegerField()
    redeemed_minor = serializers.IntegerField(source="redeemed_value")
    reversed = serializers.IntegerField()
    reversed_minor = serializers.IntegerField(source="reversed_value")
    expired = serializers.IntegerField()
    expired_minor = serializers.IntegerField(source="expired_value")


class ComparedShape(serializers.Serializer[dict[str, Any]]):
    """The period that this one is held against."""

    date_from = serializers.DateField()
    date_to = serializers.DateField()
    cases = serializers.IntegerField()
    goodwill = serializers.IntegerField()
    goodwill_face_minor = serializers.IntegerField()
    law = serializers.IntegerField()
    law_face_minor = serializers.IntegerField()
    approved = serializers.IntegerField()


class AgentShape(serializers.Serializer[dict[str, Any]]):
    """One agent. `agent` is a user name; null holds the cases that nobody owns.

    `against_peers` is value / expected of the same mix at the others' means, minus 1, with four
    decimals; null where there is too little on either side.
    """

    agent = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    figures = TotalsShape()
    repeat_customers = serializers.IntegerField()
    against_peers = serializers.DecimalField(max_digits=12, decimal_places=4, allow_null=True)
    main_reason = serializers.CharField(allow_null=True, help_text="Code of a category.")


class DayShape(serializers.Serializer[dict[str, Any]]):
    """Goodwill of one local date and kind."""

    date = serializers.DateField()
    kind = serializers.ChoiceField(choices=OfferKind.choices)
    number = serializers.IntegerField()
    face_minor = serializers.IntegerField()


class ReasonShape(serializers.Serializer[dict[str, Any]]):
    """Goodwill of one category."""

    category = serializers.CharField(help_text="Its code.")
    number = serializers.IntegerField()
    face_minor = serializers.IntegerField()


class HourShape(serializers.Serializer[dict[str, int]]):
    """Goodwill of one hour of the week on the market's clock, where there was any."""

    weekday = serializers.IntegerField(help_text="1 is Monday, 7 Sunday.")
    hour = serializers.IntegerField(help_text="0 to 23; an hour that a night has twice is one.")
    number = serializers.IntegerField()


class BandShape(serializers.Serializer[Band]):
    """Coupons valid now with so many days left, or so old; `high` null is open."""

    low = serializers.IntegerField()
    high = serializers.IntegerField(allow_null=True)
    number = serializers.IntegerField()
    value_minor = serializers.IntegerField(source="minor")


class PairShape(serializers.Serializer[dict[str, Any]]):
    """An agent and a customer with two or more standing goodwill compensations."""

    agent = serializers.CharField()
    customer = serializers.UUIDField()
    number = serializers.IntegerField()
    face_minor = serializers.IntegerField()


class IssuanceShape(serializers.Serializer[dict[str, Any]]):
    """The dashboard of issuance. Issues count on their day, voids and decisions on their own."""

    market = serializers.CharField()
    currency = serializers.CharField()
    date_from = serializers.DateField()
    date_to = serializers.DateField()
    at = serializers.DateTimeField(help_text="The moment up to which today is counted.")
    rolled_until = serializers.DateField(
        allow_null=True, help_text="The last date that comes from the nightly rollups."
    )
    totals = TotalsShape()
    compared = ComparedShape(allow_null=True)
    waiting = serializers.IntegerField(help_text="Requests that wait for a decision now.")
    oldest_waiting_at = serializers.DateTimeField(allow_null=True)
    coupons_issued = serializers.IntegerField()
    coupons_redeemed = serializers.IntegerField(help_text="Of those, used up by now.")
    agents = AgentShape(many=True)
    days = DayShape(many=True)
    reasons = ReasonShape(many=True)
    hours = HourShape(many=True)
    valid_by_days_left = BandShape(many=True)
    valid_by_age = BandShape(many=True)
    pairs = PairShape(many=True)


def _market(staff: Staff, code: str | None) -> Market:
    rows = visible_markets(staff, *READERS)
    found = list((rows.filter(code=code) if code else rows)[:2])
    if len(found) != 1:
        raise not_offered("market", rows.values_list("code", flat=True))
    return found[0]


def _person(market: Market, username: str) -> str:
    """The id behind a user name, of whoever worked in the market."""
    row = Staff.objects.filter(username__iexact=username, role_grants__market=market).values_list(
        "pk", flat=True
    )[:1]
    if not row:
        raise InvalidInput(
            _("Nobody with this user name worked here. `agents` names who did."), field="agent"
        )
    return str(row[0])


def _own_dates(asked: dict[str, Any], today: dt.date) -> dict[str, str]:
    """Both dates. Raises InvalidInput for one that is missing and for dates that make no period."""
    for name in ("date_from", "date_to"):
        if name not in asked:
            raise InvalidInput(_("Own dates need a first and a last one."), field=name)
    first, last = asked["date_from"], asked["date_to"]
    if (why := no_period(first, last, today)) is not None:
        raise InvalidInput(why, field="date_to" if first >= EARLIEST else "date_from")
    return {"from": str(first), "to": str(last)}


def _address(sight: Sight, asked: dict[str, Any]) -> Address:
    """The same words as the page's address. Raises InvalidInput for what is not there."""
    market = sight.market
    categories = categories_for(market)
    locations = list(Location.objects.filter(market=market, is_active=True))
    teams = seen_teams(sight)
    values: dict[str, str] = {
        name: str(asked[name])
        for name in ("period", "compare", "team", "channel")
        if asked.get(name)
    }
    if asked.get("period") == OWN_DATES:
        values |= _own_dates(asked, local_date(timezone.now(), market.time_zone))
    codes = {
        "location": {row.code: row.pk for row in locations},
        "category": {row.code: row.pk for row in categories},
    }
    for name, known in codes.items():
        if asked.get(name):
            key = {code.lower(): pk for code, pk in known.items()}.get(asked[name].lower())
            if key is None:
                raise not_offered(name, known)
            values[name] = str(key)
    if asked.get("agent"):
        values["staff"] = _person(market, asked["agent"])
    address = read_address(
        sight,
        QueryDict(urlencode(values)),
        path="",
        list_path="",
        categories=categories,
        locations=locations,
        teams=teams,
    )
    if asked.get("team") and "team" not in address.values:
        raise not_offered("team", [f"{team.pk} ({team.name})" for team in teams])
    return address


def _compared(board: Board, address: Address) -> dict[str, Any] | None:
    before, period = board.before, address.comparison
    if before is None or period is None:
        return None
    return {
        "date_from": period.start,
        "date_to": period.last,
        "cases": before.cases,
        "goodwill": before.issued,
        "goodwill_face_minor": before.face,
        "law": before.law,
        "law_face_minor": before.law_face,
        "approved": before.approved,
    }


def _agent(agent: Agent, board: Board, usernames: dict[Any, str]) -> dict[str, Any]:
    category = board.categories.get(agent.reason) if agent.reason is not None else None
    return {
        "agent": None if agent.staff == NOBODY else usernames.get(agent.staff, ""),
        "name": agent.name,
        "figures": agent.figures,
        "repeat_customers": agent.repeat,
        "against_peers": _decimals(agent.difference),
        "main_reason": category.code if category else None,
    }


def _decimals(value: Fraction | None) -> str | None:
    return None if value is None else f"{float(value):.4f}"


class IssuanceView(APIView):
    """Issuance by agent: a supervisor's teams, finance's and an auditor's market, one's own."""

    permission_classes = (Roles(*READERS),)

    @extend_schema(
        operation_id="issuance",
        tags=["reports"],
        parameters=[IssuanceQuery],
        responses={200: IssuanceShape, 404: examples.NOT_FOUND},
    )
    def get(self, request: Request) -> Response:
        assert isinstance(request.user, Staff)
        asked = checked(IssuanceQuery, request.query_params.dict())
        market = _market(request.user, asked.get("market"))
        sight = sight_of(request.user, market, own=bool(asked.get("own")))
        address = _address(sight, asked)
        against = address.comparison
        before = address.part.during(against.start, against.end) if against else None
        board = read_board(address.part, before)
        complete(board, board.agents)
        return Response(IssuanceShape(_answer(board, address)).data)


def _answer(board: Board, address: Address) -> dict[str, Any]:
    usernames = dict(
        Staff.objects.filter(
            pk__in=[
                *(agent.staff for agent in board.agents),
                *(pair.staff for pair in board.given.pairs),
            ]
        ).values_list("pk", "username")
    )
    codes: dict[int, Category] = board.categories
    market = address.sight.market
    return {
        "market": market.code,
        "currency": market.currency,
        "date_from": address.period.start,
        "date_to": address.period.last,
        "at": board.at,
        "rolled_until": board.rolled_until,
        "totals": board.totals,
        "compared": _compared(board, address),
        "waiting": board.waiting.number,
        "oldest_waiting_at": board.waiting.oldest,
        "coupons_issued": board.given.coupons,
        "coupons_redeemed": board.given.redeemed,
        "agents": [_agent(agent, board, usernames) for agent in board.agents],
        "days": [
            {"date": date, "kind": kind, "number": number, "face_minor": face}
            for (date, kind), (number, face) in sorted(board.issuance.days.items())
        ],
        "reasons": [
            {"category": codes[key].code, "number": number, "face_minor": face}
            for key, (number, face) in sorted(board.issuance.reasons.items())
        ],
        "hours": [
            {"weekday": index // HOURS + 1, "hour": index % HOURS, "number": number}
            for index, number in enumerate(board.given.week)
            if number
        ],
        "valid_by_days_left": board.left,
        "valid_by_age": board.age,
        "pairs": [
            {
                "agent": usernames.get(pair.staff, ""),
                "customer": pair.customer,
                "number": pair.number,
                "face_minor": pair.minor,
            }
            for pair in board.given.pairs
        ],
    }
