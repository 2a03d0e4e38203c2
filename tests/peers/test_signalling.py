"""What two peers say to arrange a data channel, and what is none of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import DialError
from refold.middleware.peer_network.signalling import (
    Description,
    Refusal,
    decode_signal,
    encode_signal,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=1_000)


@given(sdp=texts)
def test_a_description_comes_as_it_was_sent(sdp: str) -> None:
    """Encoding and decoding is identity."""
    assert decode_signal(encode_signal(Description(sdp))) == Description(sdp)


@given(reason=texts)
def test_a_refusal_becomes_an_error_that_can_be_printed(reason: str) -> None:
    """What the other end says goes into the error, bounded and without control characters."""
    with pytest.raises(DialError, match="the other end refused: ") as caught:
        decode_signal(encode_signal(Refusal(reason)))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 230


@given(data=st.binary() | st.sampled_from([b'{"type":"other"}', b"[]", b'{"type":"description"}']))
def test_nothing_else_is_taken(data: bytes) -> None:
    """Any other bytes are refused, with their beginning in the error."""
    with pytest.raises(DialError, match="which is no description"):
        decode_signal(data)


def test_a_message_is_bounded() -> None:
    """What is longer than any description is not even decoded."""
    with pytest.raises(DialError, match="expected at most 32768"):
        decode_signal(encode_signal(Description("v" * 32_768)))
