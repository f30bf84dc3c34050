"""Contacts as people write them: normalising, masking, recognising a phone or an email."""

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.utils.translation import gettext_lazy as _

from .errors import InvalidInput


class Mailbox(models.Func):
    """The database's `mailbox()`: a normalised address without its sub-address, Gmail's dots too.

    Whoever reads one reads the others, so staff are recognised by it. Nothing is sent to it.
    """

    function = "mailbox"
    output_field = models.TextField()


def normalise_phone(text: str, country: str) -> str:
    """E.164 from what was typed, read in `country` (ISO 3166 alpha-2). Raises InvalidInput."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise InvalidInput(_("This is not a possible phone number."), field="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_email(text: str) -> str:
    """The address in lower case without outer spaces. Raises InvalidInput."""
    value = text.strip().lower()
    try:
        validate_email(value)
    except ValidationError as error:
        raise InvalidInput(_("This is not an email address."), field="email") from error
    return value


def mask_phone(value: str) -> str:
    """`+525512345641` gives `+52 •••• •• 41`."""
    return f"{value[:3]} •••• •• {value[-2:]}"


def mask_email(value: str) -> str:
    """`mariana@example.com` gives `m•••@example.com`."""
    name, _at, domain = value.partition("@")
    return f"{name[:1]}•••@{domain}"
