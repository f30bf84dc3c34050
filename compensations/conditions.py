"""Conditions on a row that name words, which the database keeps as functions of its own.

The server reads a condition anew for every statement that writes a row, and each word in it letter
by letter; of a function it reads the name. What they say is in `migrations/0021_conditions.py`.
"""

from django.db.models import BooleanField, Func


class _Condition(Func):
    output_field = BooleanField()


class IssuedHasMoment(_Condition):
    """Of state and moment of issue: there is one, unless the row was never issued."""

    function = "issued_has_moment"


class VoidHasPersonAndReason(_Condition):
    """Of state, person and reason: what is voided has both, and nothing else has the person."""

    function = "void_has_person_and_reason"


class ReservedHasBoth(_Condition):
    """Of state, client and end: what is reserved has both, and nothing else has one."""

    function = "reserved_has_both"
