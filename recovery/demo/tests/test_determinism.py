"""The same seed and moment give the same company, whoever builds it."""

import hashlib
import json

import pytest
from django.db import transaction
from django.db.models import Model

from accounts.models import Staff
from audit.models import AuditEvent
from compensations.models import Compensation, Coupon, LedgerEntry, Redemption
from delivery.models import Attempt, Message
from incidents.models import ContactPoint, Customer, Incident, Note, Promise

from ..seed import seed_company
from .conftest import NOW, SMALL

pytestmark = pytest.mark.django_db


def _snapshot() -> str:
    """What the company is, without the keys that the database numbers and without codes."""
    lists: dict[type[Model], tuple[str, ...]] = {
        Staff: ("id", "username", "team__name", "location__code"),
        Customer: ("id", "name", "segment", "language", "created_at"),
        ContactPoint: ("id", "kind", "value"),
        # Without the folio: its sequence outlives a rollback where an earlier test made it.
        Incident: ("id", "category__code", "narrative", "state", "owner_id", "logged_at"),
        Note: ("id", "incident_id", "body"),
        Promise: ("id", "kind", "detail", "state", "due_at"),
        Compensation: ("id", "offer__name_es", "face_minor", "state", "issued_at", "ended_at"),
        Coupon: ("id", "state", "balance_minor", "expires_at"),
        Redemption: ("id", "amount_minor", "external_transaction_id", "created_at"),
        LedgerEntry: ("transaction", "account", "amount_minor", "at"),
        Message: ("id", "channel", "state", "sent_at"),
        Attempt: ("message_id", "number", "outcome"),
        AuditEvent: ("at", "act", "actor_name"),
    }
    found = {
        model.__name__: [
            [str(value) for value in row]
            for row in model._default_manager.values_list(*names).order_by(*names)
        ]
        for model, names in lists.items()
    }
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _built(seed: int) -> str:
    with transaction.atomic():
        seed_company(seed=seed, now=NOW, size=SMALL)
        taken = _snapshot()
        transaction.set_rollback(True)
    return taken


def test_the_same_seed_gives_the_same_company(db: None) -> None:
    first = _built(3)
    assert _built(3) == first
    assert _built(4) != first
