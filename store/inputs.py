"""`Inputs`: what a program reads from outside to make its actions: the time, new ids, chance.

What belongs here: drawing a value and noting that it was drawn.  What does not: writing it down,
which `record` does with the action that is dispatched next by the same task.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, TypeVar

__all__ = ["Inputs", "inputs_of", "take_drawn_inputs"]

V = TypeVar("V")

_MOST_NOTED: Final = 1000
"""Values of one source that are noted between two dispatches: a program may draw for ever."""

_drawn: Final[ContextVar[dict[str, list[Any]] | None]] = ContextVar("refold_drawn", default=None)


class Inputs:
    """The three sources of a store: ``Store(inputs=...)``, ``fx.inputs``; tests replace them.

    Each value drawn is recorded as ``inputs`` in the envelope of the next action that the same task
    dispatches, so that a log tells what a program decided by.

    Attributes:
        clock: the source of `now`; drawing from it directly is not recorded.
        make_id: the source of `new_id`; likewise.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        """Choose the sources.

        Args:
            now: seconds since the Unix epoch.
            new_id: a text that was never given before; None for 16 hexadecimal digits by chance.
            random: a number of at least 0 and below 1.
        """
        self.clock = now
        self.make_id = new_id or _random_id
        self._chance = random
        self._is_noted = False

    def note_draws(self) -> None:
        """Note what is drawn from now on: there is somebody who records it."""
        self._is_noted = True

    def now(self) -> float:
        """Return the time in seconds since the Unix epoch."""
        return self._drawn("now", self.clock())

    def new_id(self) -> str:
        """Return an id that was never given before."""
        return self._drawn("new_id", self.make_id())

    def random(self) -> float:
        """Return a number of at least 0 and below 1."""
        return self._drawn("random", self._chance())

    def _drawn(self, source: str, value: V) -> V:
        if self._is_noted:
            drawn = _drawn.get()
            if drawn is None:
                drawn = dict[str, list[Any]]()
                _drawn.set(drawn)
            values = drawn.setdefault(source, [])
            if len(values) < _MOST_NOTED:
                values.append(value)
        return value


def inputs_of(store: object) -> Inputs:
    """Return the inputs of what a middleware was given as its store."""
    found = getattr(store, "inputs", None)
    return found if isinstance(found, Inputs) else _SYSTEM


def take_drawn_inputs() -> dict[str, list[Any]] | None:
    """Return what the running task has drawn since it was asked last; None if nothing.

    By the name of the source, in the order in which each was drawn from; at most the first thousand
    of each.
    """
    drawn = _drawn.get()
    if drawn is not None:
        _drawn.set(None)
    return drawn


def _random_id() -> str:
    return secrets.token_hex(8)


_SYSTEM: Final = Inputs()
"""For a store that has none."""
