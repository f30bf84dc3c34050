"""Numbers beside the rail's links that a page's own app counts.

The frame is drawn by an app that does not know the others; each registers its count, by the name of
its page's address, in its AppConfig.ready().
"""

from collections.abc import Callable

from .models import Market, Staff

Count = Callable[[Staff, Market], int]

_counts: dict[str, Count] = {}


def register_count(page: str, count: Count) -> None:
    """`count(staff, market)` is what waits for the person on that page; nothing shows for 0."""
    _counts[page] = count


def count_of(page: str, staff: Staff, market: Market) -> int:
    """The number beside the page's link; 0 where nobody counts."""
    count = _counts.get(page)
    return count(staff, market) if count else 0
