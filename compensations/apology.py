"""The sentence with which a customer's mail and page begin.

A category is an agent's label, which no sentence can take up: it stands in brackets, where "nobody
answers", "air conditioning" and "charged twice" all read as what they are, and is left out where
it says nothing.
"""

import datetime as dt

from django.utils.formats import date_format
from django.utils.translation import gettext as _

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
    if incident.category.code in CATCH_ALL:
        return ""
    label = incident.category.name
    # Within a sentence in lower case, unless the word is an abbreviation.
    if label.split()[0][1:].islower():
        label = label[0].lower() + label[1:]
    return label
