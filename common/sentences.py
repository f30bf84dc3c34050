"""Parts of a sentence that come from elsewhere, in the active language."""

import datetime as dt

from django.utils.timesince import timesince
from django.utils.translation import gettext as _


def within(label: str) -> str:
    """A label inside a sentence: in lower case, but SMS, TV and WhatsApp stay as they are."""
    plain = label.split()[0][1:].islower() if label.strip() else False
    return label[0].lower() + label[1:] if plain else label


def since(moment: dt.datetime, now: dt.datetime | None = None) -> str:
    """How long ago in one unit; nobody says "0 minutes"."""
    now = now or dt.datetime.now(dt.UTC)
    if now - moment < dt.timedelta(minutes=1):
        return _("less than a minute")
    return timesince(moment, now, depth=1)


def ago(moment: dt.datetime) -> str:
    """The same as a point in time: `3 hours ago`, `a moment ago`."""
    now = dt.datetime.now(dt.UTC)
    if now - moment < dt.timedelta(minutes=1):
        return _("a moment ago")
    return _("%(span)s ago") % {"span": since(moment, now)}
