"""`ConnectResult`: what came of connecting to a peer."""

from __future__ import annotations

from typing import Literal

import attrs

from refold.actions.peer_records import TransportKind

__all__ = ["ConnectResult"]


@attrs.frozen
class ConnectResult:
    """Whether there is a link now, of which kind, and if there is none why not."""

    success: bool
    """Whether the peer is connected."""

    connection_type: TransportKind | Literal["none"]
    """The kind of the transport over which it is; ``none`` without success."""

    error: str | None
    """Why there is no link, for people; None with success."""

    attempts: int
    """How many attempts had begun by then; 0 if none was needed or possible."""
