"""The converter of messages: JSON to typed objects and back, without any coercion.

What belongs here: where a foreign peer's JSON is read more strictly than a log of our own, which
`refold.replay.value_codec` reads: true is no number, and nothing stands for what JSON lacks.  What
does not: the envelope, which `decode_message` opens.

What JSON lacks is refused in both directions (NaN, infinities, ints beyond 64 bits); the texts that
stand for bytes, times, UUIDs and Decimals, and the ``$of`` of unions, are those of the log.
"""

from __future__ import annotations

import enum
import functools
import math
from typing import TYPE_CHECKING, Any, Final

from refold.replay.refuse_value import refuse_value
from refold.replay.scalar_codec import add_scalar
from refold.replay.value_codec import make_value_converter

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["message_converter"]

_SMALLEST_INT: Final = -(2**63)
_LARGEST_INT: Final = 2**64 - 1

_ALLOWED: Final[dict[type, frozenset[type]]] = {
    bool: frozenset({bool}),
    int: frozenset({int}),
    float: frozenset({int, float}),
    str: frozenset({str}),
}
"""The classes of the values that a field of each class takes."""


@functools.cache
def message_converter() -> Converter:
    """Return the one converter of all messages."""
    converter = make_value_converter()
    for cls, allowed in _ALLOWED.items():
        _add_exactly(converter, cls, allowed)
    return converter


def _add_exactly(converter: Converter, cls: type, allowed: frozenset[type]) -> None:
    """Teach a converter to take values of the allowed classes only, there and back."""

    def encode(value: Any) -> Any:
        plain = value.value if isinstance(value, enum.Enum) else value
        return _expect_plain(plain, cls, allowed)

    add_scalar(converter, cls, encode, lambda value: _expect_plain(value, cls, allowed))


def _expect_plain(value: Any, cls: type, allowed: frozenset[type]) -> Any:
    if type(value) not in allowed:
        refuse_value(cls.__name__, value)
    if type(value) is float and not math.isfinite(value):
        refuse_value("a finite number, which JSON can carry", value)
    if type(value) is int and not _SMALLEST_INT <= value <= _LARGEST_INT:
        refuse_value("an int of at most 64 bits, which JSON's readers agree on", hex(value))
    return value
