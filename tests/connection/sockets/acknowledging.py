"""A peer that acknowledges, keeps a book and can be told to stop; and how its messages look.

What belongs here: the far end, and the two functions that speak its language.  What does not: what
is expected of the connection.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.actions.message import message
from refold.middleware.acknowledgements import Acknowledgements
from tests.connection.sockets.peers import CLOSE, PING, PONG, TEXT, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ACKS",
    "Acknowledged",
    "AcknowledgingPeer",
    "id_of_typed_ack",
    "match",
    "wants_ack",
    "wrap",
]


def wrap(ack_id: str, payload: object) -> dict[str, object]:
    """Put a payload and the id by which it is acknowledged into one message."""
    return {"id": ack_id, "body": payload}


def match(raw: str | bytes) -> str | None:
    """Return what a raw message acknowledges."""
    decoded = json.loads(raw)
    acknowledged: str | None = decoded.get("id") if decoded.get("type") == _ACK_TYPE else None
    return acknowledged


_ACK_TYPE: Final = "tests.sockets.acknowledged"

ACKS: Final = Acknowledgements(wrap, match)
"""With the default window of 64, timeout of 30 s and 3 resends."""


@message(_ACK_TYPE)
@attrs.frozen
class Acknowledged:
    """What the peer answers."""

    id: str


def id_of_typed_ack(decoded: object) -> str | None:
    """Return what a decoded message acknowledges."""
    return decoded.id if isinstance(decoded, Acknowledged) else None


def wants_ack(received: Any) -> bool:
    """Return whether `wrap` made it."""
    return isinstance(received, dict) and "id" in received


class AcknowledgingPeer:
    """A behaviour that writes down what it receives on each link, and acknowledges it."""

    def __init__(self, *, acknowledges: bool = True) -> None:
        self.acknowledges = acknowledges
        self.links: list[list[Any]] = []
        """What came on each link: the decoded texts."""
        self.first_seen: dict[str, Any] = {}
        """The bodies by id, in the order in which each came for the first time."""
        self.before_ack: Callable[[Wire], None] = lambda _wire: None
        """Called with each message, once it is in the book; it may break the link."""
        self.after_ack: Callable[[Wire], None] = lambda _wire: None
        """The same, after the acknowledgement was written."""
        self.wire: Wire | None = None
        """The latest link."""

    @property
    def received(self) -> list[Any]:
        """What came, on all links."""
        return list(itertools.chain.from_iterable(self.links))

    def say(self, **fields: object) -> None:
        """Send a JSON object on the latest link."""
        assert self.wire is not None
        self.wire.send(TEXT, json.dumps(fields).encode())

    def acknowledge(self, ack_id: str) -> None:
        """Acknowledge an id, whether anybody asked or not."""
        self.say(type=_ACK_TYPE, id=ack_id)

    def break_link(self) -> None:
        """Reset the latest link."""
        assert self.wire is not None
        self.wire.reset()

    async def __call__(self, wire: Wire) -> None:
        """Serve one link."""
        await wire.handshake()
        self.wire = wire
        book: list[Any] = []
        self.links.append(book)
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                wire.send(CLOSE, payload)
                return
            if opcode == PING:
                wire.send(PONG, payload)
                continue
            self._note(wire, book, json.loads(payload))

    def _note(self, wire: Wire, book: list[Any], received: Any) -> None:
        book.append(received)
        if not wants_ack(received):
            return
        self.first_seen.setdefault(received["id"], received["body"])
        self.before_ack(wire)
        if self.acknowledges and not wire.writer.transport.is_closing():
            self.acknowledge(received["id"])
        self.after_ack(wire)
        if wire.writer.transport.is_closing():
            raise EOFError  # who broke the link reads nothing more of it
