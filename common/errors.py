"""The refusals that actions raise and every door renders.

A page shows `message` beside the field, the API turns the same object into problem details
(RFC 9457). Subclasses live beside the rules that raise them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

type_base = "urn:recovery:problem:"


class LateRefusal(Exception):
    """A refusal found by the last statement of a transaction, which it undid.

    What it says takes another look at the database, so it is made once the transaction is over.
    """

    def in_words(self) -> "Refusal":
        """The refusal to tell; reads the database."""
        raise NotImplementedError


class Refusal(Exception):
    """An act that a rule does not allow. Nothing was changed.

    `code` is stable and part of the API; `message` is for the reader, in their language;
    `field` names the input to focus; `extra` carries numbers such as the room left, in minor units.
    """

    code = "refused"
    status = 409
    default_message: str | Promise = _("This is not possible now.")

    def __init__(
        self,
        message: str | Promise | None = None,
        *,
        field: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message if message is not None else self.default_message
        self.field = field
        self.extra = dict(extra or {})
        super().__init__(self.code)

    @property
    def type(self) -> str:
        return type_base + self.code

    def __str__(self) -> str:
        return str(self.message)


class NotAllowed(Refusal):
    """The person or client may not do this act."""

    code = "not_allowed"
    status = 403
    default_message = _("Your role does not allow this.")


class NotFound(Refusal):
    """The object does not exist for this reader; the same answer as for one that never existed."""

    code = "not_found"
    status = 404
    default_message = _("There is nothing here.")


class InvalidInput(Refusal):
    """A value out of its bounds that only an action can judge."""

    code = "invalid_input"
    status = 422
    default_message = _("Please check this value.")


class SeveralFaults(InvalidInput):
    """Several values of one act are out of their bounds; whoever typed them hears of all at once.

    `faults` has a refusal for each field. The API names them all under `errors`.
    """

    def __init__(self, faults: Sequence[InvalidInput]) -> None:
        self.faults = tuple(faults)
        errors: dict[str, list[str]] = {}
        for fault in faults:
            errors.setdefault(fault.field or "body", []).append(str(fault))
        super().__init__(extra={"errors": errors})


class TransitionRefused(Refusal):
    """An arrow that the state table does not draw."""

    code = "transition_refused"
    default_message = _("This cannot be done in its present state.")


class Stale(Refusal):
    """Somebody else saved in between."""

    code = "stale"
    default_message = _("Somebody changed this while you were working. Your text is kept.")
