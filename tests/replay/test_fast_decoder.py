"""Payloads by msgspec: whatever it takes, the careful codec takes in exactly the same way."""

from __future__ import annotations

import types
from typing import Annotated, Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.replay.action_codec import decode_action, encode_payload
from refold.replay.fast_decoder import fast_decoder
from refold.replay.log_record import LogRecord
from tests.strategies.sameness import exactly_same
from tests.strategies.typed_values import any_floats, any_integers, any_text, value_strategies

REFUSED = object()
"""What is compared where a codec raised."""

PLAIN: set[Any] = {str, int, float, bool, str | None, int | None, float | None, bool | None}
"""The types of fields that are read by msgspec."""


@action("fast_decoder/everything_plain_was_said")
class EverythingPlainWasSaid(Action):
    """One field of each plain type, and each of them or None."""

    key: str
    number: int
    share: float
    is_on: bool
    note: str | None = None
    limit: int | None = None
    height: float | None = None
    answer: bool | None = None


plain_actions = st.builds(
    EverythingPlainWasSaid,
    key=any_text,
    number=any_integers,
    share=any_floats | any_integers,
    is_on=st.booleans(),
    note=st.none() | any_text,
    limit=st.none() | any_integers | st.booleans(),
    height=st.none() | any_floats,
    answer=st.none() | st.booleans(),
    at_ms=st.none() | st.integers(0, 2**45),
)
ordinary_actions = st.builds(
    EverythingPlainWasSaid,
    key=st.text(st.characters(exclude_categories=["Cs"])),
    number=st.integers(-(2**63), 2**63 - 1),
    share=st.floats(allow_nan=False, allow_infinity=False),
    is_on=st.booleans(),
    at_ms=st.none() | st.integers(0, 2**45),
)
field_names = list(EverythingPlainWasSaid.__annotations__)
names = st.sampled_from([*field_names, "at_ms", "another"])
numbers = st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
odd_texts = [
    b'"\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\x01"',
    b'"\\u0000"',
]
odd_values = [b"null", b"true", b"NaN", b"-0", b"-0.0", b"01", b"1.", b"1e400", b"[]", b'{"a":1}']
tagged = [b'{"$int":"0x10000000000000000"}', b'{"$float":"nan"}', b'{"$str":"7aCA"}']
fragments = numbers.map(str.encode) | st.sampled_from([*odd_texts, *odd_values, *tagged])


@given(action=ordinary_actions)
def test_ordinary_payloads_are_taken(action: EverythingPlainWasSaid) -> None:
    """What JSON can say without a tag is read, to the very action."""
    assert exactly_same(read_fast(type(action), text_of(action), action.at_ms), action)


@given(action=plain_actions)
def test_it_reads_what_the_careful_one_reads(action: EverythingPlainWasSaid) -> None:
    """Any payload that was written is read alike, or left to the careful codec."""
    check_alike(type(action), text_of(action), action.at_ms)


@given(action=plain_actions, data=st.data())
def test_a_changed_payload_is_refused_or_read_alike(
    action: EverythingPlainWasSaid, data: st.DataObject
) -> None:
    """Fields may be missing, added, said twice, in another order, or hold any other JSON."""
    parts = {name: orjson.dumps(value) for name, value in encode_payload(action).items()}
    pairs = list(parts.items())
    changes = data.draw(st.lists(st.tuples(names, fragments), max_size=2))
    pairs += changes if data.draw(st.booleans()) else []
    pairs = list((parts | dict(changes)).items()) if data.draw(st.booleans()) else pairs
    left_out = data.draw(st.sets(names, max_size=1))
    pairs = data.draw(st.permutations([pair for pair in pairs if pair[0] not in left_out]))
    space = data.draw(st.sampled_from([b"", b" ", b"\n\t", b"\x0b"]))
    inner = b",".join(b'"%b"%b:%b' % (name.encode(), space, value) for name, value in pairs)
    check_alike(type(action), b"{%b}" % inner, action.at_ms)


@given(action=ordinary_actions, data=st.data())
def test_broken_json_is_refused_or_read_alike(
    action: EverythingPlainWasSaid, data: st.DataObject
) -> None:
    """Bytes may be lost, or others come between."""
    text = text_of(action)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    check_alike(type(action), text[:start] + data.draw(st.binary(max_size=2)) + text[end:], None)


@given(forms=st.lists(value_strategies, min_size=1, max_size=3), data=st.data())
def test_fields_of_any_types_are_read_alike(forms: list[Any], data: st.DataObject) -> None:
    """A class with fields of any types is left to the careful codec, or read alike."""
    cls = declare({f"field_{index}": tp for index, (tp, _) in enumerate(forms)})
    values = [data.draw(values) for _, values in forms]
    assert (fast_decoder(cls) is not None) is all(tp in PLAIN for tp, _ in forms)
    check_alike(cls, text_of(cls(*values)), None)


@pytest.mark.parametrize("tp", PLAIN)
@given(data=st.data())
def test_any_json_is_read_alike_as_each_plain_type(tp: Any, data: st.DataObject) -> None:
    """A field of a plain type is read alike from any JSON, or the payload is refused."""
    check_alike(declare({"field_0": tp}), b'{"field_0":%b}' % data.draw(fragments), None)


def _accept(_action: object, _field: object, _value: int) -> None:
    """Accept whatever it is."""


@action("fast_decoder/checked")
class Checked(Action):
    """A validator."""

    number: int = attrs.field(validator=_accept)


@action("fast_decoder/converted")
class Converted(Action):
    """A converter."""

    number: int = attrs.field(converter=int)


@action("fast_decoder/finished")
class Finished(Action):
    """Its constructor does more afterwards."""

    number: int

    def __attrs_post_init__(self) -> None:
        """Do nothing."""


@action("fast_decoder/partly")
class Partly(Action):
    """A field that is no argument."""

    number: int = attrs.field(default=1, init=False)


@action("fast_decoder/private")
class Private(Action):
    """A field whose argument has another name."""

    _number: int


@action("fast_decoder/annotated")
class WithNote(Action):
    """A field with an annotation, which may hold rules."""

    number: Annotated[int, "a note"]


@action("fast_decoder/timed")
class TimedOtherwise(Action):
    """A time of its own."""

    at_ms: Any = attrs.field(default=None, kw_only=True)


@action("fast_decoder/nothing")
class NothingElse(Action):
    """No field but the time."""


@pytest.mark.parametrize(
    "cls", [Checked, Converted, Finished, Partly, Private, WithNote, TimedOtherwise]
)
def test_classes_with_rules_of_their_own_are_left_to_the_careful_one(cls: type[Action]) -> None:
    """There is no fast decoder where storing the fields is not all."""
    assert fast_decoder(cls) is None


def test_an_action_without_fields_is_read() -> None:
    """An empty payload is one; any other is refused."""
    assert read_fast(NothingElse, b"{}", 5) == NothingElse(at_ms=5)
    assert read_fast(NothingElse, b'{"a":1}', 5) is REFUSED


def declare(fields: dict[str, Any]) -> type[Any]:
    """Declare an action class with these fields, in the place of the one before."""
    namespace = {"__annotations__": fields, "__module__": __name__}
    plain = types.new_class("AnyFields", (Action,), {}, lambda names: names.update(namespace))
    declare_plain: Any = action("fast_decoder/any_fields")
    declared: type[Any] = declare_plain(plain)
    return declared


def text_of(action: Action) -> bytes:
    """Return the text of an action's payload."""
    return orjson.dumps(encode_payload(action))


def read_fast(cls: type[Action], text: bytes, at_ms: int | None) -> Any:
    """Return what the fast decoder reads."""
    decode = fast_decoder(cls)
    if decode is None:
        return REFUSED
    try:
        return decode(text, at_ms)
    except ValueError:
        return REFUSED


def read_carefully(cls: Any, text: bytes, at_ms: int | None) -> Any:
    """Return what the reference makes of a record with this payload."""
    try:
        payload = orjson.loads(text)
        name, version = cls.wire_name, cls.wire_version
        return decode_action(LogRecord(1, "w-1", name, version, at_ms, None, "app", payload))
    except Exception:  # noqa: BLE001  # any refusal is one
        return REFUSED


def check_alike(cls: type[Action], text: bytes, at_ms: int | None) -> None:
    """Check that the fast decoder refuses a text, or reads what the reference reads."""
    found = read_fast(cls, text, at_ms)
    assert found is REFUSED or exactly_same(found, read_carefully(cls, text, at_ms))
