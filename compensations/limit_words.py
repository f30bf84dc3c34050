"""Limits in words: what one bounds, for whom, how much, and how a proposal differs from now."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.states import Role
from common.money import format_money
from incidents.states import Segment

from .models import IssuanceLimit
from .states import LimitScope, LimitWindow, Measure

BOUNDS: dict[str, Promise] = {
    LimitScope.GRANT: gettext_lazy("One grant"),
    LimitScope.AGENT: gettext_lazy("What one person grants"),
    LimitScope.ROLE: gettext_lazy("What everybody in a role grants together"),
    LimitScope.TEAM: gettext_lazy("What a team grants together"),
    LimitScope.MARKET: gettext_lazy("What the market grants"),
    LimitScope.CUSTOMER: gettext_lazy("What one customer is given"),
    LimitScope.INCIDENT: gettext_lazy("What one case is given"),
}
_PER: dict[str, Promise] = {
    LimitWindow.DAY: gettext_lazy("%(much)s a day"),
    LimitWindow.WEEK: gettext_lazy("%(much)s a week"),
    LimitWindow.MONTH: gettext_lazy("%(much)s a month"),
}
_KINDS: dict[tuple[str, str], Promise] = {
    (LimitWindow.EACH, Measure.AMOUNT): gettext_lazy("amount in all"),
    (LimitWindow.EACH, Measure.COUNT): gettext_lazy("number in all"),
    (LimitWindow.DAY, Measure.AMOUNT): gettext_lazy("amount a day"),
    (LimitWindow.DAY, Measure.COUNT): gettext_lazy("number a day"),
    (LimitWindow.WEEK, Measure.AMOUNT): gettext_lazy("amount a week"),
    (LimitWindow.WEEK, Measure.COUNT): gettext_lazy("number a week"),
    (LimitWindow.MONTH, Measure.AMOUNT): gettext_lazy("amount a month"),
    (LimitWindow.MONTH, Measure.COUNT): gettext_lazy("number a month"),
}


def window_words(window: str, measure: str) -> str:
    """`amount a day`."""
    return str(_KINDS[window, measure])


def kind_words(scope: str, window: str, measure: str) -> str:
    """`What one person grants: amount a day`; of one grant only the first part."""
    if scope == LimitScope.GRANT:
        return str(BOUNDS[scope])
    return _("%(scope)s: %(window)s") % {
        "scope": BOUNDS[scope],
        "window": window_words(window, measure),
    }


def quantity(limit: IssuanceLimit, number: int) -> str:
    """A number in the limit's measure, as its market writes it."""
    if limit.measure == Measure.AMOUNT:
        return format_money(number, limit.market.currency, limit.market.locale)
    return ngettext("%(number)d compensation", "%(number)d compensations", number) % {
        "number": number
    }


def cap_words(limit: IssuanceLimit) -> str:
    """`$20,000.00 a day`."""
    much = quantity(limit, limit.cap)
    return str(_PER[limit.window]) % {"much": much} if limit.window in _PER else much


def target_words(limit: IssuanceLimit) -> str:
    """For whom it is: a person, a team, a role, a segment, or everybody."""
    if limit.for_staff is not None:
        return limit.for_staff.name
    if limit.for_team is not None:
        return limit.for_team.name
    if limit.for_role:
        return str(Role(limit.for_role).label)
    if limit.for_segment:
        return str(Segment(limit.for_segment).label)
    return _("Everybody")


def source_words(limit: IssuanceLimit) -> str:
    """Where a limit that applies comes from."""
    if limit.for_staff_id is not None:
        return _("Own limit")
    if limit.for_team_id is not None:
        return _("Own limit of the team")
    if limit.for_role:
        return _("Limit of the role %(role)s") % {"role": Role(limit.for_role).label}
    if limit.for_segment:
        return _("Limit of the segment %(segment)s") % {"segment": Segment(limit.for_segment).label}
    return _("General limit")


def difference_words(limit: IssuanceLimit, now: IssuanceLimit | None) -> str:
    """What a proposal changes: `From $20,000.00 a day to $26,000.00 a day: $6,000.00 more`."""
    if now is None:
        return _("New: %(cap)s, where nothing bounds it now") % {"cap": cap_words(limit)}
    values = {
        "old": cap_words(now),
        "new": cap_words(limit),
        "by": quantity(limit, abs(limit.cap - now.cap)),
    }
    if limit.cap > now.cap:
        return _("From %(old)s to %(new)s: %(by)s more") % values
    if limit.cap < now.cap:
        return _("From %(old)s to %(new)s: %(by)s less") % values
    return _("%(new)s, as now") % values
