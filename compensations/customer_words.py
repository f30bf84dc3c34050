"""What a customer's mail and page say alike: the sentence they begin with, and amounts.

A category is an agent's label, which no sentence can take up: it stands in brackets, where "nobody
answers", "air conditioning" and "charged twice" all read as what they are, and is left out where
it says nothing.
"""

import datetime as dt

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Market
from common.money import format_money
from common.sentences import within
from common.windows import local_date
from incidents.models import Incident
from incidents.states import CATCH_ALL


def apology(incident: Incident, *, zone: str, now: dt.datetime) -> str:
    """What we are sorry for, in the active language; the year is said when it is not `now`'s."""
    date = local_date(incident.occurred_at or incident.logged_at, zone)
    this_year = date.year == local_date(now, zone).year
    words = {
        "date": date_format(date, "MONTH_DAY_FORMAT" if this_year else "DATE_FORMAT"),
        "place": incident.location.name if incident.location is not None else "",
        "label": _label(incident),
    }
    if words["place"] and words["label"]:
        sentence = _("We are sorry for what happened on %(date)s at %(place)s (%(label)s).")
    elif words["place"]:
        sentence = _("We are sorry for what happened on %(date)s at %(place)s.")
    elif words["label"]:
        sentence = _("We are sorry for what happened on %(date)s (%(label)s).")
    else:
        sentence = _("We are sorry for what happened on %(date)s.")
    return sentence % words


def _label(incident: Incident) -> str:
    return "" if incident.category.code in CATCH_ALL else within(incident.category.name)


def worth(minor: int, market: Market) -> str:
    """An amount as the market writes it; with its code for who reads another language.

    `$500.50` of a coupon from Mexico is not read as pesos by whoever reads it in English.
    """
    text = format_money(minor, market.currency, market.locale)
    at_home = (get_language() or "").startswith(market.language)
    return text if at_home else f"{text}\u00a0{market.currency}"
