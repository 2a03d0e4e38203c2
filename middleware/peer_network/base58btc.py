"""Numbers in base 58 with Bitcoin's alphabet, in which peer ids are written."""

from __future__ import annotations

from typing import Final

__all__ = ["decode_base58btc", "encode_base58btc"]

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS: Final = {letter: digit for digit, letter in enumerate(_ALPHABET)}


def encode_base58btc(data: bytes) -> str:
    """Return bytes as a text; each leading zero byte is a leading ``1``."""
    number = int.from_bytes(data, "big")
    letters: list[str] = []
    while number:
        number, digit = divmod(number, 58)
        letters.append(_ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(letters))


def decode_base58btc(text: str) -> bytes:
    """Return the bytes of a text; the time grows with the square of its length, so bound it.

    Raises:
        ValueError: a letter is none of the 58; ``0``, ``O``, ``I`` and ``l`` are not.
    """
    number = 0
    for letter in text:
        digit = _DIGITS.get(letter)
        if digit is None:
            error = f"{letter!r} is no letter of base58btc, which has no 0, O, I and l"
            raise ValueError(error)
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
