"""`Waits`: those who wait inside a listener for a later action.

What belongs here: futures and when they are settled.  What does not: listeners themselves.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.listener_trigger import Trigger
    from refold.middleware.paced_calls import PacedCalls

__all__ = ["Taken", "Waits"]

A = TypeVar("A")
S = TypeVar("S")


class Taken(NamedTuple, Generic[A, S]):
    """What a `take` waited for."""

    action: A
    """The action."""

    state: S
    """The state after it."""

    old_state: S
    """The state before it."""


class _Wait:
    """One who waits."""

    __slots__ = ("future", "places", "timer", "trigger")

    def __init__(self, trigger: Trigger, places: list[_Place], timeout: float | None) -> None:
        """Wait in these places, for so many seconds."""
        loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = loop.create_future()
        self.trigger = trigger
        self.places = places
        self.timer = None if timeout is None else loop.call_later(timeout, self._give_up)
        for place in places:
            place[self] = None
        self.future.add_done_callback(self.leave)

    def leave(self, _done: object = None) -> None:
        """Wait for no further action, and for no time."""
        if self.timer is not None:
            self.timer.cancel()
        for place in self.places:
            place.pop(self, None)

    def _give_up(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


_Place: TypeAlias = dict[_Wait, None]
"""Those who wait for the same, in the order in which they came."""


class Waits:
    """The futures that the actions of one store settle."""

    def __init__(self, paced: PacedCalls) -> None:
        """Start with none.

        Args:
            paced: settles them, as many of them may wait for one action.
        """
        self._paced = paced
        self._of_class: defaultdict[type[Action], _Place] = defaultdict(dict)
        self._of_any: _Place = {}

    def add(self, trigger: Trigger, timeout: float | None) -> asyncio.Future[Any]:
        """Return a future of what was taken, or of None when the time is over.

        Args:
            trigger: what is waited for.
            timeout: seconds; None for no limit.
        """
        places = (
            [self._of_class[each] for each in trigger.classes]
            if trigger.is_of_classes_only
            else [self._of_any]
        )
        return _Wait(trigger, places, timeout).future

    def may_want(self, action_class: type[Action]) -> bool:
        """Tell whether somebody may wait for an action of this class."""
        return bool(self._of_any) or bool(self._of_class and self._of_class.get(action_class))

    def offer(self, action: Action, state: Any, old_state: Any) -> None:
        """Settle the futures that waited for this; who was answered hears no further action."""
        taken = Taken(action, state, old_state)
        for wait in [*self._of_class.get(type(action), ()), *self._of_any]:
            try:
                if not wait.trigger.is_for(action, state, old_state):
                    continue
                settle = partial(_settle, wait.future, taken)
            except Exception as error:  # noqa: BLE001  # of a predicate; whoever waits gets it
                settle = partial(_fail, wait.future, error)
            wait.leave()
            self._paced.add(settle)


def _settle(future: asyncio.Future[Any], taken: Taken[Any, Any]) -> None:
    if not future.done():
        future.set_result(taken)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # nobody need look at it
