"""Finding out which slices of a root a function reads, by looking at the function.

What belongs here: the functions that can be seen through: a plain path of attributes, such as
``lambda root: root.connection.status``, and memoized selectors all of whose inputs can be.  What
does not: all others, which `track_reads` watches while they run.
"""

from __future__ import annotations

import dis
import inspect
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["attribute_path", "slices_read_by"]

_LOADS_ARGUMENT: Final = frozenset({"LOAD_FAST", "LOAD_FAST_BORROW"})


def attribute_path(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """Return the attributes that a function of one argument reads, if it does nothing else.

    Args:
        function: any callable.

    Returns:
        Such as ``("connection", "status")``; None for anything but a plain function whose whole
        code loads its argument, reads one attribute after the other, and returns the last.
    """
    if not inspect.isfunction(function) or function.__code__.co_argcount != 1:
        return None
    names: list[str] = []
    loaded = returned = False
    for instruction in dis.get_instructions(function):
        if instruction.opname in {"RESUME", "CACHE"}:
            continue
        if instruction.opname in _LOADS_ARGUMENT and not loaded:
            loaded = instruction.argval == function.__code__.co_varnames[0]
        elif instruction.opname == "LOAD_ATTR" and loaded:
            names.append(str(instruction.argval))
        elif instruction.opname == "RETURN_VALUE" and not returned:
            returned = True
        else:
            return None
    return tuple(names) if loaded and returned and names else None


def slices_read_by(select: Callable[..., Any]) -> frozenset[str] | None:
    """Return the first attributes of all that a selector reads of a root; None if unknown."""
    path = attribute_path(select)
    if path is not None:
        return frozenset(path[:1])
    inputs: tuple[Callable[..., Any], ...] = getattr(select, "dependencies", ())
    known = [slices_read_by(read) for read in inputs]
    if not known or None in known:
        return None
    return frozenset(name for names in known if names is not None for name in names)
