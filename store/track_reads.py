"""Finding out which slices of a root a function reads, by watching it read.

What belongs here: the watching.  What does not: deciding when to run the function again, which
`selector_subscriptions` does from what is found here.

The function is given a new view of the root: an instance of a subclass whose fields read the
store's cells and note that they did.  It must be new because a memoized selector answers a root it
has seen without reading anything.  A view that is kept, in the value or elsewhere, becomes a real
root at once: its fields are filled and its class is changed, as `record_builder` does; and the
function then counts as one that reads everything.  Memoized selectors do not keep views.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from refold.reducers.record_builder import make_writable_twin
from refold.reducers.run_template import run_template
from refold.selectors.keeping import keeping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ALL_CELLS", "THE_ROOT", "ReadTracker", "make_read_tracker"]

ReadTracker: TypeAlias = "Callable[[Callable[[Any], Any]], tuple[Any, int]]"
"""Calls a function with a view of the root; returns its value and the cells it read."""

ALL_CELLS: Final = -1
"""A mask with every bit set: the function may depend on anything."""

THE_ROOT: Final[Any] = object()
"""Stands for a value that is the root itself."""


def make_read_tracker(
    root_type: type[Any], names: tuple[str, ...], cells: Sequence[Any]
) -> ReadTracker:
    """Return a function that calls another one with a view of the root and says what it read.

    Args:
        root_type: the class of the root, which has a plain constructor.
        names: its fields, in the order of the cells.
        cells: the values of the fields, at any time.

    Returns:
        A function ``select -> (value, mask)``: a mask of the cells read, one bit each; `THE_ROOT`
        for a value that is the root itself.
    """
    seen = 0
    forgotten = sys.maxsize  # the references to a view that nobody keeps; found out below

    def watched_field(cell: int) -> property:
        bit = 1 << cell

        def read(_view: Any) -> Any:
            nonlocal seen
            seen |= bit
            return cells[cell]

        return property(read)

    twin = make_writable_twin(root_type)
    fields = {name: watched_field(cell) for cell, name in enumerate(names)}
    fields["__class__"] = property(lambda _view: root_type)  # comparing and copying look at it
    view_type: Any = types.new_class(
        root_type.__name__, (twin,), {}, lambda body: body.update(fields, __slots__=())
    )
    make_real = _make_filler(root_type, twin, names, cells)
    new = object.__new__

    def track(select: Callable[[Any], Any]) -> tuple[Any, int]:
        nonlocal seen, forgotten
        seen = 0
        view = new(view_type)
        keeping.states = False
        try:
            value = select(view)
        finally:
            keeping.states = True
            references = sys.getrefcount(view)
            if references > forgotten:
                make_real(view)
        if select is _look_away:
            forgotten = references
        if value is view:
            return THE_ROOT, ALL_CELLS
        return value, ALL_CELLS if references > forgotten else seen

    track(_look_away)
    return track


def _look_away(_view: object) -> Any:
    return None


def _make_filler(
    root_type: type[Any], twin: type[Any], names: tuple[str, ...], cells: Sequence[Any]
) -> Callable[[Any], None]:
    """Return a function that turns a view into a real root with the present values."""
    targets = "".join(f"view.{name}, " for name in names)
    source = (
        "def make_real(view):\n"
        "    set_class(view, twin)\n"
        f"    {targets or '()'} = cells[:{len(names)}]\n"
        "    set_class(view, root_type)\n"
    )
    set_class = object.__dict__["__class__"].__set__  # a view's own __class__ cannot be set
    known = {"twin": twin, "root_type": root_type, "cells": cells, "set_class": set_class}
    filler: Callable[[Any], None] = run_template(source, "make_real", known)
    return filler
