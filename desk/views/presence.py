"""Two people in one case see each other. Kept in the shared cache: losing it costs a notice."""

import time

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from incidents.selectors import visible_incidents

from ..places import Desk, desk_page

# The page asks every 20 seconds; whoever has not for this long has left.
GONE_AFTER = 50.0


@require_safe
@never_cache
@desk_page()
def others(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Says that the person has the case open, and who else has."""
    pk = visible_incidents(desk.staff).filter(folio=folio).values_list("pk", flat=True).first()
    if pk is None:
        raise Http404
    key = f"desk:open:{pk}"
    now = time.time()
    known: dict[str, tuple[str, float]] = cache.get(key) or {}
    here = {who: row for who, row in known.items() if now - row[1] < GONE_AFTER}
    me = str(desk.staff.pk)
    names = sorted(name for who, (name, _at) in here.items() if who != me)
    cache.set(key, {**here, me: (desk.staff.name, now)}, timeout=int(GONE_AFTER))
    return render(request, "desk/_others.html", {"names": ", ".join(names), "number": len(names)})
