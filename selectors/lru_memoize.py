"""`lru_memoize`: remember the results of the most recently used arguments."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["Memoized", "lru_memoize"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Equal = Callable[[Any, Any], bool]
"""Compares a stored value with a new one."""


class Memoized(Protocol[R_co]):
    """A function that remembers results."""

    def __call__(self, *arguments: Any) -> R_co:
        """Return the remembered result, or compute it."""
        ...

    def results_count(self) -> int:
        """Return how many distinct results are held."""
        ...

    def clear_cache(self) -> None:
        """Forget all results."""
        ...


def lru_memoize(
    function: Callable[..., R],
    *,
    max_size: int = 1,
    equal: Equal = operator.is_,
    result_equal: Equal | None = None,
) -> Memoized[R]:
    """Return the function with a memory of its last results.

    Args:
        function: takes positional arguments; what it raises is not remembered.
        max_size: how many argument lists to remember; less than 1 means 1.
        equal: compares a stored argument with a new one, one by one; identity needs no search
            whatever the size.
        result_equal: a new result that equals a held one gives the held object instead; None or
            ``operator.is_`` for never.
    """
    entries: _Entries = (
        _IdentityEntries(max(max_size, 1))
        if equal is operator.is_
        else _ComparedEntries(max(max_size, 1), equal)
    )
    known = None if result_equal is operator.is_ else result_equal

    def memoized(*arguments: Any) -> Any:
        entry = entries.find(arguments)
        if entry is None:
            result = function(*arguments)
            if known is not None:
                result = next((old for old in entries.results() if known(old, result)), result)
            entry = entries.add(arguments, result)
        return entry.result

    memoized.results_count = lambda: len({id(result) for result in entries.results()})  # type: ignore[attr-defined]
    memoized.clear_cache = entries.clear  # type: ignore[attr-defined]
    return memoized  # type: ignore[return-value]  # its attributes are set above


class _Entry(Generic[R]):
    __slots__ = ("arguments", "result")

    def __init__(self, arguments: tuple[Any, ...], result: R) -> None:
        self.arguments = arguments
        self.result = result


class _Entries(Protocol):
    def find(self, arguments: tuple[Any, ...]) -> _Entry[Any] | None: ...
    def add(self, arguments: tuple[Any, ...], result: Any) -> _Entry[Any]: ...
    def results(self) -> list[Any]: ...
    def clear(self) -> None: ...


class _IdentityEntries:
    """Found by the identities of the arguments, which an entry keeps alive and so unique."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._entries: OrderedDict[Hashable, _Entry[Any]] = OrderedDict()

    def find(self, arguments: tuple[Any, ...]) -> _Entry[Any] | None:
        key = tuple(map(id, arguments))
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def add(self, arguments: tuple[Any, ...], result: Any) -> _Entry[Any]:
        entry = _Entry(arguments, result)
        self._entries[tuple(map(id, arguments))] = entry
        if len(self._entries) > self._max_size:
            self._entries.popitem(last=False)
        return entry

    def results(self) -> list[Any]:
        return [entry.result for entry in reversed(self._entries.values())]

    def clear(self) -> None:
        self._entries.clear()


class _ComparedEntries:
    """Found by comparing, the most recently used first."""

    def __init__(self, max_size: int, equal: Equal) -> None:
        self._max_size = max_size
        self._equal = equal
        self._entries: list[_Entry[Any]] = []

    def find(self, arguments: tuple[Any, ...]) -> _Entry[Any] | None:
        for place, entry in enumerate(self._entries):
            if len(entry.arguments) == len(arguments) and all(
                map(self._equal, entry.arguments, arguments)
            ):
                self._entries.insert(0, self._entries.pop(place))
                return entry
        return None

    def add(self, arguments: tuple[Any, ...], result: Any) -> _Entry[Any]:
        entry = _Entry(arguments, result)
        self._entries.insert(0, entry)
        del self._entries[self._max_size :]
        return entry

    def results(self) -> list[Any]:
        return [entry.result for entry in self._entries]

    def clear(self) -> None:
        self._entries.clear()
