"""Parts of addresses that are more than any text."""


class Folio:
    """A case's folio as people type it; anything else is not found without asking the database."""

    regex = "[A-Za-z0-9-]{1,30}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
