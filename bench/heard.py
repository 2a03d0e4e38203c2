"""`Heard`: the listeners of a row, which count their calls or do nothing.

What is measured is calling them, so the ones that are measured do nothing; before that a twin of
each contestant has listeners that count, so that nobody can leave one out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

__all__ = ["Heard"]

Arity: TypeAlias = Literal[0, 1, 2]
"""How many values a library gives to a listener."""


class Heard:
    """How many calls were heard by all listeners made here."""

    def __init__(self, *, counts: bool) -> None:
        """Start from 0.

        Args:
            counts: whether listeners count; else they do nothing.
        """
        self._counts = counts
        self.calls = 0

    def listener(self, arity: Arity) -> Callable[..., None]:
        """Return a new listener that takes so many values."""
        if self._counts:
            return self._make_counting()
        return _SILENT[arity]()

    def _make_counting(self) -> Callable[..., None]:
        def count(*_values: object) -> None:
            self.calls += 1

        return count


def _make_silent_of_nothing() -> Callable[[], None]:
    def hear() -> None:
        pass

    return hear


def _make_silent_of_one() -> Callable[[Any], None]:
    def hear(_value: object) -> None:
        pass

    return hear


def _make_silent_of_two() -> Callable[[Any, Any], None]:
    def hear(_new: object, _old: object) -> None:
        pass

    return hear


_SILENT: dict[Arity, Callable[[], Callable[..., None]]] = {
    0: _make_silent_of_nothing,
    1: _make_silent_of_one,
    2: _make_silent_of_two,
}
