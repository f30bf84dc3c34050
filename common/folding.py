"""Text as people compare it: without case and accents."""

from django.db import models


class Fold(models.Func):
    """The database's `fold()`: lower case without accents."""

    function = "fold"
    output_field = models.TextField()
