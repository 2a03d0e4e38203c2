"""What a reducer's code tells about its actions: their classes, and constants to draw.

What belongs here: walking a reducer with its slices and children, once.  What does not: reading
single functions, which `code_constants` does.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from refold.actions.action import Action
from refold.reducers.combine_reducers import CombinedReducer
from refold.reducers.reducer import Reducer, as_reducer
from refold.reducers.undoable import UndoableReducer
from refold.testing.code_constants import CodeReader

__all__ = ["ReducerCode", "read_reducer"]


@attrs.frozen
class ReducerCode:
    """What was found in a reducer."""

    action_classes: tuple[type[Action], ...]
    """Those that it declares handlers for, or that its matchers and plain functions name; sorted
    by wire name."""

    constants: Mapping[type, tuple[Any, ...]]
    """Values in the code of its handlers, by class."""

    scopes: tuple[str, ...]
    """The scopes of its undoable parts."""


class _Known:
    """What is known of one reducer until a handler or slice is added."""

    def __init__(self) -> None:
        self.code: ReducerCode | None = None

    def forget_compiled(self) -> None:
        """Drop it: a handler or slice was added since."""
        self.code = None


_known: Final[weakref.WeakKeyDictionary[Reducer[Any], _Known]] = weakref.WeakKeyDictionary()


def read_reducer(reducer: Callable[[Any, Any], Any]) -> ReducerCode:
    """Return what the code of a reducer, or plain function, tells; it is read once."""
    root = as_reducer(reducer)
    known = _known.get(root)
    if known is None:
        known = _known[root] = _Known()
        root.watch(known)
    if known.code is None:
        known.code = _read(root)
    return known.code


def _read(root: Reducer[Any]) -> ReducerCode:
    constants, named = CodeReader(), CodeReader()
    scopes: list[str] = []
    for reducer in _parts_of(root):
        for function in _functions_of(reducer):
            constants.read(function)
        for function in _open_functions_of(reducer):
            named.read(function)
        if isinstance(reducer, UndoableReducer):
            scopes.append(reducer._scope)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # our own
    classes = {*root.handles, *named.action_classes}
    return ReducerCode(
        tuple(sorted(classes, key=lambda cls: cls.wire_name)),
        constants.constants(),
        tuple(dict.fromkeys(scopes)),
    )


def _parts_of(reducer: Reducer[Any]) -> Iterator[Reducer[Any]]:
    """Yield a reducer and all that fold parts of its state."""
    yield reducer
    inner: list[Reducer[Any]] = [child for child, _ in reducer._children]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # our own
    if isinstance(reducer, CombinedReducer):
        inner += reducer.slices.values()
    whole: Any = reducer
    if whole.__class__ is UndoableReducer:
        inner.append(whole.inner)
    for one in inner:
        yield from _parts_of(one)


def _functions_of(reducer: Reducer[Any]) -> Iterable[Any]:
    """Return every function that takes part in folding, but those of refold itself."""
    is_undoable = isinstance(reducer, UndoableReducer)  # asked apart: the type is not narrowed
    own: list[Any] = [] if is_undoable else [*reducer.handlers.values()]
    keys = [place for _, place in reducer._children]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # our own
    return [*own, *_open_functions_of(reducer), *keys]


def _open_functions_of(reducer: Reducer[Any]) -> Iterable[Any]:
    """Return the functions that see actions which no declaration lists."""
    matched = [part for pair in reducer._matched for part in pair]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # our own
    return [one for one in (*matched, reducer._otherwise, reducer.function) if one is not None]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # our own
