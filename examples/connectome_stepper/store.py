"""What the debugger knows, and what follows from each action: no socket, no clock, no terminal.

Nothing to run here; see client.py.  A recorded session is checked by
``refold health LOG --app examples.connectome_stepper.store:root``.
"""

from __future__ import annotations

import attrs

from refold import combine_reducers
from refold.reducers.connection import ConnectionState, connection_reducer
from refold.reducers.ledger import ledger_reducer
from refold.reducers.ledger_state import LedgerState

__all__ = ["ConnectomeState", "root"]


@attrs.frozen
class ConnectomeState:
    """All that the debugger knows."""

    connection: ConnectionState
    """The life of the WebSocket that realtime events come through."""

    ledger: LedgerState
    """The events, what is looked at, and the timers."""


root = combine_reducers(ConnectomeState, connection=connection_reducer, ledger=ledger_reducer)
"""Folds every action of the debugger."""
