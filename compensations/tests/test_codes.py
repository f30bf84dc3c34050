"""Coupon codes: reading back, check symbol, keyed hash, sealing."""

import uuid

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from compensations import codes
from compensations.models import Coupon

symbols = st.text(alphabet=codes.ALPHABET, min_size=15, max_size=15)


@given(symbols)
def test_reads_back_what_it_displays(text: str) -> None:
    code = text + codes.check_symbol(text)
    shown = codes.display(code)
    assert len(shown) == 19
    assert codes.read(shown.lower().replace("-", " ")) == code
    assert codes.read(shown.replace("0", "O").replace("1", "l")) == code


@given(symbols, st.integers(0, 15), st.sampled_from(codes.ALPHABET))
def test_one_wrong_symbol_is_caught(text: str, place: int, other: str) -> None:
    code = text + codes.check_symbol(text)
    wrong = code[:place] + other + code[place + 1 :]
    assert (codes.read(wrong) is None) == (wrong != code)


@given(symbols, st.integers(0, 14))
def test_two_swapped_symbols_are_caught(text: str, place: int) -> None:
    code = text + codes.check_symbol(text)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert (codes.read(swapped) is None) == (swapped != code)


@pytest.mark.parametrize("text", ["", "7K3M", "U" * 16, "ñ" * 16, "7K3M-Q9TX-2WBD-8HFR-AAAA"])
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    assert codes.read(text) is None


def test_codes_do_not_repeat_and_are_75_bits() -> None:
    made = {codes.new_code() for _ in range(2000)}
    assert len(made) == 2000
    assert len(codes.ALPHABET) ** codes.RANDOM_SYMBOLS == 2**75


def test_the_seal_is_bound_to_its_row() -> None:
    code = codes.new_code()
    coupon = Coupon(pk=uuid.uuid4())
    coupon.cipher_key_id, coupon.code_ciphertext = codes.seal(code, coupon.pk)
    assert codes.read_code(coupon) == code
    coupon.pk = uuid.uuid4()
    with pytest.raises(InvalidTag):
        codes.read_code(coupon)


def test_an_older_hash_key_still_finds_a_code(settings: object) -> None:
    code = codes.new_code()
    _key, old = codes.current_hash(code)
    settings.CODE_HASH_KEYS = {"new": b"n" * 32, **settings.CODE_HASH_KEYS}  # type: ignore[attr-defined]
    assert codes.current_hash(code)[1] != old
    assert old in codes.all_hashes(code)
