"""Frames of a link: bytes and back.

What belongs here: the codec.  What does not: when which frame is sent.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refold.errors import PeerError
from refold.middleware.peer_network.link_frames import (
    GoodbyeFrame,
    LinkFrame,
    MessageFrame,
    PingFrame,
    PongFrame,
    decode_frame,
    encode_frame,
)
from refold.middleware.peer_network.secure_channel import MAX_MESSAGE_SIZE

printable = st.characters(min_codepoint=32, max_codepoint=126)
frames: st.SearchStrategy[LinkFrame] = st.one_of(
    st.builds(MessageFrame, st.text(printable, min_size=1, max_size=255), st.binary()),
    st.builds(PingFrame, st.binary(max_size=125)),
    st.builds(PongFrame, st.binary(max_size=125)),
    st.builds(GoodbyeFrame, st.text(printable, max_size=200)),
)


@given(frames)
def test_a_frame_comes_back_as_it_was(frame: LinkFrame) -> None:
    """Encoding and then decoding is identity."""
    assert decode_frame(encode_frame(frame)) == frame


@given(st.binary(max_size=300))
@example(b"")
@example(b"\x01\x05abc")
@example(b"\x04\xff\x1b")
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    """Whatever a stranger sends, the only exception is `PeerError`."""
    with contextlib.suppress(PeerError):
        decode_frame(data)


def test_the_largest_message_just_fits() -> None:
    """A frame has at most as many bytes as a channel takes in one message."""
    room = MAX_MESSAGE_SIZE - 2 - len("kind")
    assert len(encode_frame(MessageFrame("kind", bytes(room)))) == MAX_MESSAGE_SIZE
    with pytest.raises(ValueError, match=f"room for {room} bytes, got {room + 1}; split it"):
        encode_frame(MessageFrame("kind", bytes(room + 1)))


@pytest.mark.parametrize("kind", ["", "x" * 256, "gr\xfc\xdfe", "new\nline"])
def test_a_kind_is_printable_ascii_of_1_to_255_characters(kind: str) -> None:
    """The error says what is expected."""
    with pytest.raises(ValueError, match="1 to 255 printable ASCII characters"):
        encode_frame(MessageFrame(kind, b""))
