"""What a relay and a registered peer say to each other, and how it is written.

What belongs here: the frames of a registration.  What does not: circuits, in which a relay passes
on what it cannot read.

A registration is a WebSocket to `REGISTRATIONS_PATH`.  Each message is one JSON object:

1. relay: `Challenge`, with a nonce that is used once.
2. peer: `Register`, with the signature of `registration_text` by the key in its peer id.
3. relay: `Registered`; then a `PresencePublished` for each peer that published one; then
   `PresencesComplete`; then each new presence, each `PresenceWithdrawn`, and a `CircuitWanted` for
   whoever dials the peer.
4. peer: `PublishPresence`, whenever it has a new one; answered by nothing, or `PresenceRefused`.

Either side may send `Ping`, which the other answers with the `Pong` of the same payload.  A relay
that ends a registration says why in the close frame.

A circuit is a WebSocket to `CIRCUITS_PATH` and the peer's id, with ``?purpose=signalling`` if it is
for that.  Its handshake is answered when the peer has opened another WebSocket, to `ANSWERS_PATH`
and the circuit's id, with the circuit's token in the header `TOKEN_HEADER`.  From then on the relay
passes every message on, and the end of either.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

__all__ = [
    "ANSWERS_PATH",
    "CIRCUITS_PATH",
    "MAX_FRAME_BYTES",
    "REGISTRATIONS_PATH",
    "TOKEN_HEADER",
    "Challenge",
    "CircuitPurpose",
    "CircuitWanted",
    "FrameError",
    "FrameFromPeer",
    "FrameFromRelay",
    "Ping",
    "Pong",
    "PresencePublished",
    "PresenceRefused",
    "PresenceWithdrawn",
    "PresencesComplete",
    "PublishPresence",
    "Register",
    "Registered",
    "circuit_purpose",
    "decode_from_peer",
    "decode_from_relay",
    "encode_frame",
    "registration_text",
]

REGISTRATIONS_PATH: Final = "/refold/relay/1/registrations"
CIRCUITS_PATH: Final = "/refold/relay/1/circuits/"
ANSWERS_PATH: Final = "/refold/relay/1/answers/"
TOKEN_HEADER: Final = "Refold-Circuit-Token"  # noqa: S105  # a name

MAX_FRAME_BYTES: Final = 16_384
"""The longest frame: a presence of 8 KiB has 11 KiB in base64."""

CircuitPurpose: TypeAlias = Literal["link", "signalling"]
"""What a circuit is for: a link of its own, or arranging a data channel."""

_DOMAIN: Final = b"refold relay registration 1\n"


class FrameError(ValueError):
    """A message is no frame that the other side may send."""


class _Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """One JSON object; bytes are base64 in it."""


class Challenge(_Frame, frozen=True, tag="challenge"):
    """What a peer has to sign."""

    nonce: bytes


class Registered(_Frame, frozen=True, tag="registered"):
    """The peer can be dialled from now on."""


class PresencePublished(_Frame, frozen=True, tag="presence"):
    """A peer's presence, as it signed it."""

    peer_id: str
    presence: bytes


class PresencesComplete(_Frame, frozen=True, tag="presences_complete"):
    """All that were there at the registration have been sent."""


class PresenceWithdrawn(_Frame, frozen=True, tag="presence_withdrawn"):
    """A peer's registration has ended, and its presence with it."""

    peer_id: str


class PresenceRefused(_Frame, frozen=True, tag="presence_refused"):
    """The presence that was published is not passed on."""

    reason: str


class CircuitWanted(_Frame, frozen=True, tag="circuit"):
    """Somebody dials the peer."""

    circuit_id: str
    token: str
    purpose: CircuitPurpose


class Register(_Frame, frozen=True, tag="register"):
    """Who registers, and the proof."""

    peer_id: str
    signature: bytes


class PublishPresence(_Frame, frozen=True, tag="publish"):
    """A signed presence of the peer itself."""

    presence: bytes


class Ping(_Frame, frozen=True, tag="ping"):
    """Is anybody there?"""

    payload: bytes


class Pong(_Frame, frozen=True, tag="pong"):
    """Yes."""

    payload: bytes


FrameFromRelay: TypeAlias = (
    Challenge
    | Registered
    | PresencePublished
    | PresencesComplete
    | PresenceWithdrawn
    | PresenceRefused
    | CircuitWanted
    | Ping
    | Pong
)
"""Whatever a relay may say."""

FrameFromPeer: TypeAlias = Register | PublishPresence | Ping | Pong
"""Whatever a peer may say."""

_encoder: Final = msgspec.json.Encoder()
_from_relay: Final = msgspec.json.Decoder[FrameFromRelay](FrameFromRelay)
_from_peer: Final = msgspec.json.Decoder[FrameFromPeer](FrameFromPeer)


def circuit_purpose(text: str) -> CircuitPurpose | None:
    """Return what a circuit is said to be for; None if that is nothing known."""
    match text:
        case "link" | "signalling" as purpose:
            return purpose
        case _:
            return None


def registration_text(nonce: bytes, peer_id: str, relay_host: str) -> bytes:
    """Return what a peer signs to register: of no use for anything else, nor a second time.

    Args:
        nonce: the relay's.
        peer_id: who registers.
        relay_host: the relay's host and port as the peer dialled it, which HTTP's ``Host`` says, so
            that a relay cannot pass another one's challenge on and stand for the peer there.
    """
    return _DOMAIN + nonce + f"{relay_host}\n{peer_id}".encode()


def encode_frame(frame: FrameFromRelay | FrameFromPeer) -> bytes:
    """Return the message of a frame."""
    return _encoder.encode(frame)


def decode_from_relay(data: bytes) -> FrameFromRelay:
    """Return what a relay said.

    Raises:
        FrameError: it is no such frame.
    """
    try:
        frame: FrameFromRelay = _from_relay.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"expected a frame of a relay, got {data[:40]!r}: {error}"
        raise FrameError(message) from error
    return frame


def decode_from_peer(data: bytes) -> FrameFromPeer:
    """Return what a peer said.

    Raises:
        FrameError: it is no such frame.
    """
    try:
        frame: FrameFromPeer = _from_peer.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"expected a frame of a registered peer, got {data[:40]!r}: {error}"
        raise FrameError(message) from error
    return frame
