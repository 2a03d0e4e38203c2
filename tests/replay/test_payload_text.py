"""A payload as text: what orjson makes of the payload, made in one go or not."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.errors import PayloadError
from refold.replay.action_codec import encode_payload
from refold.replay.payload_text import encode_payload_text
from tests.strategies.observatory_strategies import actions
from tests.strategies.typed_values import any_floats, any_integers, any_text, typed_values


@action("payload_text/value_was_set", version=3)
class ValueWasSet(Action):
    """Only plain fields."""

    key: str
    number: int
    share: float | None = None
    is_on: bool = False


@action("payload_text/parts_were_set")
class PartsWereSet(Action):
    """A field that is not plain."""

    parts: tuple[int, ...]


plain_actions = st.builds(
    ValueWasSet,
    key=any_text,
    number=any_integers | st.booleans(),
    share=st.none() | any_floats | any_integers,
    is_on=st.booleans(),
    at_ms=st.none() | st.integers(0, 2**45),
)
other_actions = st.builds(PartsWereSet, st.lists(any_integers, max_size=2).map(tuple)) | actions


@given(action=plain_actions | other_actions)
def test_the_text_is_that_of_the_payload(action: Action) -> None:
    """Byte for byte, for classes that are encoded in one go and for all others."""
    assert encode_payload_text(action) == orjson.dumps(encode_payload(action))


@pytest.mark.parametrize("name", ["key", "number", "share", "is_on", "at_ms"])
@given(other=typed_values)
def test_a_wrong_value_is_refused_as_the_codec_refuses_it(
    name: str, other: tuple[Any, Any]
) -> None:
    """With a value of another type, a text is written only where the payload is, and as it is."""
    right: Any = ValueWasSet("a", 1, 0.5, is_on=True)
    encode_payload_text(right)
    wrong = attrs.evolve(right, **{name: other[1]})
    try:
        payload = encode_payload(wrong)
    except PayloadError:
        with pytest.raises(PayloadError):
            encode_payload_text(wrong)
    else:
        assert encode_payload_text(wrong) == orjson.dumps(payload)
