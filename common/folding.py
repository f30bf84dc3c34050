"""Text as people compare it: without case and accents."""

import unicodedata

from django.db import models


class Fold(models.Func):
    """The database's `fold()`: lower case without accents."""

    function = "fold"
    output_field = models.TextField()


def folded(text: str) -> str:
    """The same for words that are not in the database."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))
