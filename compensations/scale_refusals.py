"""Why a version of the scale cannot be changed, decided or published."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from common.errors import InvalidInput, Refusal

from .scale_content import Cell, Problem


class NotADraft(Refusal):
    code = "not_a_draft"
    default_message = _("Only a draft can change. Draft a new version from this one.")


class Superseded(Refusal):
    """A newer version was decided since: this one would undo what that one changed."""

    code = "superseded"


class DecidedAlready(Refusal):
    """The decision stands; a second one adds nothing."""

    code = "already_decided"
    default_message = _("This version was already decided.")


class ScheduleRefused(Refusal):
    code = "schedule_refused"
    status = 422


class CellsRefused(InvalidInput):
    """Cells that cannot be written so; nothing was. `found` says why, by cell."""

    code = "cells_refused"

    def __init__(self, found: Mapping[Cell, Sequence[Problem]]) -> None:
        self.found = found
        first = next(iter(found.values()))[0]
        words = ngettext(
            "Nothing was saved. Check one cell. %(first)s",
            "Nothing was saved. Check %(count)s cells. The first: %(first)s",
            len(found),
        )
        super().__init__(
            words % {"count": len(found), "first": first.words},
            extra={
                "cells": {
                    cell.key: [
                        {"offer": problem.place, "field": problem.field, "detail": problem.words}
                        for problem in listed
                    ]
                    for cell, listed in found.items()
                }
            },
        )
