"""An action alone as a text: there and back as the careful codec does it, fast or not."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.errors import PayloadError, UnknownActionError
from refold.replay.action_codec import encode_payload
from refold.replay.action_text import encode_action_text, make_action_text_decoder
from tests.strategies.observatory_strategies import actions
from tests.strategies.sameness import exactly_same
from tests.strategies.typed_values import any_floats, any_integers, any_text, typed_values


@action("action_text/value_was_set", version=3)
class ValueWasSet(Action):
    """Only plain fields."""

    key: str
    number: int
    share: float | None = None
    is_on: bool = False


@action("action_text/parts_were_set")
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
decode = make_action_text_decoder([ValueWasSet, PartsWereSet])


@given(action=plain_actions | other_actions)
def test_an_action_goes_there_and_back(action: Action) -> None:
    """A text says name, version, time and payload, and gives the very action."""
    text = encode_action_text(action)
    name, version = type(action).wire_name, type(action).wire_version
    assert text == orjson.dumps([name, version, action.at_ms, encode_payload(action)])
    assert exactly_same(decode(text), action)
    assert exactly_same(make_action_text_decoder([])(text), action)


@pytest.mark.parametrize("name", ["key", "number", "share", "is_on"])
@given(other=typed_values)
def test_a_wrong_value_is_refused_as_the_codec_refuses_it(
    name: str, other: tuple[Any, Any]
) -> None:
    """With a value of another type, a text is written only where the payload is, and as it is."""
    right: Any = ValueWasSet("a", 1, 0.5, is_on=True)
    encode_action_text(right)
    wrong = attrs.evolve(right, **{name: other[1]})
    try:
        payload = encode_payload(wrong)
    except PayloadError:
        with pytest.raises(PayloadError):
            encode_action_text(wrong)
    else:
        expected = ["action_text/value_was_set", 3, wrong.at_ms, payload]
        assert encode_action_text(wrong) == orjson.dumps(expected)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"nonsense", b"{}", b"[]", b'["a/b",1,null]', b'["a/b",1,null,{},0]', b"[1,1,null,{}]",
        b'["a/b",true,null,{}]', b'["a/b",1,true,{}]', b'["a/b",1,{"$int":"0x1"},{}]',
        b'"abcd"', b'{"a/b":0,"b":1,"c":2,"d":3}', b'["a/b","1",null,{}]',
        b'["a/b",1,"now",{}]', b'["a/b",1,null,[]]',
    ],
)  # fmt: skip
def test_what_is_no_text_of_an_action_is_refused(text: bytes) -> None:
    """The error says what a text is, and what to give."""
    with pytest.raises(PayloadError, match=r"\[name, version, at_ms, payload\], got .*; give what"):
        decode(text)


def test_a_payload_that_does_not_fit_is_explained() -> None:
    """The field and the reason are told, without a place in a log."""
    with pytest.raises(PayloadError, match=r"^the text \(action_text/value_was_set\) does not fit"):
        decode(b'["action_text/value_was_set",3,null,{"key":"a","number":"b"}]')


def test_another_version_is_left_to_the_upcasters() -> None:
    """A text of an older or newer version is not read as one of the class's own."""
    text = encode_action_text(ValueWasSet("a", 1))
    for version in (b"2", b"4"):
        with pytest.raises(UnknownActionError, match=f"version {version.decode()}"):
            decode(text.replace(b",3,", b",%b," % version, 1))


def test_missing_fields_get_their_defaults() -> None:
    """What the fast way refuses, the careful one reads."""
    text = b'["action_text/value_was_set",3,5,{"key":"a","number":1}]'
    assert exactly_same(decode(text), ValueWasSet("a", 1, at_ms=5))


def test_a_class_may_be_given_twice() -> None:
    """A class that is named again is the same."""
    text = encode_action_text(ValueWasSet("a", 1))
    assert make_action_text_decoder([ValueWasSet, ValueWasSet])(text) == ValueWasSet("a", 1)
