"""The code as a picture."""

import struct
import zlib

import segno

from compensations import codes
from portal import picture


def _pixels(png: bytes) -> list[bytes]:
    """The rows of an 8-bit grey PNG that uses no filter."""
    width, height = struct.unpack(">II", png[16:24])
    at, data = 8, b""
    while at < len(png):
        length = struct.unpack(">I", png[at : at + 4])[0]
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        checksum = struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0]
        assert checksum == zlib.crc32(name + body)
        data += body if name == b"IDAT" else b""
        at += 12 + length
    raw = zlib.decompress(data)
    assert len(raw) == (width + 1) * height
    return [raw[y * (width + 1) + 1 : (y + 1) * (width + 1)] for y in range(height)]


def test_every_symbol_of_a_code_can_be_drawn() -> None:
    assert set(codes.ALPHABET) | {"-"} == set(picture.FACE)
    assert len({picture.FACE[symbol] for symbol in picture.FACE}) == len(picture.FACE)


def test_the_image_holds_the_square_and_the_code_below_it() -> None:
    code = codes.new_code()
    rows = _pixels(picture.code_png(code))
    square = segno.make_qr(codes.display(code), error="q")
    modules = [list(row) for row in square.matrix_iter(border=picture.QUIET)]
    size = len(modules) * picture.MODULE
    assert len(rows[0]) == size
    for y, line in enumerate(modules):
        for x, dark in enumerate(line):
            dot = rows[y * picture.MODULE][x * picture.MODULE]
            assert dot == (0 if dark else 255)
    below = rows[size : size + 7 * picture.DOT : picture.DOT]
    text = codes.display(code)
    left = (size - len(text) * 6 * picture.DOT) // 2
    for place, symbol in enumerate(text):
        for row, bits in enumerate(picture.FACE[symbol]):
            start = left + place * 6 * picture.DOT
            drawn = [below[row][start + dot * picture.DOT] == 0 for dot in range(5)]
            assert drawn == [bool(bits >> shift & 1) for shift in (4, 3, 2, 1, 0)]


def test_the_inline_square_has_a_view_box_and_no_style() -> None:
    svg = picture.qr_svg(codes.new_code())
    assert svg.startswith('<svg viewBox="0 0 ')
    assert "style" not in svg
    assert "width" not in svg
