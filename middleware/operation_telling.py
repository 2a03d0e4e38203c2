"""`Telling`: dispatching the actions of a store's runs, and knowing which of them were committed.

What belongs here: the store's answer to a dispatched action.  What does not: which action is
dispatched when, which `operation_run` knows.

An action that was dispatched in a transaction is committed with it, later or never.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from refold.actions.operation_actions import (
    OperationFulfilled,
    OperationPending,
    OperationRejected,
)
from refold.store.dispatch_context import current_dispatch_context

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["OPERATION_ACTIONS", "Telling", "Told"]

OPERATION_ACTIONS = (OperationPending, OperationFulfilled, OperationRejected)
"""The bases of all that a run tells."""


class Told:
    """One action of a run on its way."""

    __slots__ = ("action", "cause", "committed", "when_committed")

    def __init__(self, action: Action, when_committed: Callable[[], None] | None) -> None:
        """Begin as not committed."""
        self.action: Any = action  # one of OPERATION_ACTIONS
        self.committed: Any = None
        """The action as it was committed, with what other middleware put in; None until then."""
        self.cause = current_dispatch_context().cause
        """What the function's own dispatches answer: the action's record once there is one."""
        self.when_committed = when_committed
        """Called when it is committed; None for nothing."""

    def is_of(self, action: Any) -> bool:
        """Tell whether a committed action is this one, or what a middleware made of it."""
        wanted = self.action
        return type(action) is type(wanted) and bool(action.request_id == wanted.request_id)


class Telling:
    """What the runs of one store are telling."""

    def __init__(self, store: Any) -> None:
        """Tell this store."""
        self._store = store
        self._on_the_way: list[Told] = []
        """Dispatched, and not committed so far."""
        self._dispatching: list[Told] = []
        """Those whose dispatch has not returned, the innermost last."""

    def tell(self, told: Told) -> None:
        """Dispatch an action; if this raises, ``told.committed`` tells whether it stays.

        Raises:
            Exception: whatever dispatch raises.
        """
        self._on_the_way.append(told)
        self._dispatching.append(told)
        try:
            self._store.dispatch(told.action)
        except BaseException:
            if told in self._on_the_way:
                self._on_the_way.remove(told)
            raise
        finally:
            self._dispatching.pop()

    def handled(self) -> None:
        """Take note that the action being told has come back from the reducer.

        Here the dispatch context has the id of its record, wherever the recorder stands.
        """
        told = self._dispatching[-1] if self._dispatching else None
        if told is not None and told.committed is not None:
            told.cause = current_dispatch_context().cause

    def committed(self, actions: tuple[Action, ...]) -> None:
        """Take note of a commit; it ends the transaction of whatever was dispatched in one."""
        if not self._on_the_way:
            return
        for action in actions:
            if isinstance(action, OPERATION_ACTIONS):
                self._find(cast("Any", action))
        self._on_the_way = [told for told in self._on_the_way if told in self._dispatching]

    def _find(self, action: Any) -> None:
        for told in self._on_the_way:
            if told.is_of(action):
                self._on_the_way.remove(told)
                told.committed = action
                if told not in self._dispatching:
                    told.cause = current_dispatch_context().cause
                if told.when_committed is not None:
                    told.when_committed()
                return
