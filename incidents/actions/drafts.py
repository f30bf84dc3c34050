"""The intake draft: what a member of staff has typed and not saved, kept on the server."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from common.errors import InvalidInput

from ..models import IntakeDraft

LONGEST = 16_000


def save_draft(*, staff: Staff, data: Mapping[str, Any]) -> IntakeDraft:
    """Replaces the person's one draft. Raises InvalidInput above 16,000 characters of JSON."""
    text = json.dumps(dict(data), ensure_ascii=False)
    if len(text) > LONGEST or "\\u0000" in text:
        raise InvalidInput(_("This draft is too long to keep."))
    draft, _created = IntakeDraft.objects.update_or_create(
        staff=staff, defaults={"data": dict(data)}
    )
    return draft


def discard_draft(*, staff: Staff) -> None:
    IntakeDraft.objects.filter(staff=staff).delete()
