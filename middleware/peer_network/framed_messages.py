"""Whole messages out of a stream of bytes: each is preceded by its length, in 4 bytes."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_MESSAGE_SIZE", "FramedMessages", "MessageTooLargeError", "frame_message"]

MAX_MESSAGE_SIZE: Final = 2**20
"""Bytes of one message; more are neither sent nor taken."""

_LENGTH_SIZE: Final = 4


class MessageTooLargeError(ValueError):
    """A message has more bytes than one may."""


def frame_message(data: bytes) -> bytes:
    """Return a message as it stands in the stream.

    Raises:
        MessageTooLargeError: it has more than 1 MiB.
    """
    if len(data) > MAX_MESSAGE_SIZE:
        text = f"a message has at most {MAX_MESSAGE_SIZE} bytes, this one {len(data)}: split it"
        raise MessageTooLargeError(text)
    return len(data).to_bytes(_LENGTH_SIZE, "big") + data


class FramedMessages:
    """What arrived of a stream and was not taken yet."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.arrived = bytearray()
        """To append to."""

    @property
    def is_within_a_message(self) -> bool:
        """Whether a part of a message is there; ask when `take` gave None."""
        return bool(self.arrived)

    def take(self) -> bytes | None:
        """Return the next message, and forget it; None if none has arrived whole.

        Raises:
            MessageTooLargeError: the next one would be too large; nothing after it can be read.
        """
        if len(self.arrived) < _LENGTH_SIZE:
            return None
        size = int.from_bytes(self.arrived[:_LENGTH_SIZE], "big")
        if size > MAX_MESSAGE_SIZE:
            text = (
                f"the other end announced a message of {size} bytes; at most {MAX_MESSAGE_SIZE} are"
                " taken, so the channel is closed"
            )
            raise MessageTooLargeError(text)
        end = _LENGTH_SIZE + size
        if len(self.arrived) < end:
            return None
        message = bytes(self.arrived[_LENGTH_SIZE:end])
        del self.arrived[:end]
        return message
