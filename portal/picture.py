"""The code as a picture: the QR inside the page, and the image a customer keeps on the phone.

The image carries the typed code below the QR, drawn with a small face of its own, so that it is of
use where no scanner is. What the code is, and who may see it, is decided elsewhere.
"""

import struct
import zlib
from collections.abc import Sequence

import segno
from django.utils.safestring import SafeString, mark_safe

from compensations import codes

# Rows of five dots, top to bottom, for the symbols of a code and the hyphen between its groups.
FACE: dict[str, tuple[int, ...]] = {
    "0": (14, 17, 19, 21, 25, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 6, 8, 16, 31),
    "3": (30, 1, 1, 14, 1, 1, 30),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
    "A": (4, 10, 17, 17, 31, 17, 17),
    "B": (30, 17, 17, 30, 17, 17, 30),
    "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (28, 18, 17, 17, 17, 18, 28),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "F": (31, 16, 16, 30, 16, 16, 16),
    "G": (14, 17, 16, 23, 17, 17, 15),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "J": (7, 2, 2, 2, 2, 18, 12),
    "K": (17, 18, 20, 24, 20, 18, 17),
    "M": (17, 27, 21, 21, 17, 17, 17),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "P": (30, 17, 17, 30, 16, 16, 16),
    "Q": (14, 17, 17, 17, 21, 18, 13),
    "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "V": (17, 17, 17, 17, 17, 10, 4),
    "W": (17, 17, 17, 21, 21, 27, 17),
    "X": (17, 17, 10, 4, 10, 17, 17),
    "Y": (17, 17, 10, 4, 4, 4, 4),
    "Z": (31, 1, 2, 4, 8, 16, 31),
    "-": (0, 0, 0, 31, 0, 0, 0),
}
DOT = 4  # pixels of a letter's dot
MODULE = 4 * DOT  # pixels of a QR module: the code's letters then fit below the square
QUIET = 4  # modules of white that a scanner needs around the square

Row = list[int]


def _square(code: str) -> segno.QRCode:
    # Level Q still reads with a quarter of it lost, as on a cracked screen.
    return segno.make_qr(codes.display(code), error="q")


def qr_svg(code: str) -> SafeString:
    """The QR as inline SVG with a view box and no style attribute."""
    # The white frame around it gives the rest of the quiet zone.
    svg = _square(code).svg_inline(omitsize=True, border=1, svgclass="", lineclass="")
    return mark_safe(svg)  # noqa: S308 - drawn by segno from symbols of a code alone


def code_png(code: str) -> bytes:
    """A PNG: the QR, and below it the code in fours."""
    text = codes.display(code)
    rows = _scaled([list(row) for row in _square(code).matrix_iter(border=QUIET)], MODULE)
    width = len(rows[0])
    letters = _scaled(_letters(text), DOT)
    left = (width - len(letters[0])) // 2
    blank = [0] * width
    rows += [[0] * left + row + [0] * (width - left - len(row)) for row in letters]
    rows += [blank] * (QUIET * MODULE)
    return _png(rows)


def _letters(text: str) -> list[Row]:
    rows: list[Row] = []
    for line in range(7):
        row: Row = []
        for symbol in text:
            row += [FACE[symbol][line] >> shift & 1 for shift in (4, 3, 2, 1, 0)] + [0]
        rows.append(row)
    return rows


def _scaled(rows: Sequence[Row], factor: int) -> list[Row]:
    wide = [[dot for dot in row for _ in range(factor)] for row in rows]
    return [row for row in wide for _ in range(factor)]


def _png(rows: Sequence[Row]) -> bytes:
    """Eight bits of grey, where 1 in `rows` is black."""
    lines = b"".join(b"\0" + bytes(0 if dot else 255 for dot in row) for row in rows)
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
