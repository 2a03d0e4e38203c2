"""Which presences may be believed, and which of two counts.

What belongs here: rules that need nothing but a presence and the time.  What does not: signatures,
which are checked before a presence becomes an action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from refold.actions.peer_records import Presence

__all__ = [
    "MAX_CLOCK_LEAD_MS",
    "MAX_PRESENCE_LIFETIME_MS",
    "Dated",
    "find_fault_in_presence",
    "is_newer_presence",
]

MAX_PRESENCE_LIFETIME_MS: Final = 24 * 3600 * 1000
"""How long a presence may hold: a day."""

MAX_CLOCK_LEAD_MS: Final = 5 * 60 * 1000
"""How far a peer's clock may be ahead: 5 minutes.  A presence from further in the future would win
against all that its peer says until then."""


class Dated(Protocol):
    """A presence, or what is kept of one."""

    @property
    def created_at_ms(self) -> int:
        """When it was made, in milliseconds since the Unix epoch."""
        ...

    @property
    def expires_at_ms(self) -> int:
        """From when on it does not hold, likewise."""
        ...


def find_fault_in_presence(presence: Presence, *, now_ms: int | None) -> str | None:
    """Return why a presence may not be believed; None if it may.

    Args:
        presence: what a peer says of itself.
        now_ms: milliseconds since the Unix epoch; None where there is no clock, so that only what
            the presence says about its own times can be judged.
    """
    lifetime = presence.expires_at_ms - presence.created_at_ms
    if lifetime <= 0:
        return f"it must expire after it was made, got a lifetime of {lifetime} ms"
    if lifetime > MAX_PRESENCE_LIFETIME_MS:
        return f"it may hold for {MAX_PRESENCE_LIFETIME_MS} ms, a day, got {lifetime} ms"
    if now_ms is None:
        return None
    if presence.expires_at_ms <= now_ms:
        return f"it expired {now_ms - presence.expires_at_ms} ms ago"
    lead = presence.created_at_ms - now_ms
    if lead > MAX_CLOCK_LEAD_MS:
        return f"it was made {lead} ms in the future, at most {MAX_CLOCK_LEAD_MS} ms are allowed"
    return None


def is_newer_presence(presence: Dated, other: Dated) -> bool:
    """Tell whether a presence replaces another of the same peer; an equally old one does not."""
    return (presence.created_at_ms, presence.expires_at_ms) > (
        other.created_at_ms,
        other.expires_at_ms,
    )
