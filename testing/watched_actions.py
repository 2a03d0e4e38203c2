"""`WatchedActions`: what reached the reducer of a store, apart from what the test sent itself.

What belongs here: two middleware around all others, and the queue between them.  What does not:
what the test expects.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import attrs

from refold.actions.action import Action
from refold.errors import InsideReducerError
from refold.middleware.listener_states import StatesAround
from refold.store.dispatch_context import current_dispatch_context
from refold.testing.stated_change import exact_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.replay.changed_paths import ChangedPath
    from refold.store.middleware import Dispatch

__all__ = ["SeenAction", "WatchedActions"]


@attrs.frozen
class SeenAction:
    """An action that reached the reducer."""

    action: Action
    """The action, as the reducer had it."""

    before: Any
    """The state before it."""

    after: Any
    """The state after it."""

    origin: str
    """Who dispatched it, such as ``listener:save``."""


@attrs.define
class _Dispatch:
    """One dispatch on its way through the chain."""

    is_sent: bool
    """Whether the test sent it, and it has not reached the reducer yet."""

    seen: SeenAction | None = None
    """What reached the reducer of it."""


class WatchedActions:
    """The outermost middleware of a store: the first to be told of a commit.

    `innermost` belongs at the other end of the list, where an action is what the reducer gets.
    """

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.unreceived: deque[SeenAction] = deque()
        """What the test has not received so far, in the order of the commits."""
        self.changes_between: list[ChangedPath] = []
        """What changed between the end of an action and the beginning of the next."""
        self._last: Any = None  # the state after the last action
        self._states = StatesAround()
        self._under_way: list[_Dispatch] = []
        self._next_dispatch: _Dispatch | None = None  # the test's, until it enters the chain
        self._store: Any = None

    def __call__(self, store: Any, next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
        """Set up the handler, which knows the test's own dispatch from all others."""
        self._store = store
        self._last = store.state

        def handle(action: Any, /) -> Any:
            self._under_way.append(self._next_dispatch or _Dispatch(is_sent=False))
            self._next_dispatch = None
            try:
                return next(action)
            finally:
                self._under_way.pop()

        return handle

    def innermost(self, store: Any, next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
        """Set up the handler that notes the state after each action, also in a transaction."""

        def handle(action: Any, /) -> Any:
            if not isinstance(action, Action):
                return next(action)  # a command
            try:
                noted = self._states.note(action, store.state)
            except InsideReducerError:
                return next(action)  # which refuses it
            try:
                result = next(action)
            except BaseException:
                self._states.forget(noted)
                raise
            if self._states.is_pending(noted):
                self._states.pass_on(noted, store.state)
            return result

        return handle

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Take note of what was committed."""
        own = self._under_way[-1] if self._under_way else None
        for action in actions:
            seen = self._see(action)
            if own is not None and own.is_sent:
                own.is_sent = False
                own.seen = seen
            else:
                self.unreceived.append(seen)

    def look_at(self, state: Any) -> None:
        """Take note of what changed since the last action."""
        if state is not self._last:
            self.changes_between.extend(exact_changes(self._last, state))
            self._last = state

    def send(self, dispatch: Callable[[Any], Any], sent: Any) -> tuple[Any, SeenAction | None]:
        """Dispatch what the test sends; return the answer, and what reached the reducer of it."""
        own = self._next_dispatch = _Dispatch(is_sent=isinstance(sent, Action))
        try:
            return dispatch(sent), own.seen
        finally:
            self._next_dispatch = None

    def _see(self, action: Action) -> SeenAction:
        noted = self._states.take(action)
        present = self._store.state
        before = self._last if noted is None else noted.before
        after = noted.after if noted is not None and noted.has_passed else present
        self.look_at(before)
        self._last = after
        return SeenAction(action, before, after, current_dispatch_context().origin)
