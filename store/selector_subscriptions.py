"""Subscriptions to a selector's value, run only when a slice that the selector reads has changed.

What belongs here: which subscription to run for which changed cells.  What does not: plain
subscribers, which hear of every dispatch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from refold.errors import NestedDispatchError
from refold.reducers.record_builder import has_plain_constructor
from refold.store.track_reads import ALL_CELLS, THE_ROOT, ReadTracker, make_read_tracker

if TYPE_CHECKING:
    from refold.store.commit_core import CommitCore
    from refold.store.state_layout import StateLayout

__all__ = ["SelectorSubscription", "SelectorSubscriptions"]


_MOST_MASKS: Final = 1024
"""Combinations of changed cells whose subscriptions are remembered."""


class SelectorSubscription:
    """One function that is told when a selector's value changes."""

    __slots__ = ("cells", "function", "select", "value")

    def __init__(
        self, function: Callable[[Any, Any], object], select: Callable[[Any], Any]
    ) -> None:
        """Keep the function and the selector; `SelectorSubscriptions` fills in the rest."""
        self.function = function
        self.select = select
        self.value: Any = None
        self.cells = ALL_CELLS
        """The cells that the selector read when it last ran, one bit each."""


class SelectorSubscriptions:
    """All selector subscriptions of one store."""

    def __init__(self, core: CommitCore) -> None:
        """Watch the state of this core."""
        self._core = core
        self._subscriptions: tuple[SelectorSubscription, ...] = ()
        self.exist = False
        """Whether there is any subscription."""
        self._by_changed_cells: dict[int, tuple[SelectorSubscription, ...]] = {}
        self._layout: StateLayout | None = None
        self._track: ReadTracker | None = None

    def add(
        self, function: Callable[[Any, Any], object], select: Callable[[Any], Any]
    ) -> SelectorSubscription:
        """Subscribe, taking the present value as the one already known."""
        if not self._subscriptions:
            self._core.take_changed_cells()  # nobody was interested in what changed so far
        subscription = SelectorSubscription(function, select)
        subscription.value, subscription.cells = self._select(select)
        self._subscriptions += (subscription,)
        self.exist = True
        self._by_changed_cells.clear()
        return subscription

    def remove(self, subscription: object) -> None:
        """End a subscription; one that is not there is ignored."""
        self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
        self.exist = bool(self._subscriptions)
        self._by_changed_cells.clear()

    def notify(self, errors: list[Exception]) -> None:
        """Run the subscriptions that read one of the changed cells; collect what they raise."""
        if self._core.layout is not self._layout:
            self._lay_out_again()
        changed_cells = self._core.take_changed_cells()
        interested = self._by_changed_cells.get(changed_cells)
        if interested is None:
            interested = tuple(s for s in self._subscriptions if s.cells & changed_cells)
            if len(self._by_changed_cells) >= _MOST_MASKS:
                self._by_changed_cells.clear()
            self._by_changed_cells[changed_cells] = interested
        for subscription in interested:
            try:
                value, cells = self._select(subscription.select)
                if cells != subscription.cells:
                    subscription.cells = cells
                    self._by_changed_cells.clear()
                before = subscription.value
                if value is not before and value != before:
                    subscription.value = value
                    subscription.function(value, before)
            except NestedDispatchError:
                raise
            except Exception as error:
                errors.append(error)

    def _lay_out_again(self) -> None:
        """Start from nothing known: slices were added, so that cells have other numbers."""
        self._layout = self._core.layout
        self._track = _tracker_for(self._core)
        self._by_changed_cells.clear()
        for subscription in self._subscriptions:
            subscription.cells = ALL_CELLS

    def _select(self, select: Callable[[Any], Any]) -> tuple[Any, int]:
        """Return a selector's value and the cells that it read; all of them if it read none."""
        core = self._core
        if core.layout is not self._layout:
            self._lay_out_again()
        if self._track is None:
            return select(core.read_state()), ALL_CELLS
        value, cells = self._track(select)
        return (core.read_state() if value is THE_ROOT else value), cells or ALL_CELLS


def _tracker_for(core: CommitCore) -> ReadTracker | None:
    """Return a tracker of what is read from the root; None if the root cannot be watched."""
    layout = core.layout
    if layout.root_type is None or not has_plain_constructor(layout.root_type):
        return None
    return make_read_tracker(layout.root_type, layout.names, core.cells)
