"""What guides the agent: categories with severity criteria, and versioned playbooks."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Market, Staff

from ..states import Severity, Step


def in_reader_language(es: str, en: str) -> str:
    """The text in the active language."""
    return es if (get_language() or "es").startswith("es") else en


class Category(models.Model):
    """What failed, in two levels: a reason and its sub-reasons."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="categories")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    code = models.CharField(_("code"), max_length=40)
    name_es = models.CharField(_("name in Spanish"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80)
    suggested_severity = models.CharField(
        _("suggested severity"), max_length=10, choices=Severity, default=Severity.MINOR
    )
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "code"]
        verbose_name_plural = _("categories")
        constraints = [
            models.UniqueConstraint(fields=["market", "code"], name="category_code_in_market")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_reader_language(self.name_es, self.name_en)


class SeverityGuide(models.Model):
    """The criteria and an example of one severity in one category."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="guides")
    severity = models.CharField(max_length=10, choices=Severity)
    criteria_es = models.CharField(max_length=300)
    criteria_en = models.CharField(max_length=300)
    example_es = models.CharField(max_length=300)
    example_en = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["category", "severity"], name="guide_once")]

    def __str__(self) -> str:
        return f"{self.category_id} {self.severity}"

    @property
    def criteria(self) -> str:
        return in_reader_language(self.criteria_es, self.criteria_en)

    @property
    def example(self) -> str:
        return in_reader_language(self.example_es, self.example_en)


class Playbook(models.Model):
    """One version of the words for a category and severity; the highest version is in use."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="playbooks")
    # A sub-reason's own playbook wins over its reason's; empty is the market's general one.
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT)
    severity = models.CharField(max_length=10, choices=Severity)
    version = models.PositiveSmallIntegerField()
    published_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "category", "severity", "version"],
                name="playbook_version_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category_id} {self.severity} {self.version}"


class PlaybookStep(models.Model):
    """What to say, to ask and to avoid in one of the five steps."""

    playbook = models.ForeignKey(Playbook, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(max_length=12, choices=Step)
    say_es = models.TextField(max_length=600)
    say_en = models.TextField(max_length=600)
    ask_es = models.TextField(max_length=600, blank=True)
    ask_en = models.TextField(max_length=600, blank=True)
    avoid_es = models.TextField(max_length=600, blank=True)
    avoid_en = models.TextField(max_length=600, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["playbook", "step"], name="playbook_step_once")
        ]

    def __str__(self) -> str:
        return f"{self.playbook_id} {self.step}"

    @property
    def say(self) -> str:
        return in_reader_language(self.say_es, self.say_en)

    @property
    def ask(self) -> str:
        return in_reader_language(self.ask_es, self.ask_en)

    @property
    def avoid(self) -> str:
        return in_reader_language(self.avoid_es, self.avoid_en)


class PlaybookAcknowledgement(models.Model):
    """A member of staff has read one version."""

    playbook = models.ForeignKey(Playbook, on_delete=models.PROTECT, related_name="+")
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["playbook", "staff"], name="playbook_read_once")
        ]

    def __str__(self) -> str:
        return f"{self.playbook_id} {self.staff_id}"
