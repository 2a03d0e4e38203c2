"""Finding out which slices of a root a function reads, by watching it read.

What belongs here: the watching.  What does not: deciding when to run the function again, which
`selector_subscriptions` does from what is found here.

The function runs over a new root whose class is, for that moment, a subclass that notes each field
being read.  It must be a new root because a memoized selector answers a root it has seen without
reading anything.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["ALL_CELLS", "make_read_tracker"]

R = TypeVar("R")

ALL_CELLS = -1
"""A mask with every bit set: the function may depend on anything."""

_set_attribute = object.__setattr__


def make_read_tracker(
    root_type: type[Any], names: tuple[str, ...]
) -> Callable[[Any, Callable[[Any], R]], tuple[R, int]]:
    """Return a function that calls another one with a root and says what it read.

    Args:
        root_type: the class of the roots.
        names: its fields; the first stands for bit 0 of the mask.

    Returns:
        A function ``(new_root, select) -> (value, mask)``; a value that is the root itself has the
        mask `ALL_CELLS`.
    """
    seen = 0

    def watched_field(name: str, bit: int) -> property:
        slot = inspect.getattr_static(root_type, name, None)
        get = slot.__get__ if inspect.ismemberdescriptor(slot) else None

        def read(root: Any) -> Any:  # noqa: ANN401  # a field of any type
            nonlocal seen
            seen |= bit
            return root.__dict__[name] if get is None else get(root)

        return property(read)

    watched: dict[str, Any] = {name: watched_field(name, 1 << i) for i, name in enumerate(names)}
    watched_type = type(root_type)(root_type.__name__, (root_type,), {"__slots__": (), **watched})

    def track(root: Any, select: Callable[[Any], R]) -> tuple[R, int]:  # noqa: ANN401  # a root
        nonlocal seen
        seen = 0
        _set_attribute(root, "__class__", watched_type)
        try:
            value = select(root)
        finally:
            _set_attribute(root, "__class__", root_type)
        return value, ALL_CELLS if value is root else seen

    return track
