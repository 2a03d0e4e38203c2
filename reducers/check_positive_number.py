"""Checks of durations and factors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import attrs

__all__ = ["check_positive_number", "check_seconds"]


def check_seconds(name: str, value: object) -> None:
    """Check a number of seconds, or a factor.

    Args:
        name: what the argument is called; the error names it.
        value: what was given.

    Raises:
        TypeError: it is no number; a bool is none.
        ValueError: it is not above 0, not finite, or too large for a float.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{name} must be a number, got {value!r}"
        raise TypeError(message)
    if not 0 < value <= sys.float_info.max:  # false for NaN, too
        message = f"{name} must be finite and above 0, got {value!r}"
        raise ValueError(message)


def check_positive_number(_record: object, field: attrs.Attribute[Any], value: object) -> None:
    """Check a field of an attrs class as `check_seconds` does."""
    check_seconds(field.name, value)
