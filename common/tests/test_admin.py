"""What the admin shows of every app, for readers of both languages."""

from django.contrib import admin
from django.utils.functional import Promise


def test_every_model_has_a_name_that_can_be_translated() -> None:
    for model in admin.site._registry:
        names = (model._meta.verbose_name, model._meta.verbose_name_plural)
        assert all(isinstance(name, Promise) for name in names), model


def test_no_plural_is_made_by_adding_a_letter() -> None:
    names = [str(model._meta.verbose_name_plural) for model in admin.site._registry]
    assert not [name for name in names if name.endswith("ys") and name[-3] not in "aeiou"]
