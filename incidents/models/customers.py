"""The customer and the ways to reach them.

`search` columns are folded (accents and case) by the database and indexed, so that part of a name
or of a phone number finds the person. A slip of the key is first put right by `NameWord`.
"""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Market, Staff
from accounts.states import Language
from common.contacts import mask_email, mask_phone
from common.fingerprints import fingerprint
from common.folding import Fold
from common.ids import uuid7
from delivery.states import Channel

from ..states import ContactKind, Segment


class Words(models.Func):
    """The folded words of a text as a search vector; a mark between two never glues them."""

    function = "to_tsvector"
    template = (
        "to_tsvector('simple'::regconfig,"
        " regexp_replace(fold(%(expressions)s), '[^[:alnum:]]+', ' ', 'g'))"
    )
    output_field = SearchVectorField()


class NameWord(models.Model):
    """Every word that a customer's name has held, folded; kept by a trigger on customers.

    People share few words, so the ones near a slip are found here at once, where comparing the
    slip with a million whole names is not.
    """

    word = models.TextField(primary_key=True)

    class Meta:
        indexes = [
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="name_word_trgm"),
        ]

    def __str__(self) -> str:
        return self.word


# A customer number that begins so stands for whoever an import's source did not name; no person's
# number may begin with it.
UNNAMED = "~"


class Customer(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(_("name"), max_length=120)
    name_search = models.GeneratedField(
        expression=Fold("name"), output_field=models.TextField(), db_persist=True
    )
    language = models.CharField(_("language"), max_length=2, choices=Language)
    segment = models.CharField(
        _("segment"), max_length=10, choices=Segment, default=Segment.STANDARD
    )
    preferred_channel = models.CharField(
        _("preferred channel"), max_length=10, choices=Channel, default=Channel.EMAIL
    )
    external_ref = models.CharField(_("customer number"), max_length=60, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(
        Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # Grows with every change of this row; a save that was prepared on an older one is refused.
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        indexes = [
            GinIndex(fields=["name_search"], opclasses=["gin_trgm_ops"], name="customer_name_trgm"),
            models.Index(fields=["market", "-id"], name="customer_page"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["market", "external_ref"],
                condition=~models.Q(external_ref=""),
                name="customer_number_in_market",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def first_name(self) -> str:
        """How to greet the person; empty where an import knew nobody's name."""
        return "" if self.is_unnamed else self.name.split()[0]

    @property
    def is_unnamed(self) -> bool:
        """Whether it stands for everybody whom an import's source did not name."""
        return self.external_ref.startswith(UNNAMED)


class ContactPoint(models.Model):
    """One phone (E.164), email (lower case) or handle; when and by whom it was last changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="contacts", db_index=False
    )
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=ContactKind)
    value = models.CharField(max_length=120)
    # Keyed hash of the value: matched against the staff directory, and pinned by messages.
    fingerprint = models.BinaryField(max_length=32, editable=False)
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.ForeignKey(
        Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # As the customer's, and apart from it.
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        indexes = [
            GinIndex(fields=["value"], opclasses=["gin_trgm_ops"], name="contact_value_trgm"),
            models.Index(fields=["fingerprint"], name="contact_fingerprint"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind", "value"], name="contact_once_per_customer"
            ),
        ]

    def __str__(self) -> str:
        return self.masked

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.fingerprint = fingerprint("contact", self.value)
        super().save(*args, **kwargs)

    @property
    def masked(self) -> str:
        return mask_email(self.value) if self.kind == ContactKind.EMAIL else mask_phone(self.value)
