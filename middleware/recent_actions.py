"""`RecentActions`: a ring of the last actions, for a look back without a log."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["RecentActions"]


class RecentActions:
    """Middleware that keeps the last actions that reached the reducer.

    It keeps actions and no states: a thousand old versions of a large map would be visited at each
    garbage collection.
    """

    def __init__(self, limit: int = 1000) -> None:
        """Keep at most this many actions.

        Raises:
            ValueError: the limit is less than 1.
        """
        if limit < 1:
            message = f"RecentActions expects a limit of 1 or more actions, got {limit}"
            raise ValueError(message)
        self._ring: deque[Action] = deque(maxlen=limit)
        self.committed = self._ring.extend  # nothing to do between the store and the ring
        """Take note of one commit."""

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions kept, the oldest first."""
        return tuple(self._ring)

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Stand aside: what reached the reducer is told by the store."""
        del store
        return next
