"""`find`: an example that Hypothesis finds, the same one in every run of the tests."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import hypothesis
from hypothesis import settings as search_settings

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["find"]

T = TypeVar("T")


def find(
    strategy: SearchStrategy[T],
    condition: Callable[[T], object],
    *,
    settings: search_settings | None = None,
) -> T:
    """Return the simplest example of a condition, drawn in the same way each time."""
    chance = random.Random(3)  # noqa: S311  # it is to be foreseen
    return hypothesis.find(
        strategy, lambda one: bool(condition(one)), settings=settings, random=chance
    )
