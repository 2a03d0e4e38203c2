"""`PresencesOfRelays`: what several relays say of who is there, as one answer.

What belongs here: checking, and joining.  What does not: how a relay is heard.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import attrs

from refold.errors import PresenceError
from refold.middleware.peer_network.signed_presence import read_signed_presence

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.peer_records import Presence

__all__ = ["PresencesOfRelays"]

_MOST_OF_A_RELAY: Final = 4096
"""Presences that one relay may tell of; the rest is ignored."""

_log = logging.getLogger("refold.peers")


@attrs.define
class _Told:
    """What one relay has told."""

    data_of: dict[str, bytes] = attrs.field(factory=dict[str, bytes])
    not_confirmed: set[str] = attrs.field(factory=set[str])
    """Told in an earlier registration, and not yet in this one."""


class PresencesOfRelays:
    """A peer is there while one relay says so; only what the peer signed is passed on."""

    def __init__(
        self,
        own_peer_id: str,
        now_ms: Callable[[], int],
        on_presence: Callable[[Presence], None],
        on_withdrawn: Callable[[str], None],
    ) -> None:
        """Know of nobody.

        Args:
            own_peer_id: whose presence is left out.
            now_ms: milliseconds since the Unix epoch.
            on_presence: told each presence that is new.
            on_withdrawn: told each peer id of which no relay tells any more.
        """
        self._own_peer_id = own_peer_id
        self._now_ms = now_ms
        self._on_presence = on_presence
        self._on_withdrawn = on_withdrawn
        self._told: dict[str, _Told] = {}

    def begin(self, relay: str) -> None:
        """Note that a relay begins to tell all it knows; what it told before is not certain."""
        told = self._told.setdefault(relay, _Told())
        told.not_confirmed = set(told.data_of)

    def add(self, relay: str, peer_id: str, data: bytes) -> None:
        """Take a presence as the peer signed it; one that it did not sign is ignored."""
        told = self._told.setdefault(relay, _Told())
        told.not_confirmed.discard(peer_id)
        is_known = any(each.data_of.get(peer_id) == data for each in self._told.values())
        is_full = len(told.data_of) >= _MOST_OF_A_RELAY and peer_id not in told.data_of
        if peer_id == self._own_peer_id or is_full:
            return
        if is_known:
            told.data_of[peer_id] = data
            return
        try:
            presence = read_signed_presence(data, self._now_ms())
        except PresenceError as error:
            _log.warning("a presence from the relay %s is ignored: %s", relay, error)
            return
        if presence.peer_id != peer_id:
            _log.warning("the relay %s passed off one peer's presence as another's", relay)
            return
        told.data_of[peer_id] = data
        self._on_presence(presence)

    def complete(self, relay: str) -> None:
        """Note that the relay has told all: whoever it left out is not there any more."""
        told = self._told.setdefault(relay, _Told())
        for peer_id in sorted(told.not_confirmed):
            self.withdraw(relay, peer_id)
        told.not_confirmed = set()

    def withdraw(self, relay: str, peer_id: str) -> None:
        """Note that the relay knows a peer no more."""
        told = self._told.setdefault(relay, _Told())
        was_told = told.data_of.pop(peer_id, None) is not None
        if was_told and not any(peer_id in each.data_of for each in self._told.values()):
            self._on_withdrawn(peer_id)
