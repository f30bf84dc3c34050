"""Conditions on a row that is looked for by its key."""

from django.db.models import BooleanField, Case, Q, Value, When


def only_if(condition: Q) -> Case:
    """The condition of one row, said so that no index is looked for by it.

    An index of what waits was empty when the database last counted, and then seems as good as the
    key's: each act on one row reads all that has come to wait since, as when a broker is away.
    """
    return Case(
        When(condition, then=Value(True)), default=Value(False), output_field=BooleanField()
    )
