"""The one timeline of a case: the customer's words, notes, promises, messages, money, system.

Each entry is put in words here, from rows that never change: what is recorded is told as it was.
Money entries are never edited, so a void stands beside the grant that it counters.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.models import AuditEvent
from audit.states import PRODUCT, ActorKind
from common.money import format_money
from common.sentences import within
from compensations.models import Compensation
from compensations.states import LapseReason
from delivery.models import Message
from delivery.states import Channel, MessageState
from incidents.models import Category, Incident, Note, Promise
from incidents.selectors import TimelineEntry, timeline
from incidents.states import ContactChannel, PromiseKind, Severity, Step

# Read at once; a case with more shows the newest of them.
MOST = 300
# Characters and lines from which a text is folded; a line of the timeline holds about sixty.
LONG, LINES = 800, 12

GROUPS: dict[str, LazyText] = {
    "messages": gettext_lazy("Messages"),
    "notes": gettext_lazy("Notes"),
    "promises": gettext_lazy("Promises"),
    "money": gettext_lazy("Money"),
    "system": gettext_lazy("System"),
}
# Told by the rows themselves: the message with its state, the case with the customer's words.
TOLD = (
    "message.",
    "incident.opened",
    "compensation.resent",
    "note.",
    "promise.made",
    # By the compensation's own arrow.
    "approval.rejected",
    "approval.withdrawn",
    "approval.lapsed",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story. `group` is what the filters sort by, `kind` how it is drawn."""

    at: dt.datetime
    group: str
    who: str
    text: str
    kind: str = ""
    meta: str = ""
    message: Message | None = None
    promise: Promise | None = None

    @property
    def anchor(self) -> str:
        """Where the page can be led to it; empty for what nothing leads to."""
        return f"promise-{self.promise.pk}" if self.promise else ""

    @property
    def long(self) -> bool:
        """Whether it fills more than about a dozen lines: the page folds it."""
        return len(self.text) > LONG or self.text.count("\n") >= LINES


@dataclass(frozen=True, slots=True)
class _Case:
    """What the words of an event are made from."""

    incident: Incident
    names: Mapping[str, str]

    def money(self, minor: object) -> str:
        market = self.incident.market
        return format_money(int(str(minor)), self.incident.currency, market.locale)


def _granted(event: AuditEvent, case: _Case) -> str:
    after = event.after or {}
    return _("Granted: %(offer)s, %(amount)s") % {
        "offer": case.names.get(event.object_id, str(after.get("offer", ""))),
        "amount": case.money(after.get("face_minor", 0)),
    }


def _voided(event: AuditEvent, case: _Case) -> str:
    after = event.after or {}
    return _("Voided: %(offer)s, %(amount)s. %(reason)s") % {
        "offer": case.names.get(event.object_id, ""),
        "amount": case.money(-int(after.get("face_minor", 0))),
        "reason": event.reason,
    }


def _redeemed(event: AuditEvent, case: _Case) -> str:
    after = event.after or {}
    return _("Redeemed: %(offer)s, %(amount)s") % {
        "offer": case.names.get(event.object_id, ""),
        "amount": case.money(after.get("amount_minor", 0)),
    }


def _reversed(event: AuditEvent, case: _Case) -> str:
    after = event.after or {}
    return _("Redemption undone: %(offer)s, %(amount)s. %(reason)s") % {
        "offer": case.names.get(event.object_id, ""),
        "amount": case.money(after.get("amount_minor", 0)),
        "reason": event.reason,
    }


def _requested(event: AuditEvent, case: _Case) -> str:
    after = event.after or {}
    return _("Asked for approval: %(offer)s, %(amount)s. %(reason)s") % {
        "offer": case.names.get(event.object_id, str(after.get("offer", ""))),
        "amount": case.money(after.get("face_minor", 0)),
        "reason": event.reason,
    }


def _approved(event: AuditEvent, _case: _Case) -> str:
    endorsed = (event.after or {}).get("passed_up")
    words = _("Endorsed and passed to finance") if endorsed else _("Request approved")
    return f"{words}: {event.reason}" if event.reason else words


def _lapsed(event: AuditEvent, _case: _Case) -> str:
    known = event.reason in LapseReason.values
    reason = LapseReason(event.reason).label if known else event.reason
    return _("The request ended by itself: %(reason)s") % {"reason": reason}


FIELD_NAMES: dict[str, LazyText] = {
    "severity": gettext_lazy("severity"),
    "severity_reason": gettext_lazy("reason of the severity"),
    "category": gettext_lazy("category"),
    "narrative": gettext_lazy("what happened"),
    "channel": gettext_lazy("channel"),
    "location": gettext_lazy("location"),
    "order_ref": gettext_lazy("order"),
    "amount_at_stake_minor": gettext_lazy("amount at stake"),
    "occurred_at": gettext_lazy("when it happened"),
    "owner": gettext_lazy("owner"),
    "team": gettext_lazy("team"),
    "kind": gettext_lazy("kind"),
}


def _value(field: str, value: object, case: _Case) -> str:
    """A recorded value as a person reads it."""
    if value in (None, ""):
        return _("none")
    if field == "severity":
        return str(Severity(str(value)).label)
    if field == "channel":
        return str(ContactChannel(str(value)).label)
    if field == "amount_at_stake_minor":
        return case.money(value)
    if field == "category":
        return case.names.get(str(value), str(value))
    return str(value)


# Changed without saying to what: ids, or the customer's words.
UNSAID_VALUES = frozenset({"narrative", "owner", "team", "occurred_at", "kind"})


def _changed(event: AuditEvent, case: _Case) -> str:
    before, after = event.before or {}, event.after or {}
    parts = []
    for field, value in after.items():
        name = FIELD_NAMES.get(field, field)
        if field in UNSAID_VALUES:
            parts.append(str(name))
        else:
            parts.append(
                _("%(field)s from %(old)s to %(new)s")
                % {
                    "field": name,
                    "old": _value(field, before.get(field), case),
                    "new": _value(field, value, case),
                }
            )
    return _("Changed: %(what)s") % {"what": ", ".join(parts)}


def _step(event: AuditEvent, _case: _Case) -> str:
    step = str((event.after or {}).get("step", ""))
    name = Step(step).label if step in Step.values else step
    return _("Step done: %(step)s") % {"step": name}


def _because(text: LazyText) -> Callable[[AuditEvent, _Case], str]:
    """A sentence, with the recorded reason where there is one."""

    def say(event: AuditEvent, _case: _Case) -> str:
        return f"{text}: {event.reason}" if event.reason else str(text)

    return say


def _resolved(_event: AuditEvent, case: _Case) -> str:
    return _("Resolved: %(how)s") % {"how": case.incident.resolution or _("and opened again")}


Say = Callable[[AuditEvent, _Case], str]
MONEY: dict[str, Say] = {
    "compensation.granted": _granted,
    "compensation.requested": _requested,
    "compensation.rejected": _because(gettext_lazy("Request rejected")),
    "compensation.withdrawn": _because(gettext_lazy("Request withdrawn")),
    "compensation.lapsed": _lapsed,
    "approval.approved": _approved,
    "compensation.voided": _voided,
    "compensation.expired": _because(gettext_lazy("Expired without being used")),
    "compensation.settled": _because(gettext_lazy("Settled: posted, paid or done")),
    "coupon.redeemed": _redeemed,
    "coupon.reversed": _reversed,
    "coupon.reserved": _because(gettext_lazy("Reserved at a till")),
    "coupon.released": _because(gettext_lazy("Released by the till")),
}


def _imported(_event: AuditEvent, case: _Case) -> str:
    if case.incident.occurred_at is None:
        return _("Imported from a file that does not say when it happened")
    return _("Imported from a file")


SYSTEM: dict[str, Say] = {
    "incident.imported": _imported,
    "incident.identified": _because(gettext_lazy("The customer was identified")),
    "incident.changed": _changed,
    "incident.recovery_started": _because(gettext_lazy("Recovery started")),
    "incident.uncompensated": _because(
        gettext_lazy("Nothing granted stands any more: the clock of compensation runs again")
    ),
    "incident.resolved": _resolved,
    "incident.closed": _because(gettext_lazy("Case closed")),
    "incident.reopened": _because(gettext_lazy("Case reopened")),
    "incident.step_done": _step,
    "portal.revoked": _because(gettext_lazy("The customer's links were ended")),
    "promise.kept": _because(gettext_lazy("Promise kept")),
    "promise.broken": _because(gettext_lazy("Promise broken")),
    "promise.cancelled": _because(gettext_lazy("Promise cancelled")),
}


def _from_event(event: AuditEvent, case: _Case) -> Entry:
    who = PRODUCT if event.actor_kind == ActorKind.SYSTEM else event.actor_name
    if event.act in MONEY:
        text = MONEY[event.act](event, case)
        return Entry(event.at, "money", who, text, kind="money")
    say = SYSTEM.get(event.act)
    text = say(event, case) if say else _("Recorded: %(act)s") % {"act": event.act}
    group = "promises" if event.act.startswith("promise.") else "system"
    return Entry(event.at, group, who, text)


def _from_promise(promise: Promise) -> Entry:
    return Entry(
        promise.created_at,
        "promises",
        promise.created_by.name,
        promise.detail,
        meta=_("Promise: %(kind)s") % {"kind": within(str(PromiseKind(promise.kind).label))},
        promise=promise,
    )


def _from_message(message: Message) -> Entry:
    """A message with its state; what is handed over counts as such once somebody confirmed it."""
    if message.channel == Channel.HANDOVER and message.state == MessageState.SENT:
        words = _("Link made to hand over in the conversation; nobody has confirmed it")
        return Entry(message.created_at, "messages", "", words)
    words = {
        Channel.HANDOVER: _("Message handed over in the conversation"),
    }.get(Channel(message.channel)) or _("Message by %(channel)s to %(address)s") % {
        "channel": within(str(Channel(message.channel).label)),
        "address": message.address_masked,
    }
    return Entry(message.created_at, "messages", "", words, message=message)


def _first_words(incident: Incident) -> Entry:
    """What the customer said, as it was logged."""
    who = _("Customer, by %(channel)s") % {
        "channel": within(str(ContactChannel(incident.channel).label))
    }
    return Entry(incident.logged_at, "messages", who, incident.narrative, kind="quote")


def _suggestion(incident: Incident) -> Entry:
    """Which severity was suggested, which was chosen, and why."""
    suggested = Severity(incident.suggested_severity).label
    if incident.severity == incident.suggested_severity:
        text = _("Severity as suggested: %(severity)s") % {"severity": suggested}
    else:
        text = _("Severity %(chosen)s instead of the suggested %(severity)s: %(reason)s") % {
            "chosen": Severity(incident.severity).label,
            "severity": suggested,
            "reason": incident.severity_reason,
        }
    return Entry(incident.logged_at, "system", "", text)


def _category_names(lines: Sequence[TimelineEntry], incident: Incident) -> dict[str, str]:
    """Names of the categories that recorded changes speak of, read only where one does."""
    codes = {
        str(value)
        for line in lines
        if isinstance(line.item, AuditEvent) and line.item.act == "incident.changed"
        for values in (line.item.before, line.item.after)
        if (value := (values or {}).get("category"))
    }
    if not codes:
        return {}
    rows = Category.objects.filter(market=incident.market_id, code__in=codes)
    return {row.code: row.name for row in rows}


def story(
    incident: Incident, compensations: Sequence[Compensation], messages: Sequence[Message]
) -> list[Entry]:
    """The whole timeline, oldest first; compensations come with their offers."""
    lines = timeline(incident, limit=MOST)
    names = {str(row.pk): row.offer.name for row in compensations}
    names.update(_category_names(lines, incident))
    case = _Case(incident, names)
    entries = [_first_words(incident), _suggestion(incident)]
    for line in lines:
        item = line.item
        if isinstance(item, Note):
            entries.append(
                Entry(
                    item.created_at,
                    "notes",
                    item.author.name,
                    item.body,
                    kind="internal",
                    meta=_("Internal note"),
                )
            )
        elif isinstance(item, Promise):
            entries.append(_from_promise(item))
        elif not item.act.startswith(TOLD):
            entries.append(_from_event(item, case))
    entries += [_from_message(message) for message in messages]
    return sorted(entries, key=lambda entry: entry.at)
