"""`IceServer`: a server that helps two peers behind routers to find each other.

What belongs here: the record that a program configures.  What does not: aiortc, which only
`WebRtcSession` imports.
"""

from __future__ import annotations

import attrs

__all__ = ["IceServer"]


@attrs.frozen
class IceServer:
    """A STUN or TURN server; aiortc uses the first of either."""

    url: str
    """Like ``stun:HOST:PORT`` or ``turn:HOST:PORT?transport=udp``; ``turns`` is TURN over TLS."""

    username: str | None = None
    """For TURN only."""

    credential: str | None = attrs.field(default=None, repr=False)
    """The password that belongs to it; no repr shows it."""
