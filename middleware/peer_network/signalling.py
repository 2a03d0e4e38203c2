"""What two peers say to each other to arrange a data channel, and how it is written.

What belongs here: the two messages.  What does not: the circuit on which they go, which has proved
who both are, and what stands in a description, which `WebRtcSession` judges.

Whoever dials sends a `Description`, its offer; the other answers with a `Description` or a
`Refusal`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from refold.errors import DialError

__all__ = ["Description", "Refusal", "Signal", "decode_signal", "encode_signal"]

_MAX_SIGNAL_BYTES: Final = 32_768
"""A description has about 1,000 bytes, and 100 for each further address."""

_LONGEST_REASON: Final = 200
"""Characters of what the other end says that go into an error."""


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="description"):
    """Where its sender can be reached, and how."""

    sdp: str


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="refusal"):
    """There will be no data channel."""

    reason: str


Signal: TypeAlias = Description | Refusal
"""Whatever may be said."""

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder[Signal](Signal)


def encode_signal(signal: Signal) -> bytes:
    """Return a message as JSON."""
    return _encoder.encode(signal)


def decode_signal(data: bytes) -> Description:
    """Return the description in a message.

    Raises:
        DialError: it is a refusal, or no message of these.
    """
    if len(data) > _MAX_SIGNAL_BYTES:
        message = f"the other end signalled {len(data)} bytes; expected at most {_MAX_SIGNAL_BYTES}"
        raise DialError(message)
    try:
        signal: Description | Refusal = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"the other end signalled {data[:40]!r}, which is no description: {error}"
        raise DialError(message) from error
    if isinstance(signal, Refusal):
        said = "".join(each for each in signal.reason[:_LONGEST_REASON] if each.isprintable())
        message = f"the other end refused: {said}"
        raise DialError(message)
    return signal
