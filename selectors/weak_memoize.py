"""`weak_memoize`: remember results only as long as the objects they were computed from live."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from refold.selectors.argument_key import COMPARED_BY_VALUE, argument_key

if TYPE_CHECKING:
    from refold.selectors.lru_memoize import Equal, Memoized

__all__ = ["weak_memoize"]

R = TypeVar("R")


def weak_memoize(
    function: Callable[..., R], *, max_size: int = 1000, result_equal: Equal | None = None
) -> Memoized[R]:
    """Return the function with a memory that does not keep its arguments alive.

    Args:
        function: takes positional arguments; what it raises is not remembered.  Objects are
            recognised by identity, numbers and texts by value.  An argument that has no weak
            references (a list, a tuple) is kept alive by its entry.
        max_size: how many argument lists to remember at the most, 1 or more; the least recently
            used goes first, so that numbers and texts cannot grow without bound.
        result_equal: a new result that equals a held one gives the held object instead; None for
            never.
    """
    entries: OrderedDict[Hashable, tuple[Any, tuple[Any, ...]]] = OrderedDict()
    limit = max(max_size, 1)

    def forget(key: Hashable) -> None:
        entries.pop(key, None)

    def memoized(*arguments: Any) -> Any:
        key = tuple(map(argument_key, arguments))
        held = entries.get(key)
        if held is not None:
            entries.move_to_end(key)
            return held[0]
        result = function(*arguments)
        if result_equal is not None:
            result = next((old for old, _ in entries.values() if result_equal(old, result)), result)
        entries[key] = result, tuple(_hold(argument, key, forget) for argument in arguments)
        if len(entries) > limit:
            entries.popitem(last=False)
        return result

    memoized.results_count = lambda: len({id(result) for result, _ in entries.values()})  # type: ignore[attr-defined]
    memoized.clear_cache = entries.clear  # type: ignore[attr-defined]
    return memoized  # type: ignore[return-value]  # its attributes are set above


def _hold(argument: Any, key: Hashable, forget: Callable[[Hashable], None]) -> Any:
    """Return a weak reference that forgets the entry, or the argument itself if it has none."""
    if type(argument) in COMPARED_BY_VALUE:
        return None
    try:
        return weakref.ref(argument, lambda _reference: forget(key))
    except TypeError:
        return argument
