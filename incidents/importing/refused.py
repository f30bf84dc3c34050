"""The file of refused rows: what was in each, its line and the reason, ready to be corrected.

It holds customers' data, so it lives with the program's own data, readable by its owner only.
Corrected, it can be imported like any other: the two added columns are not read.
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path

from defusedcsv import csv
from django.conf import settings

from .reading import REFUSED_LINE, REFUSED_REASON, Row, Table


def refused_path(name: str) -> Path:
    """Where the refused rows of a file of this name are kept."""
    return Path(settings.VAR_DIR) / "imports" / f"{name}.refused.csv"


def write_refused(table: Table, refused: Sequence[tuple[Row, Sequence[str]]]) -> Path:
    """Writes them in place of an earlier run's; formulas are defused. UTF-8 with its mark."""
    path = refused_path(table.name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=table.delimiter)
    writer.writerow([REFUSED_LINE, REFUSED_REASON, *table.columns])
    for row, reasons in refused:
        cells = [row.cells[name] for name in table.columns]
        writer.writerow([row.line, " ".join(reasons), *cells, *row.beyond])
    draft = path.with_suffix(".part")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text.getvalue().encode("utf-8-sig", "replace"))
    draft.replace(path)
    return path


def forget_refused(name: str) -> None:
    """Removes what an earlier run of the file refused, when this one refused nothing."""
    refused_path(name).unlink(missing_ok=True)
