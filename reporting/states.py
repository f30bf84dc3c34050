"""What can be counted: each measure with the rows it counts. No query is here."""

from enum import Enum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Unit(Enum):
    """What one row of a list is."""

    COMPENSATIONS = "compensations"
    REDEMPTIONS = "redemptions"
    APPROVALS = "approvals"
    CASES = "cases"


class Measure(TextChoices):
    """A number that is a link; the value is the word in its address."""

    ISSUED = "issued", _("Compensations issued")
    DIRECT = "direct", _("Issued without approval")
    APPROVED = "approved", _("Issued after approval")
    REISSUED = "reissued", _("Issued in place of another")
    COUPONS = "coupons", _("Coupons issued")
    USED = "used", _("Of the coupons issued, redeemed by now")
    VOIDED = "voided", _("Compensations voided")
    EXPIRED = "expired", _("Coupons expired")
    REDEEMED = "redeemed", _("Redemptions")
    REVERSED = "reversed", _("Redemptions reversed")
    REQUESTED = "requested", _("Approvals requested")
    REJECTED = "rejected", _("Requests rejected")
    WITHDRAWN = "withdrawn", _("Requests withdrawn")
    LAPSED = "lapsed", _("Requests lapsed")
    WAITING = "waiting", _("Requests waiting now")
    REPEAT = "repeat", _("Given again to the same customer")
    VALID = "valid", _("Valid and not redeemed now")
    CASES = "cases", _("Cases logged")
    COMPENSATED = "compensated", _("Cases compensated")
    LATE = "late", _("Cases past a clock")
    ON_TIME = "on-time", _("Settled cases with every clock met")
    RUNNING = "running", _("Open cases with time left")

    @property
    def unit(self) -> Unit:
        return _UNITS.get(self, Unit.COMPENSATIONS)

    @property
    def is_of_now(self) -> bool:
        """Whether it counts what stands now, whatever the period."""
        return self in {Measure.WAITING, Measure.VALID}

    @property
    def shows_expected(self) -> bool:
        """Whether the expected cost of the rows is theirs whole."""
        return self.unit is Unit.COMPENSATIONS and self not in {Measure.VALID, Measure.EXPIRED}


_UNITS = {
    Measure.REDEEMED: Unit.REDEMPTIONS,
    Measure.REVERSED: Unit.REDEMPTIONS,
    Measure.REJECTED: Unit.APPROVALS,
    Measure.WITHDRAWN: Unit.APPROVALS,
    Measure.LAPSED: Unit.APPROVALS,
    Measure.WAITING: Unit.APPROVALS,
    Measure.CASES: Unit.CASES,
    Measure.COMPENSATED: Unit.CASES,
    Measure.LATE: Unit.CASES,
    Measure.ON_TIME: Unit.CASES,
    Measure.RUNNING: Unit.CASES,
}
