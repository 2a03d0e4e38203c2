"""What actions about peers carry: presences, and how peers are connected.

What belongs here: plain records.  What does not: what a state makes of them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
from pyrsistent import PVector

__all__ = ["Presence", "TransportKind"]

TransportKind: TypeAlias = Literal["direct", "relay", "webrtc"]
"""How a link came about: by the peer's own listener, over a relay, or by a data channel."""


@attrs.frozen
class Presence:
    """What a peer says of itself, and for how long it holds."""

    peer_id: str
    """Whose; it holds the public key that signs the presence on its way."""

    addresses: PVector[str]
    """Where it can be reached, as multiaddr texts of any kind, the preferred first."""

    created_at_ms: int
    """When it was made, in milliseconds since the Unix epoch."""

    expires_at_ms: int
    """From when on it does not hold, likewise."""

    nickname: str = ""
    """For people; empty for none."""

    wallet_address: str = ""
    """Where to pay to; empty for nowhere."""

    avatar: str = ""
    """A picture's address; empty for none."""
