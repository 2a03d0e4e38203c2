"""Which addresses a transport can dial: those of its kind, and of the peer that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.errors import PeerAddressError
from refold.middleware.peer_network.peer_address import PeerAddress, parse_peer_address

if TYPE_CHECKING:
    from refold.actions.peer_records import Presence, TransportKind

__all__ = ["address_of_kind", "addresses_of_kind"]


def address_of_kind(text: str, kind: TransportKind) -> PeerAddress | None:
    """Return an address of a kind; None for any other text."""
    try:
        address = parse_peer_address(text)
    except PeerAddressError:
        return None
    return address if address.kind == kind else None


def addresses_of_kind(presence: Presence, kind: TransportKind) -> dict[str, PeerAddress]:
    """Return the addresses of a kind under which a peer says it is, by their texts, in its order.

    What is no address, or another peer's, is left out.
    """
    return {
        text: address
        for text in presence.addresses
        if (address := address_of_kind(text, kind)) is not None
        and address.peer_id == presence.peer_id
    }
