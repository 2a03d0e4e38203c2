"""The frames of a link: what two nodes say to each other inside a channel.

What belongs here: bytes to records and back.  What does not: when which is sent; `PeerLink` knows.

A frame is one message of the channel: one byte for its type, then its body.  The body of a message
is its kind, as one byte for the length and ASCII, then the payload.  Ping and pong carry some bytes
that come back; a goodbye carries its reason as UTF-8.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

from refold.errors import PeerError
from refold.middleware.peer_network.secure_channel import MAX_MESSAGE_SIZE

__all__ = [
    "GoodbyeFrame",
    "LinkFrame",
    "MessageFrame",
    "PingFrame",
    "PongFrame",
    "decode_frame",
    "encode_frame",
]

_MESSAGE: Final = 1
_PING: Final = 2
_PONG: Final = 3
_GOODBYE: Final = 4

_LONGEST_KIND: Final = 255
"""Characters; its length has one byte."""

_LONGEST_ECHO: Final = 125
"""Bytes of a ping, as in RFC 6455, section 5.5: what is sent back is never worth a flood."""

_LONGEST_REASON: Final = 200
"""Characters of a goodbye; a stranger's longer text is cut, our own is short."""


@attrs.frozen
class MessageFrame:
    """Something for the application."""

    kind: str
    """What it is about: 1 to 255 printable ASCII characters."""

    payload: bytes
    """What it says."""


@attrs.frozen
class PingFrame:
    """A question whether the other end lives."""

    payload: bytes
    """Comes back in the answer."""


@attrs.frozen
class PongFrame:
    """The answer to a ping."""

    payload: bytes
    """That of the ping."""


@attrs.frozen
class GoodbyeFrame:
    """The last frame: the link is over."""

    reason: str
    """Why, for people; one printable line."""


LinkFrame: TypeAlias = MessageFrame | PingFrame | PongFrame | GoodbyeFrame
"""Any of the four."""


def encode_frame(frame: LinkFrame) -> bytes:
    """Return a frame's bytes.

    Raises:
        ValueError: a message's kind is out of its range, or it is too large for a channel.
    """
    match frame:
        case MessageFrame(kind, payload):
            return _encode_message(kind, payload)
        case PingFrame(payload):
            return bytes((_PING,)) + payload
        case PongFrame(payload):
            return bytes((_PONG,)) + payload
        case GoodbyeFrame(reason):
            return bytes((_GOODBYE,)) + reason.encode()


def decode_frame(data: bytes) -> LinkFrame:
    """Return the frame that some bytes are.

    Raises:
        PeerError: they are none; whoever sent them is no node of this kind.
    """
    body = data[1:]
    match data[:1]:
        case b"\x01":
            return _decode_message(body)
        case b"\x02" | b"\x03" if len(body) <= _LONGEST_ECHO:
            return PingFrame(body) if data[0] == _PING else PongFrame(body)
        case b"\x04":
            return GoodbyeFrame(_one_line(body.decode(errors="replace")))
        case start:
            error = (
                f"expected a message, a ping or pong of at most {_LONGEST_ECHO} bytes, or a goodbye"
                f" (1 to 4), got {len(data)} bytes that begin with {start.hex() or 'nothing'}"
            )
            raise PeerError(error)


def _encode_message(kind: str, payload: bytes) -> bytes:
    if not _is_kind(kind):
        error = (
            f"the kind of a message must be 1 to {_LONGEST_KIND} printable ASCII characters, got"
            f" {kind[: _LONGEST_KIND + 1]!r}"
        )
        raise ValueError(error)
    room = MAX_MESSAGE_SIZE - 2 - len(kind)
    if len(payload) > room:
        error = f"a message of this kind has room for {room} bytes, got {len(payload)}; split it"
        raise ValueError(error)
    return bytes((_MESSAGE, len(kind))) + kind.encode() + payload


def _decode_message(body: bytes) -> MessageFrame:
    end = 1 + (body[0] if body else 0)
    kind = body[1:end].decode("ascii", errors="replace")
    if len(body) < end or not _is_kind(kind):
        error = (
            f"expected the kind of a message, 1 to {_LONGEST_KIND} printable ASCII characters after"
            f" their number, got {body[:end].hex() or 'nothing'}"
        )
        raise PeerError(error)
    return MessageFrame(kind, body[end:])


def _is_kind(kind: str) -> bool:
    return 0 < len(kind) <= _LONGEST_KIND and kind.isascii() and kind.isprintable()


def _one_line(reason: str) -> str:
    """Return a text that may be shown: a peer could send control characters for a terminal."""
    cut = reason[:_LONGEST_REASON]
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in cut)
