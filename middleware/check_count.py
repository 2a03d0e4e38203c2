"""Checks of a bound that is given as a number of things."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs

__all__ = ["at_least", "check_count"]


def check_count(name: str, value: object, *, least: int = 1) -> None:
    """Check that a bound is an int that is large enough.

    Args:
        name: what the argument is called; the error names it.
        value: what was given.
        least: the smallest that will do.

    Raises:
        TypeError: it is no int; a bool is none.
        ValueError: it is less than that.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{name} must be an int, got {value!r}"
        raise TypeError(message)
    if value < least:
        message = f"{name} must be {least} or more, got {value!r}"
        raise ValueError(message)


def at_least(least: int) -> Callable[[object, attrs.Attribute[int], object], None]:
    """Return `check_count` as a validator of an attrs field."""

    def check(_record: object, field: attrs.Attribute[int], value: object) -> None:
        check_count(field.name, value, least=least)

    return check
