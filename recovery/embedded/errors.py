"""The one error of the embedded servers: something a person has to know, in their words."""


class CannotStart(Exception):
    """Something keeps the product from starting; the text says what and how to mend it."""
