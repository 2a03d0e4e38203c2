"""The actions that tell of messages: bounded, and made of anything that a handler may raise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.registry import find_action_class
from refold.actions.websocket_messages import (
    BadMessageReceived,
    InboundMessagesDropped,
    MessageHandlerFailed,
)
from refold.replay.action_codec import decode_action, encode_payload
from refold.replay.log_record import LogRecord


class UnspeakableError(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        """Raise."""
        message = "no text"
        raise ValueError(message)


class TextlessError(Exception):
    """Its text is no text."""

    def __str__(self) -> str:
        """Return what no __str__ may."""
        broken: Any = 7
        return broken  # type: ignore[no-any-return]  # what is broken


@pytest.mark.parametrize("error", [UnspeakableError(), TextlessError(), TimeoutError(), KeyError()])
def test_a_failure_without_a_text_is_told_by_its_class(error: Exception) -> None:
    """Rule 45: for an exception with a broken or empty text, the message is its class's name."""
    failed = MessageHandlerFailed.from_error("chat", error)
    name = type(error).__name__
    assert failed == MessageHandlerFailed("chat", name, name)


@given(st.text())
def test_the_text_of_a_failure_is_kept_and_bounded(text: str) -> None:
    """What an exception says is its message, up to 200 characters."""
    failed = MessageHandlerFailed.from_error("chat", ValueError(text * 9))
    assert failed.message == ((text * 9)[:200] or "ValueError")


@given(st.text(max_size=400))
def test_a_sample_has_at_most_200_characters(sample: str) -> None:
    """Table L: an action with a longer sample cannot be made."""
    if len(sample) <= 200:
        assert BadMessageReceived("why", sample).sample == sample
    else:
        with pytest.raises(ValueError, match="sample"):
            BadMessageReceived("why", sample)


@given(
    st.one_of(
        st.builds(
            BadMessageReceived,
            reason=st.text(),
            sample=st.text(max_size=200),
            count=st.integers(1, 1000),
        ),
        st.builds(
            MessageHandlerFailed, message_type=st.text(), error_type=st.text(), message=st.text()
        ),
        st.builds(
            InboundMessagesDropped,
            count=st.integers(1),
            policy=st.sampled_from(["drop_oldest", "drop_newest"]),
        ),
    )
)
def test_the_actions_survive_the_log(
    told: BadMessageReceived | MessageHandlerFailed | InboundMessagesDropped,
) -> None:
    """Each action is found by its wire name and decoded as it was, lone surrogates included."""
    assert told.wire_name.startswith("connection/")
    assert find_action_class(told.wire_name) is type(told)
    record = LogRecord(
        seq=1,
        id="a-1",
        at_ms=None,
        name=told.wire_name,
        version=1,
        cause=None,
        origin="service:websocket",
        payload=encode_payload(told),
    )
    assert decode_action(record) == told
