"""`make_session`: a store with all its middleware.

What belongs here: joining the parts.  What does not: any of the parts.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from examples.connectome_stepper.feed import ConnectionFollowsMode, FlowEventMessage, event_of
from examples.connectome_stepper.session import ConnectomeSession
from examples.connectome_stepper.stamp_events import stamp_events
from examples.connectome_stepper.step_timer import StepTimer
from examples.connectome_stepper.store import ConnectomeState, root
from refold import Store, record, timestamps
from refold.actions.ledger import AppendRealtimeEventAndUpdateFocusIfNeeded
from refold.middleware.ledger_docks import LedgerDocks
from refold.middleware.ledger_health_dock import LedgerHealthDock
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff

if TYPE_CHECKING:
    from refold import Middleware

__all__ = ["make_session"]

_OPTIONS = WebSocketOptions(backoff=Backoff(initial_seconds=0.3, cap_seconds=3.0))
"""Less patient than the default, because the server is near."""


def _random_session_id() -> str:
    return uuid.uuid4().hex[:8]


def make_session(
    url: str,
    log: Path | None = None,
    *,
    clock: Callable[[], float] = time.time,
    new_session_id: Callable[[], str] = _random_session_id,
) -> ConnectomeSession:
    """Return a session at its start, paused; its services run once its store is entered.

    Args:
        url: where the feed is.
        log: a new .jsonl file in which every action is recorded; None for none.
        clock: seconds since the Unix epoch.
        new_session_id: gives an id that no earlier session had.
    """
    handlers = MessageHandlers()
    connection = WebSocketConnection(
        url, handlers=handlers, options=_OPTIONS, connects_at_once=False, clock=clock
    )
    docks = LedgerDocks(lambda state: state.ledger)
    middleware: list[Middleware[ConnectomeState]] = [
        *(timestamps(clock), stamp_events, docks, LedgerHealthDock(docks)),
        *(StepTimer(), connection, ConnectionFollowsMode(connection)),
    ]
    if log is not None:
        middleware.append(record(log))
    store = Store(root, middleware=middleware)

    def take(sent: FlowEventMessage) -> None:
        if store.state.ledger.mode == "realtime":  # one may be under way when the mode changes
            store.dispatch(AppendRealtimeEventAndUpdateFocusIfNeeded(event_of(sent)))

    handlers.on(FlowEventMessage, take)
    session = ConnectomeSession(store, clock, new_session_id)
    session.set_speed("pause")
    session.restart()
    return session
