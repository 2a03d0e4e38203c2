"""The sentence with which the codecs refuse a value.

What belongs here: how a refusal is worded.  What does not: what is refused, which each codec knows.
"""

from __future__ import annotations

import reprlib
from typing import NoReturn

__all__ = ["refuse_value"]


def refuse_value(wanted: str, value: object) -> NoReturn:
    """Say what was expected and what came; of a long value, its beginning.

    Raises:
        TypeError: always.
    """
    message = f"expected {wanted}, got {reprlib.repr(value)}"
    raise TypeError(message)
