"""What guides the agent: categories, severity criteria, playbooks."""

from django.db.models import F, Q

from accounts.models import Market, Staff

from ..models import Category, Playbook, PlaybookAcknowledgement, SeverityGuide


def categories_for(market: Market) -> list[Category]:
    """The market's categories in use, each reason followed by its sub-reasons; parents loaded."""
    rows = list(Category.objects.filter(market=market, is_active=True).select_related("parent"))
    tops = [row for row in rows if row.parent_id is None]
    under: dict[int, list[Category]] = {}
    for row in rows:
        if row.parent_id is not None:
            under.setdefault(row.parent_id, []).append(row)
    return [row for top in tops for row in (top, *under.get(top.pk, []))]


def severity_guides(category: Category) -> dict[str, SeverityGuide]:
    """Criteria and example by severity; a sub-reason without its own shows its reason's."""
    found: dict[str, SeverityGuide] = {}
    keys = [key for key in (category.parent_id, category.pk) if key is not None]
    guides = {
        (g.category_id, g.severity): g for g in SeverityGuide.objects.filter(category__in=keys)
    }
    for key in keys:
        found.update({sev: guide for (owner, sev), guide in guides.items() if owner == key})
    return found


def playbook_for(market: Market | int, category: Category, severity: str) -> Playbook | None:
    """The version in use, with steps: the sub-reason's, else its reason's, else the market's."""
    market_id = market if isinstance(market, int) else market.pk
    fits = Q(category=category) | Q(category=None)
    if category.parent_id is not None:
        fits |= Q(category=category.parent_id)
    rows = list(
        Playbook.objects.filter(fits, market=market_id, severity=severity)
        .order_by(F("category").asc(nulls_last=True), "-version")
        .distinct("category")
        .prefetch_related("steps")
    )
    ranks = {category.pk: 0, category.parent_id: 1, None: 2}
    return min(rows, key=lambda row: min(ranks[row.category_id], 2), default=None)


def playbook_unread(playbook: Playbook, staff: Staff) -> bool:
    """Whether the person has yet to acknowledge this version."""
    return not PlaybookAcknowledgement.objects.filter(playbook=playbook, staff=staff).exists()
