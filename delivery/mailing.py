"""A small mail from blocks: text, and the same as HTML that reads well with images off.

HTML mail knows neither style sheets nor scripts it can rely on: layout is one table, colours are
attributes and short inline styles, and there is no image at all. Every value is escaped here; the
callers' words are plain text and never templates.
"""

from collections.abc import Sequence

from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .registry import Rendered

# The design's light tokens: text at 4.5:1 or better on its ground.
_INK, _QUIET, _ACCENT = "#1b1d1a", "#5f645d", "#0b5f4f"
_PAPER, _GROUND, _LINE = "#ffffff", "#f6f6f3", "#dedfd9"
_FONT = "font-family:Inter,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


def _one_line(text: str) -> str:
    """A header holds one line: whatever a name brings along, nothing can add another header."""
    return " ".join(text.split())


def build_mail(
    *,
    subject: str,
    brand: str,
    greeting: str,
    paragraphs: Sequence[str],
    language: str,
    facts: Sequence[tuple[str, str]] = (),
    link: tuple[str, str] | None = None,
    footer: str = "",
) -> Rendered:
    """The mail in the customer's `language`; its words come already translated.

    `facts` are label and value, `link` is a button's label and its address, which is also written
    out for readers whose button does not work.
    """
    with translation.override(language):
        instead = _("If the button does not open, copy this address into your browser:")
    return Rendered(
        subject=_one_line(subject),
        text=_text(brand, greeting, paragraphs, facts, link, footer),
        html=_html(subject, brand, greeting, paragraphs, facts, link, footer, language, instead),
    )


def _text(
    brand: str,
    greeting: str,
    paragraphs: Sequence[str],
    facts: Sequence[tuple[str, str]],
    link: tuple[str, str] | None,
    footer: str,
) -> str:
    blocks = [greeting, *paragraphs]
    if facts:
        blocks.append("\n".join(f"{label}: {value}" for label, value in facts))
    if link:
        blocks.append(f"{link[0]}:\n{link[1]}")
    blocks.append(f"-- \n{brand}" + (f"\n{footer}" if footer else ""))
    return "\n\n".join(blocks) + "\n"


def _html(
    subject: str,
    brand: str,
    greeting: str,
    paragraphs: Sequence[str],
    facts: Sequence[tuple[str, str]],
    link: tuple[str, str] | None,
    footer: str,
    language: str,
    instead: str,
) -> str:
    words = format_html_join(
        "", '<p style="margin:0 0 16px">{}</p>', ((paragraph,) for paragraph in paragraphs)
    )
    return str(
        format_html(
            '<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            "<title>{subject}</title></head>"
            '<body bgcolor="{ground}" style="margin:0;padding:0">'
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
            'bgcolor="{ground}"><tr><td align="center" style="padding:24px 12px">'
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
            'bgcolor="{paper}" style="max-width:560px;border:1px solid {line};border-radius:8px">'
            '<tr><td style="padding:24px;{font};font-size:16px;line-height:1.5;color:{ink}">'
            '<p style="margin:0 0 16px;font-size:14px;color:{quiet}">{brand}</p>'
            '<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">{greeting}</h1>'
            "{words}{facts}{link}"
            '<p style="margin:24px 0 0;padding-top:16px;border-top:1px solid {line};'
            'font-size:14px;color:{quiet}">{footer}</p>'
            "</td></tr></table></td></tr></table></body></html>\n",
            language=language,
            subject=_one_line(subject),
            brand=brand,
            greeting=greeting,
            words=words,
            facts=_facts(facts),
            link=_link(link, instead),
            footer=footer or brand,
            font=SafeString(_FONT),
            ink=_INK,
            quiet=_QUIET,
            paper=_PAPER,
            ground=_GROUND,
            line=_LINE,
        )
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    if not facts:
        return ""
    rows = format_html_join(
        "",
        '<tr><th scope="row" align="left" style="padding:8px 16px 8px 0;font-weight:400;'
        'color:{}">{}</th><td align="right" style="padding:8px 0;font-weight:600">{}</td></tr>',
        ((_QUIET, label, value) for label, value in facts),
    )
    return format_html(
        '<table width="100%" cellpadding="0" cellspacing="0" border="0" '
        'style="margin:0 0 16px;border-top:1px solid {};border-bottom:1px solid {}">{}</table>',
        _LINE,
        _LINE,
        rows,
    )


def _link(link: tuple[str, str] | None, instead: str) -> str:
    if link is None:
        return ""
    label, address = link
    return format_html(
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>'
        '<td bgcolor="{}" style="border-radius:6px">'
        '<a href="{}" target="_blank" rel="noopener" style="display:inline-block;'
        'padding:12px 20px;color:{};font-weight:600;text-decoration:none">{}</a></td></tr></table>'
        '<p style="margin:16px 0 0;font-size:14px;color:{}">{}<br>'
        '<a href="{}" target="_blank" rel="noopener" style="color:{};word-break:break-all">{}</a>'
        "</p>",
        _ACCENT,
        address,
        _PAPER,
        label,
        _QUIET,
        instead,
        address,
        _ACCENT,
        address,
    )
