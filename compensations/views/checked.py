"""What a cashier has checked, kept on the server between two pages.

The session holds the coupon's id and a random name for this check; the page holds that name alone,
signed, for ten minutes. It names the redemption too, so that sending a page twice redeems once.
"""

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass

from django.core import signing
from django.http import HttpRequest

from accounts.models import Staff

from ..models import Coupon, Redemption

KEY = "counter_checked"
SALT = "counter"
LASTS = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Checked:
    """One check: its name and the coupon."""

    name: str
    coupon: Coupon

    @property
    def reference(self) -> str:
        """What the page carries."""
        return signing.dumps(self.name, salt=SALT)

    @property
    def transaction(self) -> str:
        """The transaction number under which this check redeems."""
        return _transaction(self.name)


def _transaction(name: str) -> str:
    return f"counter-{name}"


def keep(request: HttpRequest, coupon_id: uuid.UUID) -> None:
    """Remembers a coupon that was found valid; the check before it is forgotten."""
    request.session[KEY] = {"name": secrets.token_urlsafe(16), "coupon": str(coupon_id)}


def forget(request: HttpRequest) -> None:
    """Ends the check."""
    request.session.pop(KEY, None)


def current(request: HttpRequest) -> Checked | None:
    """The check of this session, if there is one."""
    held = request.session.get(KEY)
    if not held:
        return None
    coupon = (
        Coupon.objects.select_related("compensation__offer")
        .filter(pk=uuid.UUID(held["coupon"]))
        .first()
    )
    return Checked(held["name"], coupon) if coupon else None


def name_in(reference: str) -> str | None:
    """The name in a page's reference; None when it was altered or is too old."""
    try:
        name: str = signing.loads(reference, salt=SALT, max_age=LASTS)
    except signing.BadSignature:
        return None
    return name


def made_by(name: str, cashier: Staff) -> Redemption | None:
    """The redemption that this check has already made, for a page that is sent again."""
    return Redemption.objects.filter(
        cashier=cashier, external_transaction_id=_transaction(name)
    ).first()
