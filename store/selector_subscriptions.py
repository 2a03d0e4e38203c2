"""Subscriptions to a selector's value, run only when a slice that the selector reads has changed.

What belongs here: which subscription is concerned by which cells, and how to get its value.  What
does not: calling the subscriber, which `notify` does.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from refold.reducers.record_builder import has_plain_constructor
from refold.store.static_reads import attribute_path, slices_read_by
from refold.store.track_reads import ALL_CELLS, THE_ROOT, ReadTracker, make_read_tracker

if TYPE_CHECKING:
    from refold.store.commit_core import CommitCore

__all__ = ["SelectorSubscription", "SelectorSubscriptions"]

_MOST_MASKS: Final = 1024
"""Combinations of changed cells whose subscriptions are remembered."""


class SelectorSubscription:
    """One function that is told when a selector's value changes."""

    __slots__ = ("cell", "cells", "follow", "function", "is_watched", "select", "value")

    def __init__(
        self, function: Callable[[Any, Any], object], select: Callable[[Any], Any]
    ) -> None:
        """Keep the function and the selector; `SelectorSubscriptions` fills in the rest."""
        self.function = function
        self.select = select
        self.value: Any = None
        self.follow: Callable[[Any], Any] | None = None
        """Gets the value from a cell, for a selector that is a path of attributes; else None."""
        self.cell = 0
        """The cell that `follow` starts from."""
        self.cells = ALL_CELLS
        """The cells that the selector reads, one bit each."""
        self.is_watched = True
        """Whether only watching the selector run tells what it reads."""


class SelectorSubscriptions:
    """All selector subscriptions of one store."""

    def __init__(self, core: CommitCore) -> None:
        """Watch the state of this core."""
        self._core = core
        self._subscriptions: tuple[SelectorSubscription, ...] = ()
        self._track: ReadTracker | None = None
        self.exist = False
        """Whether there is any subscription."""
        self.interested_by_cells: dict[int, tuple[SelectorSubscription, ...]] = {}
        """The subscriptions that read one of some cells, as found so far."""
        core.when_laid_out = self._lay_out_again
        self._lay_out_again()

    def add(
        self, function: Callable[[Any, Any], object], select: Callable[[Any], Any]
    ) -> SelectorSubscription:
        """Subscribe, taking the present value as the one already known."""
        subscription = SelectorSubscription(function, select)
        self._look_through(subscription)
        subscription.value = self.value_of(subscription)
        self._subscriptions += (subscription,)
        self.exist = True
        self.interested_by_cells.clear()
        return subscription

    def remove(self, subscription: object) -> None:
        """End a subscription; one that is not there is ignored."""
        self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
        self.exist = bool(self._subscriptions)
        self.interested_by_cells.clear()

    def find_interested(self, changed_cells: int) -> tuple[SelectorSubscription, ...]:
        """Return the subscriptions that read one of the cells, and remember them."""
        if len(self.interested_by_cells) >= _MOST_MASKS:
            self.interested_by_cells.clear()
        interested = tuple(s for s in self._subscriptions if s.cells & changed_cells)
        self.interested_by_cells[changed_cells] = interested
        return interested

    def value_of(self, subscription: SelectorSubscription) -> Any:
        """Return a selector's value; of one that is watched, note the cells that it read."""
        if subscription.follow is not None:
            return subscription.follow(self._core.cells[subscription.cell])
        if self._track is None or not subscription.is_watched:
            return subscription.select(self._core.read_state())
        value, read = self._track(subscription.select)
        cells = read or ALL_CELLS  # one that read nothing may look at anything next time
        if cells != subscription.cells:
            subscription.cells = cells
            self.interested_by_cells.clear()
        return self._core.read_state() if value is THE_ROOT else value

    def _look_through(self, subscription: SelectorSubscription) -> None:
        """Find out what a selector reads if its code shows it; otherwise it must be watched."""
        subscription.follow, subscription.cells = None, ALL_CELLS
        cell_of = {name: cell for cell, name in enumerate(self._core.layout.names)}
        names = slices_read_by(subscription.select)
        subscription.is_watched = names is None or not names <= cell_of.keys()
        if self._track is None or names is None or subscription.is_watched:
            return
        subscription.cells = sum(1 << cell_of[name] for name in names)
        path = attribute_path(subscription.select)
        if path is not None and len(path) > 1:
            subscription.cell = cell_of[path[0]]
            subscription.follow = attrgetter(".".join(path[1:]))

    def _lay_out_again(self) -> None:
        """Start from nothing known: slices were added, so that cells have other numbers."""
        self._track = _tracker_for(self._core)
        self.interested_by_cells.clear()
        for subscription in self._subscriptions:
            self._look_through(subscription)


def _tracker_for(core: CommitCore) -> ReadTracker | None:
    """Return a tracker of what is read from the root; None if the root cannot be watched."""
    layout = core.layout
    if layout.root_type is None or not has_plain_constructor(layout.root_type):
        return None
    return make_read_tracker(layout.root_type, layout.names, core.cells)
