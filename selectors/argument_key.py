"""The key of an argument in a memory: what counts as the same argument."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Final

__all__ = ["COMPARED_BY_VALUE", "argument_key"]

COMPARED_BY_VALUE: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Types whose equal values are as good as identical; identity would only miss hits."""


def argument_key(argument: object) -> Hashable:
    """Return a key that is equal for arguments that no function can tell apart.

    Numbers and texts count by value (1, True and 1.0 are different, and so are 0.0 and -0.0),
    tuples by their elements, everything else by identity: the memory must keep such an argument
    alive, or forget its entry with it.
    """
    cls = type(argument)
    if cls is float:
        return (cls, argument, math.copysign(1.0, argument))  # type: ignore[arg-type]  # a float
    if cls is complex:
        return (cls, repr(argument))
    if cls in COMPARED_BY_VALUE:
        return (cls, argument)
    if cls is tuple:
        return (cls, tuple(map(argument_key, argument)))  # type: ignore[call-overload]  # a tuple
    return id(argument)
