"""`compose`: functions joined into one, the last applied first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["compose"]


def compose(*functions: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function such that ``compose(f, g, h)(x)`` is ``f(g(h(x)))``.

    Args:
        functions: the last may take any number of arguments, the others one.

    Returns:
        The function itself if there is only one; one that returns its first argument if there is
        none.

    Raises:
        TypeError: one of them is not callable.
    """
    for place, function in enumerate(functions):
        if not callable(function):
            message = (
                f"compose expects functions, but number {place + 1} is {function!r} of type"
                f" {type(function).__name__}"
            )
            raise TypeError(message)
    if not functions:
        return _first_argument
    if len(functions) == 1:
        return functions[0]
    innermost, outer = functions[-1], functions[-2::-1]

    def composed(*args: object, **kwargs: object) -> object:
        value = innermost(*args, **kwargs)
        for function in outer:
            value = function(value)
        return value

    return composed


def _first_argument(first: object, /, *_others: object) -> object:
    return first
