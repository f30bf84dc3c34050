"""What beat sweeps here; every run is safe beside another one."""

import datetime as dt

from celery import shared_task
from django.db.models.functions import Now
from django.utils import timezone

from .models import CodeFailures, IdempotentAnswer

# How long a repeated request gets its stored answer. What moved value is held for ever by its own
# transaction number.
KEPT = dt.timedelta(days=30)
AT_ONCE = 5_000


@shared_task(name="accounts.periodic.forget_answers")
def forget_answers() -> int:
    """Removes stored answers past their time; returns how many."""
    old = IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - KEPT)
    found = list(old.values_list("pk", flat=True)[:AT_ONCE])
    return IdempotentAnswer.objects.filter(pk__in=found).delete()[0]


@shared_task(name="accounts.periodic.forget_failures")
def forget_failures() -> int:
    """Removes counts of codes that did not work, once they count no more; returns how many."""
    return CodeFailures.objects.filter(until__lt=Now()).delete()[0]
