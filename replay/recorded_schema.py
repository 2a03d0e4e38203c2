"""`recorded_schema_fingerprint`: which schema an application has that records.

What belongs here: asking for it cheaply.  What does not: what a schema is, which `schema` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from refold.errors import RefoldError
from refold.reducers.reducer import Reducer
from refold.replay.schema import schema_of

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["recorded_schema_fingerprint"]

_MOST_KNOWN: Final = 64
"""Schemas that are kept; a program has one or a few."""

_known: Final[dict[tuple[frozenset[type[Action]], type[Any]], str | None]] = {}


def recorded_schema_fingerprint(reducer: Reducer[Any], state: object) -> str | None:
    """Return the fingerprint of what a reducer folds, the same as `schema_of` gives.

    Listing the classes takes some milliseconds, so it is done once for each set of classes, however
    many stores are made of them.

    Args:
        reducer: whose actions are meant; its initial state is not asked for, because a store that
            was given a state never does.
        state: the present state.

    Returns:
        None if no schema can be made: the log is whole without it.
    """
    key = reducer.handles, type(state)
    if key not in _known:
        while len(_known) >= _MOST_KNOWN:
            del _known[next(iter(_known))]
        _known[key] = _fingerprint(key[0], state)
    return _known[key]


def _fingerprint(handled: frozenset[type[Action]], state: Any) -> str | None:
    stands_for_it: Reducer[Any] = Reducer(state)
    try:
        for cls in handled:
            stands_for_it.on(cls)(_change_nothing)
        return schema_of(stands_for_it).fingerprint
    except RefoldError:
        return None


def _change_nothing(state: Any, _action: Action) -> Any:
    return state
