"""The tags of the design system: components that need a slot, a form field or arithmetic.

Leaf components are plain includes under `templates/components/`. What a tag draws is in a template
of the same name there; no markup of any size is in this file, and no rule of the domain. Charts are
in `charts`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from django import forms, template
from django.conf import settings
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from common import sentences
from common.money import format_count, format_money

register = template.Library()

SOON = dt.timedelta(minutes=15)
ONE_DAY = dt.timedelta(days=1)

# Which tone a severity or a state is shown in. Unknown values are neutral, never an error.
TONES = {
    "minor": "minor",
    "moderate": "moderate",
    "critical": "critical",
    "in_recovery": "accent",
    "resolved": "good",
    "live": "good",
    "issued": "good",
    "settled": "good",
    "redeemed": "good",
    "delivered": "good",
    "approved": "good",
    "kept": "good",
    "draft": "moderate",
    "in_review": "moderate",
    "scheduled": "moderate",
    "requested": "moderate",
    "reserved": "moderate",
    "pending": "moderate",
    "queued": "minor",
    "sending": "minor",
    "sent": "minor",
    "due": "minor",
    "unknown": "moderate",
    "failed": "critical",
    "bounced": "critical",
    "rejected": "critical",
    "broken": "critical",
    "voided": "critical",
}

KEY_NAMES = {
    "ctrl": "Ctrl",
    "shift": "⇧",
    "alt": "Alt",
    "enter": "↵",
    "escape": "Esc",
    "arrowup": "↑",
    "arrowdown": "↓",
}


def attributes(pairs: Mapping[str, Any]) -> SafeString:
    """HTML attributes from keyword arguments: `hx_post` becomes `hx-post`, True a bare name."""
    shown = [
        (name.rstrip("_").replace("_", "-"), value)
        for name, value in pairs.items()
        if value is not None and value is not False and value != ""
    ]
    return format_html_join("", "{}", ((_attribute(name, value),) for name, value in shown))


def _attribute(name: str, value: object) -> SafeString:
    if value is True:
        return format_html(" {}", name)
    return format_html(' {}="{}"', name, value)


@register.filter
def tone(value: object) -> str:
    """The tone of a severity or state, or an empty string."""
    return TONES.get(str(value), "")


@lru_cache(maxsize=256)
def _icon(_base: str, name: str, label: str, size: str) -> SafeString:
    extra = (
        format_html(' role="img" aria-label="{}"', label)
        if label
        else SafeString(' aria-hidden="true"')
    )
    return format_html(
        '<svg class="icon{}"{}><use href="{}#{}"></use></svg>',
        f" icon-{size}" if size else "",
        extra,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """An icon of `static/icons.svg`. Without a label it is decoration and hidden from readers.

    Drawn once and kept: a list has two in every row, whose address alone took most of the time. A
    file's address below one base address does not change while a process lives.
    """
    return _icon(settings.STATIC_URL, str(name), str(label), size)


def _drawn_once(context: template.Context, part: str, **values: str) -> SafeString:
    """A component that says the same in many rows, drawn once for the template that repeats it."""
    kept = cast("dict[str, dict[tuple[str, ...], SafeString]]", context.render_context)
    drawn = kept.setdefault("drawn", {})
    key = (part, *values.values())
    if key not in drawn:
        drawn[key] = render_to_string(f"components/{part}.html", values)
    return drawn[key]


@register.simple_tag(takes_context=True)
def severity_badge(context: template.Context, value: str) -> SafeString:
    """The badge of a severity, for the rows of a table."""
    return _drawn_once(context, "severity", value=value)


@register.simple_tag(takes_context=True)
def state_badge(context: template.Context, value: str, label: str) -> SafeString:
    """The badge of a state, for the rows of a table."""
    return _drawn_once(context, "state", value=value, label=label)


@register.simple_tag
def kbd(keys: str) -> SafeString:
    """A key hint as the eye reads it: `ctrl+enter` is `Ctrl ↵`. The key itself is `data-key`."""
    words = [
        KEY_NAMES.get(key, key.upper() if len(key) == 1 else key.title())
        for key in keys.lower().split("+")
    ]
    return format_html('<kbd class="hint" aria-hidden="true">{}</kbd>', " ".join(words))


@register.simple_tag
def button(
    label: str,
    kind: str = "",
    href: str = "",
    icon: str = "",
    key: str = "",
    size: str = "",
    type: str = "submit",
    icon_only: bool = False,
    block: bool = False,
    **attrs: Any,
) -> str:
    """A button, or a link that looks like one when it has an href. One primary per screen."""
    return render_to_string(
        "components/button.html",
        {
            "label": label,
            "kind": kind,
            "href": href,
            "icon": icon,
            "key": key,
            "size": size,
            "type": type,
            "icon_only": icon_only,
            "block": block,
            "attrs": attributes(attrs),
        },
    )


@register.simple_block_tag
def card(
    content: str,
    title: str = "",
    aside: str = "",
    kind: str = "",
    level: int = 2,
    id: str = "",
    **attrs: Any,
) -> str:
    """A surface with an optional title. `kind`: flush (tables), quiet."""
    return render_to_string(
        "components/card.html",
        {
            "content": content,
            "title": title,
            "aside": aside,
            "kind": kind,
            "level": level,
            "id": id,
            "attrs": attributes(attrs),
        },
    )


@register.simple_block_tag
def alert(content: str, tone: str = "info", title: str = "", role: str = "") -> str:
    """A message in the page. Tones: info, good, moderate, critical.

    Give `role="alert"` to one that appears while the page is open.
    """
    icons = {"good": "good", "moderate": "warning", "critical": "stop"}
    return render_to_string(
        "components/alert.html",
        {
            "content": content,
            "tone": tone,
            "title": title,
            "role": role,
            "icon": icons.get(tone, "info"),
        },
    )


@register.simple_block_tag
def choice(
    content: str,
    name: str,
    value: object,
    title: str,
    id: str = "",
    key: str = "",
    checked: bool = False,
    disabled: bool = False,
    **attrs: Any,
) -> str:
    """A radio as a card: an offer, a way to deliver. Its key picks it."""
    return render_to_string(
        "components/choice.html",
        {
            "content": content,
            "name": name,
            "value": value,
            "title": title,
            "id": id or f"{name}-{value}",
            "key": key,
            "checked": checked,
            "disabled": disabled,
            "attrs": attributes(attrs),
        },
    )


@register.simple_block_tag
def entry(
    content: str, at: dt.datetime, who: str = "", kind: str = "", meta: str = "", id: str = ""
) -> str:
    """One entry of a timeline, at an aware time. Kinds: quote, internal, money, system."""
    return render_to_string(
        "components/timeline_entry.html",
        {"content": content, "at": at, "who": who, "kind": kind, "meta": meta, "id": id},
    )


@register.simple_block_tag
def dialog(content: str, id: str, title: str, auto: bool = False) -> str:
    """A modal dialog, opened by `data-dialog-open="id"`, or at once with `auto`."""
    return render_to_string(
        "components/dialog.html", {"content": content, "id": id, "title": title, "auto": auto}
    )


@register.simple_block_tag
def disclosure(content: str, summary: str, open: bool = False) -> str:
    """Something most people do not need at first, behind its title."""
    return render_to_string(
        "components/disclosure.html", {"content": content, "summary": summary, "open": open}
    )


@register.simple_block_tag
def chip_menu(content: str, label: str, on: bool = False, open: bool = False) -> str:
    """A filter chip that opens its choices: links in a `menu-list`, or a small form.

    `open` where its form was refused, so that what is wrong is seen.
    """
    return render_to_string(
        "components/chip_menu.html", {"content": content, "label": label, "on": on, "open": open}
    )


@register.simple_block_tag
def empty(content: str, title: str, text: str = "", icon: str = "list") -> str:
    """What a list says when it has nothing: why, and in the slot the next act."""
    return render_to_string(
        "components/empty.html",
        {"content": content, "title": title, "text": text, "icon": icon},
    )


@register.simple_tag
def combobox(
    name: str,
    label: str,
    url: str,
    id: str = "",
    value: object = "",
    text: str = "",
    placeholder: str = "",
    hint: str = "",
    errors: Sequence[str] = (),
    key: str = "",
    optional: bool = False,
    autofocus: bool = False,
    **attrs: Any,
) -> str:
    """A look-up box. `url` answers `?q=` with `components/options.html`.

    Sends `name` (the picked value) and `name_text` (what the box shows or a person typed).
    """
    return render_to_string(
        "components/combobox.html",
        {
            "name": name,
            "label": label,
            "url": url,
            "id": id or f"id_{name}",
            "value": "" if value is None else value,
            "text": text,
            "placeholder": placeholder,
            "hint": hint,
            "errors": errors,
            "key": key,
            "optional": optional,
            "autofocus": autofocus,
            "attrs": attributes(attrs),
        },
    )


def _shape(widget: forms.Widget) -> str:
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "set"
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    if isinstance(widget, forms.Textarea):
        return "textarea"
    if isinstance(widget, forms.Select):
        return "select"
    return "input"


@register.simple_tag
def field(
    bound: BoundField,
    label: str = "",
    hint: str = "",
    look: str = "",
    wide: bool = False,
    prefix: str = "",
    class_: str = "",
    needed: bool = False,
    **attrs: Any,
) -> str:
    """A form field with its label, hint and errors, tied together for screen readers.

    `look="segmented"` shows radios side by side; `prefix` is a unit before the box; `needed` leaves
    out "optional" where the rest of the form makes it needed; any other keyword becomes an
    attribute of the control (`hx_get`, `data_key`, `autocomplete`). The first field of a form that
    has an error takes the focus. A typed amount is echoed, a long text counts what is left of it.
    """
    shape = _shape(bound.field.widget)
    hint = hint or str(bound.help_text)
    described = [f"{bound.auto_id}-hint"] if hint else []
    first = False
    control: dict[str, Any] = {
        name.rstrip("_").replace("_", "-"): value for name, value in attrs.items()
    }
    if bound.errors:
        described.append(f"{bound.auto_id}-error")
        first = next(iter(faulty(bound.form)), None) == bound.name
        if first and shape != "set":
            control["autofocus"] = True
    if shape in {"input", "select", "textarea"}:
        given = bound.field.widget.attrs.get("class", "")
        control["class"] = f"{shape} {given} {class_}".strip()
    if shape != "set":
        control["aria-describedby"] = " ".join(described) or None
        if bound.errors:
            control["aria-invalid"] = "true"
        if control["aria-describedby"] is None:
            del control["aria-describedby"]
    if look == "segmented" and shape == "set":
        shape = "segmented"
    return render_to_string(
        "components/field.html",
        {
            "bound": bound,
            "shape": shape,
            "widget": bound.as_widget(attrs=control) if shape not in {"set", "segmented"} else "",
            "options": list(bound) if shape in {"set", "segmented"} else [],
            "label": label or bound.label,
            "hint": hint,
            "described": " ".join(described),
            "wide": wide,
            "prefix": prefix,
            "optional": not bound.field.required and not needed,
            "focus": first,
            "is_amount": "data-amount" in bound.field.widget.attrs,
            "counts": "data-most" in bound.field.widget.attrs,
        },
    )


def faulty(form: forms.BaseForm) -> list[str]:
    """The fields of a refused form that need the person, in the order in which they meet them."""
    return [name for name in form.fields if name in form.errors]


@register.simple_tag
def form_errors(form: forms.BaseForm, focus: bool = True) -> str:
    """The summary above a form that was refused: what to mend, with a link to each field.

    Where no field can, it takes the focus, unless a box that is no field of the form does.
    """
    if not form.errors:
        return ""
    fields = [form[name] for name in faulty(form)]
    return render_to_string(
        "components/form_errors.html",
        {
            "general": form.non_field_errors(),
            "fields": fields,
            "focus": focus and not fields,
        },
    )


@register.simple_tag
def form_fields(form: forms.BaseForm) -> str:
    """The summary and every field of a form, one under another."""
    return render_to_string("components/form_fields.html", {"form": form})


@register.simple_tag(takes_context=True)
def money(context: template.Context, minor: int | None, currency: str, locale: str = "") -> str:
    """An amount in minor units, written as its market writes it; a dash when there is none.

    The locale is the market's: the argument, else `market_locale` of the page, else the reader's.
    """
    if minor is None:
        return "\u2013"
    return format_money(minor, currency, _place(context, locale))


@register.simple_tag(takes_context=True)
def number(context: template.Context, value: int, locale: str = "") -> str:
    """How many, with the thousands marks of the same locale."""
    return format_count(value, _place(context, locale))


def _place(context: template.Context, locale: str) -> str:
    return locale or str(context.get("market_locale") or "") or translation.get_language() or ""


@register.filter
def last_day(end: dt.datetime | None) -> dt.datetime | None:
    """The last moment before an aware, exclusive end: what people are told as the last day."""
    return end - dt.timedelta(microseconds=1) if end else None


@register.filter
def ago(moment: dt.datetime) -> str:
    """How long ago an aware moment is, in words."""
    return sentences.ago(moment)


def remaining(due: dt.datetime, now: dt.datetime) -> tuple[str, str]:
    """State (ok, soon, late) and words for the time between two aware moments."""
    late = now > due
    minutes = int(abs(due - now).total_seconds() // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    if days:
        span = _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}
    elif hours:
        span = _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": left}
    else:
        span = _("%(minutes)d min") % {"minutes": left}
    if late:
        return "late", _("%(span)s late") % {"span": span}
    return "soon" if due - now <= SOON else "ok", _("%(span)s left") % {"span": span}


def day_of(due: dt.datetime, now: dt.datetime) -> str:
    """The local day of an aware moment as a person says it; nothing for one of today."""
    day, today = timezone.localdate(due), timezone.localdate(now)
    if day == today:
        return ""
    near = {today - ONE_DAY: _("yesterday"), today + ONE_DAY: _("tomorrow")}
    return near.get(day) or date_format(day, "SHORT_DATE_FORMAT")


SIGNS = {"met": "good", "late": "warning"}


@register.inclusion_tag("components/clock.html")
def clock(
    due: dt.datetime | None, label: str = "", why: str = "", met: bool | None = None
) -> dict[str, Any]:
    """Time left until an aware moment, in words that stay current. `met` stops the clock.

    The day is said with the hour unless it is today. Draws nothing without a moment. An inclusion,
    whose template is looked up once for all rows.
    """
    if due is None:
        return {}
    now = timezone.now()
    state, words = remaining(due, now)
    if met is not None:
        state, words = ("met", _("met")) if met else ("late", _("missed"))
    return {
        "due": due,
        "iso": due.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "day": day_of(due, now),
        "time": timezone.localtime(due).strftime("%H:%M"),
        "label": label,
        "why": why,
        "state": state,
        "sign": SIGNS.get(state, "clock"),
        "words": words,
        "running": met is None,
    }
