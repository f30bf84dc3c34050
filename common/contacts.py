"""Contacts as people write them: normalising, masking, recognising a phone or an email."""

import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.utils.translation import gettext_lazy as _

from .errors import InvalidInput

MEXICO = 52
# Until 2019 Mexico dialled 044 or 045 before a mobile and 01 before another city, and wrote a 1
# after its country code; people and WhatsApp still write all of these. The library has dropped
# them. A 1 without the country code is left alone: it may be meant for the United States.
_MEXICAN_TRUNK = re.compile(r"(01|04[45])(?=[2-9]\d{9}$)")
_MEXICAN_MOBILE = re.compile(r"(1|01|04[45])(?=[2-9]\d{9}$)")
# The same in digits that were typed to find somebody, with Colombia's 03 before a mobile and the
# 00 before any country code.
_DIALLED = (
    re.compile(r"(?:00)?52(?:1|01|04[45])(?=[2-9]\d{9}$)"),
    re.compile(r"(?:01|04[45])(?=[2-9]\d{9}$)"),
    re.compile(r"03(?=3\d{9}$)"),
    re.compile(r"00(?=[1-9]\d{9,13}$)"),
)


def _as_dialled_today(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """The number without the prefixes that Mexico gave up; any other as it is."""
    if number.country_code != MEXICO:
        return number
    guessed = number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY
    digits = phonenumbers.national_significant_number(number)
    today = (_MEXICAN_TRUNK if guessed else _MEXICAN_MOBILE).sub("", digits)
    if today == digits:
        return number
    return phonenumbers.PhoneNumber(country_code=MEXICO, national_number=int(today))


class Mailbox(models.Func):
    """The database's `mailbox()`: a normalised address without its sub-address, Gmail's dots too.

    Whoever reads one reads the others, so staff are recognised by it. Nothing is sent to it.
    """

    function = "mailbox"
    output_field = models.TextField()


def normalise_phone(text: str, country: str) -> str:
    """E.164 from what was typed, read in `country` (ISO 3166 alpha-2). Raises InvalidInput.

    Mexican numbers in the forms of before 2019 are the number of today.
    """
    try:
        number = _as_dialled_today(phonenumbers.parse(text, country, keep_raw_input=True))
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise InvalidInput(_("This is not a possible phone number."), field="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def dialled_digits(digits: str) -> str:
    """Digits of (part of) a phone as stored ones hold them: without what is only dialled first."""
    for prefix in _DIALLED:
        if prefix.match(digits):
            return prefix.sub("", digits, count=1)
    return digits


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
