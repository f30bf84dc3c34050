"""Why a file, or one of its rows, cannot be imported."""


class CannotImport(Exception):
    """The whole file is refused; the text says why and what to do. Nothing was written."""


class RowRefused(Exception):
    """One row is set aside; `reasons` says all that is wrong with it, one sentence for each."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__(" ".join(reasons))
