"""Records of refold, of what a command to a `HostedPeer` says in JSON.

What belongs here: JSON to records.  What does not: what a peer does with them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from pyrsistent import pvector

from refold.actions.contacts import Contact
from refold.actions.peer_records import Presence
from refold.actions.shared_wallets import Participant, SharedWallet

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["contact_in", "presence_in", "wallet_in"]

_PRESENCE_MS: Final = 600_000


def presence_in(command: Mapping[str, Any]) -> Presence:
    """Return a presence of the application's own.

    Args:
        command: has the ``peer_id`` and ``addresses``; it may have a ``nickname``, and the times
            ``created_at_ms`` and ``expires_at_ms``: without them it holds for ten minutes from now.
    """
    created_at_ms = command.get("created_at_ms", _now_ms())
    return Presence(
        peer_id=command["peer_id"],
        addresses=pvector(command["addresses"]),
        created_at_ms=created_at_ms,
        expires_at_ms=command.get("expires_at_ms", created_at_ms + _PRESENCE_MS),
        nickname=command.get("nickname", ""),
    )


def contact_in(command: Mapping[str, Any]) -> Contact:
    """Return a contact that is added now."""
    return Contact(command["peer_id"], command["nickname"], added_at_ms=_now_ms())


def wallet_in(command: Mapping[str, Any]) -> SharedWallet:
    """Return the wallet that a command gives."""
    wallet = command["wallet"]
    participants = pvector(Participant(**one) for one in wallet["participants"])
    return SharedWallet(id=wallet["id"], name=wallet["name"], participants=participants)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
