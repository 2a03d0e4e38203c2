"""The members of a union, by the names that a log writes for them.

What belongs here: the names, and refusing two that are alike.  What does not: choosing the member
that a value is of, which `refold.replay.union_codec` does.
"""

from __future__ import annotations

import typing
from typing import Any, NewType

from refold.errors import ValueTypeError

__all__ = ["check_union_names", "union_choices"]


def union_choices(tp: Any) -> dict[str, Any]:
    """Return the members of a union but None, by the names that they are written with."""
    return {_written_name(choice): choice for choice in _members(tp)}


def check_union_names(tp: Any, path: str) -> None:
    """Check that a log can tell the members of a union from each other.

    Args:
        tp: the union.
        path: where it stands, such as ``AppState.shape``; the error names it.

    Raises:
        ValueTypeError: two members are written by one name.
    """
    named: dict[str, Any] = {}
    for choice in _members(tp):
        other = named.setdefault(_written_name(choice), choice)
        if other is not choice:
            message = (
                f"{path} is a union of {_qualified_name(other)} and {_qualified_name(choice)}, both"
                f" of which a log would write as {_written_name(choice)!r}; give one of them"
                f" another name, or keep each in a field of its own"
            )
            raise ValueTypeError(message, path=path)


def _members(tp: Any) -> list[Any]:
    return [choice for choice in typing.get_args(tp) if choice is not type(None)]


def _written_name(choice: Any) -> str:
    return choice.__name__ if isinstance(choice, type | NewType) else str(choice)


def _qualified_name(choice: Any) -> str:
    name = getattr(choice, "__qualname__", None)
    return str(choice) if name is None else f"{choice.__module__}.{name}"
