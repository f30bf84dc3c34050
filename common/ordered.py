"""The two ends of a range that a filter takes: the wrong way round they would find nothing."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BACKWARDS = _("The last date is before the first one.")
NO_MOMENT = _("This is not after the moment that it begins at.")


def backwards(first: dt.date | None, last: dt.date | None) -> Promise | None:
    """What is wrong with two dates, both included, where the last one comes first."""
    return BACKWARDS if first and last and last < first else None


class OrderedForm(forms.Form):
    """Refuses ends that are the wrong way round, at the last one. Either may be left out."""

    # First and last field, both included.
    DAYS: ClassVar[Mapping[str, str]] = {}
    # The field of the first moment, and that of the one before which it ends.
    MOMENTS: ClassVar[Mapping[str, str]] = {}

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        for first, last in self.DAYS.items():
            if fault := backwards(values.get(first), values.get(last)):
                self.add_error(last, str(fault))
        for first, end in self.MOMENTS.items():
            begins, ends = values.get(first), values.get(end)
            if begins and ends and ends <= begins:
                self.add_error(end, str(NO_MOMENT))
        return values
