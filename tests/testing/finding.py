"""`find`: an example that Hypothesis finds, the same one in every run of the tests."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

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

    def holds(example: T) -> bool:
        return bool(condition(example))

    with _without_constants_of_other_tests():
        return hypothesis.find(strategy, holds, settings=settings, random=chance)


@contextmanager
def _without_constants_of_other_tests() -> Generator[None]:
    """Keep out what stands in the modules that are loaded, which Hypothesis likes to draw."""
    providers: Any = importlib.import_module("hypothesis.internal.conjecture.providers")
    if not hasattr(providers, "_get_local_constants"):  # an older one draws none
        yield
        return
    none = providers.Constants()
    with mock.patch.object(providers, "_get_local_constants", return_value=none):
        providers.CONSTANTS_CACHE.cache.clear()
        try:
            yield
        finally:
            providers.CONSTANTS_CACHE.cache.clear()
