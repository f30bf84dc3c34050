"""Markets, locations, teams, staff and their roles, API clients and their keys.

People are never deleted: they are deactivated, and what they did keeps their name.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import UserManager
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import connection, models
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from audit.actions import Actor
from audit.states import ActorKind
from common.contacts import Mailbox
from common.fingerprints import fingerprint
from common.folding import Fold
from common.ids import uuid7
from common.prepared import prepared

from .states import Language, Role, Scope, Theme

code_validator = RegexValidator(
    r"^[A-Z0-9][A-Z0-9-]{0,11}\Z", _("Capital letters, digits, hyphens.")
)


class Market(models.Model):
    """A country or brand with one currency, locale, time zone and holiday calendar."""

    code = models.CharField(_("code"), max_length=12, unique=True, validators=[code_validator])
    name = models.CharField(_("name"), max_length=80)
    brand = models.CharField(_("brand"), max_length=80)
    country = models.CharField(_("country"), max_length=2)
    currency = models.CharField(_("currency"), max_length=3)
    locale = models.CharField(_("number and date format"), max_length=10)
    language = models.CharField(_("customers' language"), max_length=2, choices=Language)
    time_zone = models.CharField(_("time zone"), max_length=40)
    sender_email = models.EmailField(_("sender of email"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True)
    issuance_stopped_at = models.DateTimeField(null=True, blank=True)
    issuance_stopped_by = models.ForeignKey(
        "accounts.Staff", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # A person may redeem or undo for this long after the fact, in minutes.
    undo_minutes = models.PositiveSmallIntegerField(_("undo window, minutes"), default=30)
    # A request that nobody decides ends by itself after this long, in minutes.
    request_minutes = models.PositiveIntegerField(_("requests wait, minutes"), default=1440)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="market_stop_has_both",
                condition=models.Q(issuance_stopped_at=None, issuance_stopped_by=None)
                | models.Q(issuance_stopped_at__isnull=False, issuance_stopped_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    """A day off in a market's calendar. Clocks count elapsed time and do not stop on it."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="holidays")
    date = models.DateField(_("date"))
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        ordering = ["date"]
        constraints = [
            models.UniqueConstraint(fields=["market", "date"], name="holiday_once_per_date")
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"


class Location(models.Model):
    """Where the service is given: hotel, restaurant, store, route."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="locations")
    code = models.CharField(_("code"), max_length=12, validators=[code_validator])
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=40, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = [Fold("name")]
        constraints = [
            models.UniqueConstraint(fields=["market", "code"], name="location_code_in_market")
        ]

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """Staff of one market under one or more supervisors."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(_("name"), max_length=80)
    supervisors = models.ManyToManyField(
        "accounts.Staff", related_name="supervised_teams", blank=True
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = [Fold("name")]
        constraints = [
            models.UniqueConstraint(fields=["market", "name"], name="team_name_in_market")
        ]

    def __str__(self) -> str:
        return self.name


class StaffManager(UserManager["Staff"]):
    def get_by_natural_key(self, username: str | None) -> "Staff":
        return self.get(username__iexact=username)


# Asked on nearly every request, so without compiling it anew each time.
_ROLES_NOW = (
    "SELECT market_id, role FROM accounts_rolegrant WHERE staff_id = %s AND ended_at IS NULL"
)


# The same as one value, for who reads the person's row anyway.
ROLES_NOW = (
    "ARRAY(SELECT market_id || ' ' || role FROM accounts_rolegrant "
    "WHERE staff_id = staff.id AND ended_at IS NULL)"
)


def roles_by_market(pairs: Iterable[tuple[int, str]]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for market_id, role in pairs:
        found.setdefault(market_id, set()).add(role)
    return {market_id: frozenset(roles) for market_id, roles in found.items()}


class Staff(AbstractBaseUser):
    """A person who signs in. Roles are `RoleGrant` rows; Django's own permissions are not used."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(_("user name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("email"), max_length=120, unique=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    # Keyed hashes of email and phone, so that a recipient who is staff is recognised.
    email_fingerprint = models.BinaryField(max_length=32, editable=False)
    phone_fingerprint = models.BinaryField(max_length=32, null=True, editable=False)
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="members"
    )
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.PROTECT)
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.ES)
    theme = models.CharField(_("theme"), max_length=5, choices=Theme, default=Theme.AUTO)
    single_keys = models.BooleanField(_("single-key shortcuts"), default=True)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[StaffManager] = StaffManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name", "email"]

    class Meta:
        ordering = [Fold("name")]
        verbose_name = _("member of staff")
        verbose_name_plural = _("staff")
        indexes = [
            models.Index(fields=["email_fingerprint"], name="staff_email_fp"),
            models.Index(fields=["phone_fingerprint"], name="staff_phone_fp"),
            models.Index(Mailbox("email"), name="staff_mailbox"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.strip().lower()
        self.email_fingerprint = fingerprint("contact", self.email)
        self.phone_fingerprint = fingerprint("contact", self.phone) if self.phone else None
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.name

    @cached_property
    def role_map(self) -> dict[int, frozenset[str]]:
        """Roles held now by market id, read once per instance (so once per request)."""
        with connection.cursor() as cursor:
            cursor.execute(prepared(cursor, _ROLES_NOW), [self.pk])
            return roles_by_market(cursor.fetchall())

    @cached_property
    def supervised_team_ids(self) -> frozenset[int]:
        """Teams under the person, read once per instance (so once per request)."""
        return frozenset(self.supervised_teams.values_list("pk", flat=True))

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """What a session is bound to: the password, as in Django, and the roles held.

        So a role that is given or taken ends every session of the person, whatever changed it.
        """
        held = sorted(
            f"{market_id}:{role}" for market_id, roles in self.role_map.items() for role in roles
        )
        return salted_hmac(
            "accounts.Staff.session",
            "\n".join([self.password, *held]),
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    def has_role(self, market: Market | int, *roles: str) -> bool:
        """Whether the person holds any of `roles` in the market."""
        key = market if isinstance(market, int) else market.pk
        return self.is_active and bool(self.role_map.get(key, frozenset()) & set(roles))

    def markets_with(self, *roles: str) -> list[int]:
        """Ids of the markets where the person holds any of `roles`."""
        if not self.is_active:
            return []
        return sorted(key for key, held in self.role_map.items() if held & set(roles))

    @property
    def roles(self) -> frozenset[str]:
        """Every role held in any market."""
        return frozenset().union(*self.role_map.values()) if self.role_map else frozenset()

    def as_actor(self, role: str = "") -> Actor:
        return Actor(ActorKind.STAFF, str(self.pk), self.name, role)

    # Django's admin asks these; looking is for administrators and auditors, changing for nobody.
    @property
    def is_staff(self) -> bool:
        return bool(self.roles & {Role.ADMINISTRATOR, Role.AUDITOR})

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and self.is_staff and ".view_" in perm

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff


class RoleGrant(models.Model):
    """A role held by a person in a market from one moment to another. Nobody grants their own."""

    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="role_grants")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=20, choices=Role)
    granted_at = models.DateTimeField(db_default=Now())
    # Empty only for the first administrator, whom a command creates.
    granted_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "market", "role"],
                condition=models.Q(ended_at=None),
                name="role_held_once",
            ),
            models.CheckConstraint(
                name="role_not_self_granted",
                condition=models.Q(granted_by=None) | ~models.Q(granted_by=models.F("staff")),
            ),
            models.CheckConstraint(
                name="role_not_self_ended",
                condition=models.Q(ended_by=None) | ~models.Q(ended_by=models.F("staff")),
            ),
            models.CheckConstraint(
                name="role_end_has_both",
                condition=models.Q(ended_at=None, ended_by=None)
                | models.Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.role}"


class ApiClient(models.Model):
    """A till, shop or intake system of one market. Its key is stored as a keyed hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="api_clients")
    name = models.CharField(_("name"), max_length=80)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope))
    key_prefix = models.CharField(max_length=12)
    key_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")

    is_authenticated = True

    class Meta:
        ordering = [Fold("name")]
        constraints = [
            models.UniqueConstraint(
                fields=["market", "name"],
                condition=models.Q(revoked_at=None),
                name="api_client_name_in_market",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def as_actor(self) -> Actor:
        return Actor(ActorKind.CLIENT, str(self.pk), self.name)


class AccessToken(models.Model):
    """A member of staff's key for the API, stored as a keyed hash."""

    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="access_tokens")
    key_prefix = models.CharField(max_length=12)
    key_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key_prefix


class IdempotentAnswer(models.Model):
    """The stored answer to a request that moved value; commits with the effect.

    `caller` is the actor's id, so keys of two callers never meet.
    """

    caller = models.CharField(max_length=40)
    key = models.CharField(max_length=128)
    request_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    # Rendered JSON, so that the answer is repeated to the byte.
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return self.key


class CodeFailures(models.Model):
    """How many coupon codes from one origin did not work, until when they count.

    `key` is a keyed hash of the origin; counted and read by `guessing` alone.
    """

    key = models.BinaryField(primary_key=True, max_length=32)
    scope = models.CharField(max_length=10)
    failures = models.PositiveIntegerField()
    allowed = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.scope} {self.failures}"
