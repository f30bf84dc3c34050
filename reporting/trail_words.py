"""The trail in words: a sentence for every act, and names for what changed.

What a sentence speaks of comes from the row as it was written; only names of things are looked up
now (`selectors.trail_names`). An act that is not known here is told by its own name.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from accounts.models import Market
from accounts.states import Role
from audit.models import AuditEvent
from common.money import format_money
from compensations.states import (
    ApprovalState,
    CompensationState,
    LimitScope,
    LimitState,
    LimitWindow,
    Measure,
    OfferKind,
    ScaleState,
)
from delivery.states import MessageState
from incidents.states import (
    ContactChannel,
    IncidentKind,
    IncidentState,
    PromiseKind,
    PromiseState,
    Segment,
    Severity,
    Step,
)

# `%(name)s` is what the row is about by its name, `%(case)s` its case's folio.
SENTENCES: dict[str, str | Promise] = {
    "incident.opened": lazy("Logged case %(case)s"),
    "incident.imported": lazy("Imported case %(case)s from a file"),
    "incident.identified": lazy("Identified the customer of case %(case)s"),
    "incident.changed": lazy("Changed case %(case)s: %(fields)s"),
    "incident.recovery_started": lazy("Began recovery of case %(case)s"),
    "incident.step_done": lazy("Did the step “%(step)s” on case %(case)s"),
    "incident.uncompensated": lazy("Nothing is granted on case %(case)s any more"),
    "incident.resolved": lazy("Resolved case %(case)s"),
    "incident.closed": lazy("Closed case %(case)s"),
    "incident.reopened": lazy("Opened case %(case)s again"),
    "note.added": lazy("Wrote a note on case %(case)s"),
    "promise.made": lazy("Made a promise on case %(case)s"),
    "promise.kept": lazy("Kept a promise on case %(case)s"),
    "promise.broken": lazy("Broke a promise on case %(case)s"),
    "promise.cancelled": lazy("Cancelled a promise on case %(case)s"),
    "portal.revoked": lazy("Ended the customer's links to case %(case)s"),
    "playbook.read": lazy("Read a playbook, version %(version)s"),
    "customer.created": lazy("Created customer %(name)s"),
    "customer.changed": lazy("Changed customer %(name)s: %(fields)s"),
    "customer.segment_set": lazy("Set the segment of customer %(name)s to %(segment)s"),
    "contact.added": lazy("Added a contact of customer %(name)s"),
    "contact.corrected": lazy("Corrected a contact of customer %(name)s"),
    "contact.removed": lazy("Removed a contact of customer %(name)s"),
    "contact.revealed": lazy("Saw a whole contact of customer %(name)s"),
    "compensation.granted": lazy("Granted %(offer)s, %(amount)s, on case %(case)s"),
    "compensation.requested": lazy("Asked for approval of %(offer)s, %(amount)s, on case %(case)s"),
    "compensation.rejected": lazy("%(offer)s, %(amount)s, was rejected on case %(case)s"),
    "compensation.withdrawn": lazy("The request for %(offer)s on case %(case)s was withdrawn"),
    "compensation.lapsed": lazy("The request for %(offer)s on case %(case)s lapsed"),
    "compensation.resent": lazy("Sent %(offer)s of case %(case)s again, by %(channel)s to %(to)s"),
    "compensation.voided": lazy("Voided %(offer)s, %(amount)s, on case %(case)s"),
    "compensation.expired": lazy("%(offer)s, %(amount)s, of case %(case)s expired unused"),
    "compensation.settled": lazy("%(offer)s, %(amount)s, of case %(case)s was settled"),
    "approval.approved": lazy("Approved a request of %(amount)s on case %(case)s"),
    "approval.rejected": lazy("Rejected a request of %(amount)s on case %(case)s"),
    "approval.withdrawn": lazy("Withdrew a request of %(amount)s on case %(case)s"),
    "approval.lapsed": lazy("A request of %(amount)s on case %(case)s lapsed"),
    "coupon.reserved": lazy("Reserved the coupon of %(offer)s of case %(case)s"),
    "coupon.released": lazy("Released the coupon of %(offer)s of case %(case)s"),
    "coupon.redeemed": lazy("Redeemed %(amount)s of %(offer)s of case %(case)s"),
    "coupon.reversed": lazy("Undid a redemption of %(amount)s of %(offer)s of case %(case)s"),
    "message.queued": lazy("Queued a message of case %(case)s"),
    "message.sending": lazy("Began to send a message of case %(case)s"),
    "message.sent": lazy("Sent a message of case %(case)s"),
    "message.delivered": lazy("A message of case %(case)s was delivered"),
    "message.opened": lazy("A message of case %(case)s was opened"),
    "message.bounced": lazy("A message of case %(case)s came back"),
    "message.failed": lazy("A message of case %(case)s failed"),
    "message.unknown": lazy("Nobody knows whether a message of case %(case)s went out"),
    "limit.proposed": lazy("Proposed a limit of %(cap)s: %(limit)s"),
    "limit.confirmed": lazy("Confirmed a limit of %(cap)s: %(limit)s"),
    "limit.rejected": lazy("Rejected a limit of %(cap)s: %(limit)s"),
    "limit.withdrawn": lazy("Withdrew the proposal of a limit of %(cap)s: %(limit)s"),
    "limit.retired": lazy("Ended a limit of %(cap)s: %(limit)s"),
    "issuance.stopped": lazy("Stopped every grant in %(name)s"),
    "issuance.resumed": lazy("Let grants go on in %(name)s"),
    "scale.drafted": lazy("Drafted version %(number)s of the scale"),
    "scale.edited": lazy("Edited version %(number)s of the scale, cells: %(cells)s"),
    "scale.deleted": lazy("Deleted the draft of version %(number)s of the scale"),
    "scale.submitted": lazy("Submitted version %(number)s of the scale"),
    "scale.returned": lazy("Returned version %(number)s of the scale"),
    "scale.approved": lazy("Approved version %(number)s of the scale"),
    "scale.published": lazy("Version %(number)s of the scale went live"),
    "report.exported": lazy("Took %(rows)s rows of the report %(object)s out as %(format)s"),
    "report.built": lazy("Built the nightly report of %(date)s"),
    "report.revised": lazy("Built the nightly report of %(date)s anew, revision %(revision)s"),
    "report.commented": lazy("Commented on the nightly report of %(date)s"),
    "report.signed": lazy("Signed the nightly report of %(date)s"),
    "journal.exported": lazy("Took %(rows)s entries of the journal out as %(format)s"),
    "audit.verified": lazy("Verified the trail: %(rows)s rows, %(outcome)s"),
    "market.create": lazy("Created market %(name)s"),
    "market.change": lazy("Changed market %(name)s: %(fields)s"),
    "location.create": lazy("Created location %(name)s"),
    "location.change": lazy("Changed location %(name)s: %(fields)s"),
    "team.create": lazy("Created team %(name)s"),
    "team.change": lazy("Changed team %(name)s: %(fields)s"),
    "team.supervisors": lazy("Set who supervises team %(name)s"),
    "staff.create": lazy("Created the account of %(name)s"),
    "staff.change": lazy("Changed the account of %(name)s: %(fields)s"),
    "staff.move": lazy("Moved %(name)s to another team"),
    "staff.deactivate": lazy("Closed the account of %(name)s"),
    "staff.reactivate": lazy("Opened the account of %(name)s again"),
    "staff.password": lazy("Changed the password of %(name)s"),
    "staff.new_password": lazy("Gave %(name)s a new password"),
    "staff.preferences": lazy("Changed the preferences of %(name)s: %(fields)s"),
    "role.grant": lazy("Gave %(name)s the role %(role)s"),
    "role.end": lazy("Ended the role %(role)s of %(name)s"),
    "api_client.create": lazy("Created the key of API client %(name)s"),
    "api_client.rotate": lazy("Replaced the key of API client %(name)s"),
    "api_client.revoke": lazy("Revoked the key of API client %(name)s"),
    "access_token.create": lazy("Created an access key of %(name)s"),
    "access_token.revoke": lazy("Revoked an access key of %(name)s"),
}

KINDS: dict[str, str | Promise] = {
    "incident": lazy("Case"),
    "compensation": lazy("Compensation"),
    "approval": lazy("Request for approval"),
    "message": lazy("Message"),
    "customer": lazy("Customer"),
    "note": lazy("Note"),
    "promise": lazy("Promise"),
    "playbook": lazy("Playbook"),
    "limit": lazy("Limit"),
    "scale": lazy("Scale version"),
    "report": lazy("Report"),
    "journal": lazy("Journal"),
    "audit": lazy("Audit trail"),
    "market": lazy("Market"),
    "location": lazy("Location"),
    "team": lazy("Team"),
    "staff": lazy("Person"),
    "api_client": lazy("API client"),
    # Families of acts that are done to one of the kinds above.
    "access_token": lazy("Access key"),
    "contact": lazy("Contact"),
    "coupon": lazy("Coupon"),
    "issuance": lazy("Granting"),
    "portal": lazy("Customer's links"),
    "role": lazy("Role"),
}

FIELDS: dict[str, str | Promise] = {
    "amount_at_stake_minor": lazy("amount at stake"),
    "amount_minor": lazy("amount"),
    "attempts": lazy("attempts"),
    "balance_minor": lazy("balance"),
    "brand": lazy("brand"),
    "cap": lazy("cap"),
    "category": lazy("category"),
    "channel": lazy("channel"),
    "code": lazy("code"),
    "currency": lazy("currency"),
    "due_at": lazy("due"),
    "effective_from": lazy("in force from"),
    "email": lazy("email"),
    "expected_cost_minor": lazy("expected cost"),
    "expires_at": lazy("valid until"),
    "face_minor": lazy("face value"),
    "folio": lazy("folio"),
    "is_active": lazy("active"),
    "kind": lazy("kind"),
    "language": lazy("language"),
    "level": lazy("level"),
    "locale": lazy("how amounts are written"),
    "location": lazy("location"),
    "measure": lazy("measure"),
    "name": lazy("name"),
    "narrative": lazy("what happened"),
    "number": lazy("number"),
    "occurred_at": lazy("when it happened"),
    "offer": lazy("offer"),
    "order_ref": lazy("order"),
    "owner": lazy("owner"),
    "preferred_channel": lazy("preferred channel"),
    "role": lazy("role"),
    "rows": lazy("rows"),
    "scale": lazy("scale version"),
    "scope": lazy("scope"),
    "segment": lazy("segment"),
    "severity": lazy("severity"),
    "severity_reason": lazy("reason of the severity"),
    "state": lazy("state"),
    "step": lazy("step"),
    "stopped": lazy("stopped"),
    "supervisors": lazy("supervisors"),
    "team": lazy("team"),
    "theme": lazy("theme"),
    "time_zone": lazy("time zone"),
    "to": lazy("to"),
    "version": lazy("version"),
    "window": lazy("window"),
}

# What a recorded value is called, by its field or by its kind of thing and field.
_LABELS: dict[str, Any] = {
    "channel": ContactChannel,
    "preferred_channel": ContactChannel,
    "severity": Severity,
    "step": Step,
    "segment": Segment,
    "role": Role,
    "scope": LimitScope,
    "window": LimitWindow,
    "measure": Measure,
    "approval.state": ApprovalState,
    "compensation.kind": OfferKind,
    "compensation.state": CompensationState,
    "incident.kind": IncidentKind,
    "incident.state": IncidentState,
    "limit.state": LimitState,
    "message.state": MessageState,
    "promise.kind": PromiseKind,
    "promise.state": PromiseState,
    "scale.state": ScaleState,
}
# What stands for no value: an en dash.
NOTHING = "\u2013"
# Of what tells who a customer is, and of their words, the trail keeps the length.
_LENGTHS = frozenset({"name", "external_ref", "narrative"})
# A value longer than this is cut in the page; the export holds all of it.
LONGEST = 160


def field_name(key: str) -> str:
    """What a recorded field is called."""
    return str(FIELDS.get(key) or key.replace("_", " "))


def kind_name(kind: str) -> str:
    """What kind of thing a row is about."""
    return str(KINDS.get(kind) or kind.replace("_", " "))


class _Blank(dict[str, str]):
    """Every part of a sentence left open."""

    def __missing__(self, key: str) -> str:
        return "…"


def act_name(act: str) -> str:
    """An act as a choice of a filter: its sentence with its parts left open."""
    template = SENTENCES.get(act)
    return act if template is None else str(template) % _Blank()


def value_text(key: str, value: object, currency: str, locale: str, kind: str = "") -> str:
    """A recorded value as a person reads it; an empty one as a dash."""
    if value is None or value == "" or value == [] or value == {}:
        return NOTHING
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if key in _LENGTHS and isinstance(value, int):
        words = ngettext(
            "%(number)s character, not kept here", "%(number)s characters, not kept here", value
        )
        return words % {"number": value}
    if key.endswith("_minor") and isinstance(value, int):
        return format_money(value, currency, locale)
    choices = _LABELS.get(f"{kind}.{key}") or _LABELS.get(key)
    if choices is not None and str(value) in choices.values:
        return str(choices(str(value)).label)
    if isinstance(value, list):
        text = ", ".join(str(item) for item in value)
    elif isinstance(value, dict):
        text = ", ".join(f"{name}: {item}" for name, item in value.items())
    else:
        text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


class Told(Mapping[str, str]):
    """What a sentence may speak of, each part worked out when the sentence asks for it."""

    def __init__(
        self, event: AuditEvent, market: Market, *, name: str, case: str, offer: str
    ) -> None:
        self._event = event
        self._market = market
        self._given = {"name": name, "case": case, "offer": offer}

    def __getitem__(self, key: str) -> str:
        made = getattr(self, f"_{key}", None)
        if callable(made):
            return str(made())
        given = self._given.get(key)
        if given:
            return given
        return self._recorded(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    @property
    def _facts(self) -> dict[str, Any]:
        return {**(self._event.before or {}), **(self._event.after or {})}

    def _recorded(self, key: str) -> str:
        value = self._facts.get(key)
        return value_text(key, value, self._market.currency, self._market.locale)

    def _object(self) -> str:
        return self._event.object_id

    def _amount(self) -> str:
        facts = self._facts
        minor = facts.get("amount_minor", facts.get("face_minor"))
        if not isinstance(minor, int):
            return NOTHING
        currency = str(facts.get("currency") or self._market.currency)
        return format_money(abs(minor), currency, self._market.locale)

    def _cap(self) -> str:
        facts = self._facts
        if facts.get("measure") == Measure.COUNT:
            return str(facts.get("cap"))
        cap = facts.get("cap")
        if not isinstance(cap, int):
            return NOTHING
        return format_money(cap, self._market.currency, self._market.locale)

    def _date(self) -> str:
        try:
            day = dt.date.fromisoformat(str(self._facts.get("date")))
        except ValueError:
            return NOTHING
        return date_format(day, "SHORT_DATE_FORMAT")

    def _limit(self) -> str:
        parts = [self._recorded("scope"), self._recorded("window")]
        if self._given["name"]:
            parts.insert(0, self._given["name"])
        return ", ".join(part for part in parts if part != NOTHING)

    def _fields(self) -> str:
        changed = (self._event.after or self._event.before or {}).keys()
        return ", ".join(field_name(key) for key in changed) or NOTHING

    def _cells(self) -> str:
        return str(len((self._event.after or {}).get("cells") or ()))

    def _outcome(self) -> str:
        return _("it held") if (self._event.after or {}).get("fine") else _("it did not hold")


def sentence(event: AuditEvent, told: Told) -> str:
    """What the row says, in one sentence without who and when."""
    template = SENTENCES.get(event.act)
    if template is None:
        return _("Recorded: %(act)s, %(kind)s %(object)s") % {
            "act": event.act,
            "kind": kind_name(event.object_kind),
            "object": told["name"] if told["name"] != NOTHING else event.object_id,
        }
    return str(template) % told


def details(event: AuditEvent, market: Market) -> list[tuple[str, str, str]]:
    """Each recorded field with its value before and after; empty where it had none."""
    before, after = event.before or {}, event.after or {}
    facts = {**before, **after}
    currency = str(after.get("currency") or before.get("currency") or market.currency)

    def text(source: dict[str, Any], key: str) -> str:
        if key not in source:
            return ""
        if key == "cap" and isinstance(source[key], int) and facts.get("measure") != Measure.COUNT:
            return format_money(source[key], currency, market.locale)
        return value_text(key, source[key], currency, market.locale, event.object_kind)

    keys = [*before, *(key for key in after if key not in before)]
    lines = [(field_name(key), text(before, key), text(after, key)) for key in keys]
    # Nothing before something is not worth a mark.
    return [(name, "" if old == NOTHING and new else old, new) for name, old, new in lines]
