"""`Waits`: those who wait inside a listener for a later action.

What belongs here: futures and when they are settled.  What does not: listeners themselves.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.listener_trigger import Trigger

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


class Waits:
    """The futures that the actions of one store settle."""

    def __init__(self) -> None:
        """Start with none."""
        self._of_class: defaultdict[type[Action], dict[asyncio.Future[Any], Trigger]] = defaultdict(
            dict
        )
        self._of_any: dict[asyncio.Future[Any], Trigger] = {}

    def add(self, trigger: Trigger, timeout: float | None) -> asyncio.Future[Any]:
        """Return a future of what was taken, or of None when the time is over.

        Args:
            trigger: what is waited for.
            timeout: seconds; None for no limit.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        places = (
            [self._of_class[each] for each in trigger.classes]
            if trigger.is_of_classes_only
            else [self._of_any]
        )
        for place in places:
            place[future] = trigger
        timer = None if timeout is None else loop.call_later(timeout, _give_up, future)

        def forget(_done: object) -> None:
            if timer is not None:
                timer.cancel()
            for place in places:
                place.pop(future, None)

        future.add_done_callback(forget)
        return future

    def may_want(self, action_class: type[Action]) -> bool:
        """Tell whether somebody may wait for an action of this class."""
        return bool(self._of_any) or bool(self._of_class and self._of_class.get(action_class))

    def offer(self, action: Action, state: Any, old_state: Any) -> None:
        """Settle the futures that waited for this."""
        waiting = [*self._of_class.get(type(action), {}).items(), *self._of_any.items()]
        for future, trigger in waiting:
            if future.done():
                continue
            try:
                if trigger.is_for(action, state, old_state):
                    future.set_result(Taken(action, state, old_state))
            except Exception as error:  # noqa: BLE001  # of a predicate; whoever waits gets it
                future.set_exception(error)
                future.exception()  # nobody need look at it

    def close(self) -> None:
        """Cancel whoever still waits."""
        waiting = {*self._of_any, *(each for place in self._of_class.values() for each in place)}
        for future in waiting:
            future.cancel()


def _give_up(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)
