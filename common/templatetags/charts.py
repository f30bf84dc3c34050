"""Tags that draw: columns, bars and grids with their tables, and the small line of a row."""

from collections.abc import Sequence

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.charts import Bars, Columns, polyline
from common.heat import Heat

register = template.Library()


@register.simple_tag
def columns(chart: Columns) -> str:
    """Stacked columns: the sentence, the drawing, the legend, and the table one step away."""
    return render_to_string("components/columns.html", {"chart": chart})


@register.simple_tag
def bars(chart: Bars) -> str:
    """Ranked bars: the sentence, the bars with their words, and the table one step away."""
    return render_to_string("components/bars.html", {"chart": chart})


@register.simple_tag
def heat(chart: Heat) -> str:
    """A grid of tinted squares: the sentence, the drawing, its legend, the table one step away."""
    return render_to_string("components/heat.html", {"chart": chart})


@register.simple_tag
def sparkline(values: Sequence[int], label: str) -> SafeString:
    """A small line of a row's last days. The label says in words what the eye sees."""
    return format_html(
        '<svg class="spark" viewBox="0 0 76 20" role="img" aria-label="{}">'
        '<polyline points="{}"/></svg>',
        label,
        polyline(values, 76, 20),
    )
