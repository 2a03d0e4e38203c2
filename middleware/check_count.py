"""`check_count`: the check of a bound that is given as a number of things."""

from __future__ import annotations

__all__ = ["check_count"]


def check_count(name: str, value: object) -> None:
    """Check that a bound is an int of 1 or more.

    Args:
        name: what the argument is called; the error names it.
        value: what was given.

    Raises:
        TypeError: it is no int; a bool is none.
        ValueError: it is less than 1.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{name} must be an int, got {value!r}"
        raise TypeError(message)
    if value < 1:
        message = f"{name} must be 1 or more, got {value!r}"
        raise ValueError(message)
