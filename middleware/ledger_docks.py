"""`LedgerDocks`: where others may listen to what a ledger does.

What belongs here: three docks, and telling whoever listens.  What does not: what they do with it,
such as `LedgerHealthDock`, which checks the ledger's health.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, overload

import attrs

from refold.actions.action import Action
from refold.actions.ledger import RestartSessionClearOrBoundary, SetHealthBadge
from refold.reducers.ledger_state import LedgerState

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["ActionInvoked", "Commit", "Evictions", "LedgerDocks"]

_PREFIX = "ledger/"

_log = logging.getLogger("refold.ledger")


@attrs.frozen
class ActionInvoked:
    """An action of the ledger was dispatched, and is about to be committed."""

    action: Action
    """What was dispatched."""

    before: LedgerState
    """The state that it meets."""


@attrs.frozen
class Commit:
    """An action of the ledger was committed."""

    commit_id: int
    """The ledger's, after it."""

    action: Action
    """What was committed."""

    before: LedgerState
    """The state before."""

    after: LedgerState
    """The state after; the same object if the action changed nothing."""


@attrs.frozen
class Evictions:
    """Events were evicted."""

    count: int
    """How many, by one commit."""

    evicted_count: int
    """How many in this session."""


_Dock: TypeAlias = Literal[
    "dock_store_commit_action_invoked",
    "dock_store_commit_transaction",
    "dock_store_retention_evictions",
]

_INVOKED: _Dock = "dock_store_commit_action_invoked"
_COMMITTED: _Dock = "dock_store_commit_transaction"
_EVICTED: _Dock = "dock_store_retention_evictions"


class LedgerDocks:
    """Middleware that tells of each action of a ledger; a listener that raises harms nobody.

    Args:
        select: gives the ledger's state from the root state; None if that is the whole state.
    """

    def __init__(self, select: Callable[[Any], LedgerState] | None = None) -> None:
        """Begin without a listener."""
        self._select = select or _whole_state
        self._done: list[Commit] = []
        """What passed here and may be rolled back yet."""
        self._committed: list[Action] = []
        """What was committed and has not come back here yet."""
        self._listeners: dict[str, tuple[Callable[[Any], object], ...]] = {}

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Return a handler that tells before and after each action of the ledger."""

        def handle(action: Action) -> Action:
            is_of_ledger = getattr(action, "wire_name", "").startswith(_PREFIX)
            if not is_of_ledger or type(action) is SetHealthBadge or not self._listeners:
                return next(action)
            before = self._select(store.state)
            self._tell(_INVOKED, ActionInvoked(action, before))
            result = next(action)
            after = self._select(store.state)
            self._done.append(Commit(after.commit_id, result, before, after))
            self._tell_committed()
            return result

        return handle

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Take note of a commit; what a transaction rolled back never comes here."""
        self._committed += [action for action in actions if type(action) is not SetHealthBadge]
        if len(actions) > 1:  # a transaction: its handlers are over
            self._tell_committed()
            self._done.clear()
            self._committed.clear()

    def _tell_committed(self) -> None:
        """Tell of what is done and committed: in a transaction nothing is, until its end."""
        for commit in tuple(self._done):
            if any(action is commit.action for action in self._committed):
                self._committed = [one for one in self._committed if one is not commit.action]
                self._done.remove(commit)
                self._tell(_COMMITTED, commit)
                self._tell_evictions(commit)

    def _tell_evictions(self, commit: Commit) -> None:
        is_new_session = isinstance(commit.action, RestartSessionClearOrBoundary)
        counted_before = 0 if is_new_session else commit.before.evicted_count
        evicted = commit.after.evicted_count - counted_before
        if evicted > 0:
            self._tell(_EVICTED, Evictions(evicted, commit.after.evicted_count))

    @overload
    def on(
        self,
        dock: Literal["dock_store_commit_action_invoked"],
        listener: Callable[[ActionInvoked], object],
    ) -> Callable[[], None]: ...

    @overload
    def on(
        self, dock: Literal["dock_store_commit_transaction"], listener: Callable[[Commit], object]
    ) -> Callable[[], None]: ...

    @overload
    def on(
        self,
        dock: Literal["dock_store_retention_evictions"],
        listener: Callable[[Evictions], object],
    ) -> Callable[[], None]: ...

    def on(self, dock: _Dock, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Have a function called at a dock, after those that are there already.

        Returns:
            A function that ends this; calling it again changes nothing.

        Raises:
            TypeError: the listener is no function.
            ValueError: there is no such dock; the message lists those there are.
        """
        known = (_INVOKED, _COMMITTED, _EVICTED)
        if dock not in known:
            message = f"there is no dock {dock!r}; the docks are {', '.join(known)}"
            raise ValueError(message)
        if not callable(listener):
            message = f"a listener must be a function of one event, got {listener!r}"
            raise TypeError(message)

        def call(event: Any) -> None:
            listener(event)  # a function of its own, so that one listener may come twice

        def unsubscribe() -> None:
            rest = tuple(other for other in self._listeners.get(dock, ()) if other is not call)
            self._listeners[dock] = rest

        self._listeners[dock] = (*self._listeners.get(dock, ()), call)
        return unsubscribe

    def _tell(self, dock: _Dock, event: object) -> None:
        for listener in self._listeners.get(dock, ()):
            try:
                listener(event)
            except Exception:  # noqa: BLE001  # a user's function
                _log.exception("a listener at %s raised", dock)


def _whole_state(state: object) -> LedgerState:
    return cast("LedgerState", state)
