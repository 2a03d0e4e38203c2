"""`StatesAround`: the states before and after each action that somebody listens for.

What belongs here: keeping them from the dispatch to the commit, which in a transaction comes later.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["NotedAction", "StatesAround"]


class NotedAction:
    """An action on its way through a store."""

    __slots__ = ("action", "after", "before", "has_passed")

    def __init__(self, action: Action, before: Any) -> None:
        """Note the state before the action."""
        self.action = action
        self.before = before
        self.after: Any = None
        """The state after it; only once it has passed."""
        self.has_passed = False
        """Whether its dispatch is over; until then the store's state is the one after it."""


class StatesAround:
    """The noted actions of one store that are not committed yet."""

    def __init__(self) -> None:
        """Start with none."""
        self._pending: deque[NotedAction] = deque()

    def note(self, action: Action, before: Any) -> NotedAction:
        """Note an action that is being dispatched."""
        noted = NotedAction(action, before)
        self._pending.append(noted)
        return noted

    def forget(self, noted: NotedAction) -> None:
        """Forget an action whose dispatch failed, unless it was committed before."""
        if self._pending and self._pending[-1] is noted:
            self._pending.pop()

    def pass_on(self, noted: NotedAction, after: Any) -> None:
        """Note that a dispatch is over; an action still pending waits for its transaction."""
        noted.after = after
        noted.has_passed = True

    def is_pending(self, noted: NotedAction) -> bool:
        """Tell whether an action that was just dispatched is not committed yet."""
        return bool(self._pending) and self._pending[-1] is noted

    def take(self, action: Action) -> NotedAction | None:
        """Return what was noted of a committed action; None if nobody listened at its dispatch.

        Whatever was noted before it and not committed was rolled back.
        """
        pending = self._pending
        if pending and pending[-1].action is action and not pending[-1].has_passed:
            newest = pending[-1]
            pending.clear()
            return newest
        for place, noted in enumerate(pending):
            if noted.action is action:
                for _ in range(place + 1):
                    pending.popleft()
                return noted
        return None
