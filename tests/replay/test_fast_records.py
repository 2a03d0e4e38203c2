"""The fast codec of records: whatever it takes, the careful one takes in exactly the same way."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import attrs
import orjson
import pytest
from cattrs.gen import override
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.errors import PayloadError
from refold.replay.action_codec import decode_action, encode_payload
from refold.replay.fast_records import (
    add_fast_records,
    is_fast_record,
    make_fast_decode,
    make_fast_encode,
)
from refold.replay.log_record import LogRecord
from refold.replay.upcaster_records import add_record_versions
from refold.replay.value_codec import make_value_converter
from tests.strategies.observatory_strategies import actions
from tests.strategies.sameness import exactly_same
from tests.strategies.typed_values import (
    any_floats,
    any_integers,
    any_text,
    typed_values,
    value_strategies,
)

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

REFUSED = object()
"""What is compared where a codec raised."""

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "nan", "0x10000000000000000", "LOW", "yes"]),
    lambda parts: (
        st.lists(parts, max_size=2)
        | st.dictionaries(st.sampled_from(["$int", "$float", "$str", "$of", "value", "a"]), parts)
    ),
    max_leaves=4,
)


@functools.cache
def careful() -> Converter:
    """Return the converter that is the reference, made once."""
    converter = make_value_converter()
    add_record_versions(converter)
    return converter


@functools.cache
def fast() -> Converter:
    """Return the converter that is judged, made once."""
    converter = make_value_converter()
    add_fast_records(converter)
    add_record_versions(converter)
    return converter


def written(converter: Converter, value: object, cls: type) -> object:
    """Return the JSON text that a converter makes of a record."""
    try:
        return orjson.dumps(converter.unstructure(value, cls))
    except Exception:  # noqa: BLE001  # any refusal is one
        return REFUSED


def read(converter: Converter, value: object, cls: Any) -> Any:
    """Return what a converter reads."""
    try:
        return converter.structure(value, cls)
    except Exception:  # noqa: BLE001  # any refusal is one
        return REFUSED


@st.composite
def records(draw: st.DrawFn) -> tuple[type, Any, dict[str, Any]]:
    """Draw a class with fields of any types, a record of it, and its JSON."""
    forms = draw(st.lists(value_strategies, min_size=1, max_size=3))
    fields = {f"field_{i}": attrs.field(type=tp) for i, (tp, _) in enumerate(forms)}
    cls = attrs.make_class("Record", fields, frozen=True, slots=True)
    record = cls(*(draw(values) for _, values in forms))
    return cls, record, orjson.loads(orjson.dumps(careful().unstructure(record, cls)))


@given(drawn=records(), data=st.data())
def test_it_writes_what_the_careful_one_writes(
    drawn: tuple[type, Any, dict[str, Any]], data: st.DataObject
) -> None:
    """Records of any types are written alike; what it writes with a wrong value is no other."""
    cls, record, _ = drawn
    assert written(fast(), record, cls) == written(careful(), record, cls)
    name = data.draw(st.sampled_from([field.name for field in attrs.fields(cls)]))
    _, other = data.draw(typed_values)
    wrong = attrs.evolve(record, **{name: other})
    assert written(fast(), wrong, cls) in {REFUSED, written(careful(), wrong, cls)}


@given(drawn=records(), data=st.data())
def test_it_reads_what_the_careful_one_reads(
    drawn: tuple[type, Any, dict[str, Any]], data: st.DataObject
) -> None:
    """A whole record is read alike; a changed one is refused, or read alike."""
    cls, record, text = drawn
    assert exactly_same(read(fast(), text, cls), record)
    changed: Any = dict(text)
    name = data.draw(st.sampled_from([*text, "another"]))
    if data.draw(st.booleans()):
        changed[name] = data.draw(json_values)
    else:
        changed.pop(name, None)
    found = read(fast(), changed, cls)
    assert found is REFUSED or exactly_same(found, read(careful(), changed, cls))


@given(value=json_values)
def test_it_reads_no_record_of_anything_else(value: object) -> None:
    """What is no object of the record's fields is refused by both."""
    assert read(fast(), value, Plain) is read(careful(), value, Plain) is REFUSED
    if value != {}:
        assert read(fast(), value, Optional) is read(careful(), value, Optional) is REFUSED


@pytest.mark.parametrize("text", ["", "a", "é", "🎈", "\ud800", "a\udfff"])
def test_texts_of_all_kinds_are_written_alike(text: str) -> None:
    """A text that JSON lacks is written as the careful codec does."""
    record = Plain(1, text)
    found = written(fast(), record, Plain)
    assert found is not REFUSED
    assert found == written(careful(), record, Plain)


@attrs.frozen
class Optional:
    """Nothing has to be there."""

    note: bool = False


@attrs.frozen
class Plain:
    """Only stores."""

    number: int
    text: str | None = "a"
    parts: tuple[int, ...] = attrs.field(factory=tuple)


@attrs.frozen(kw_only=True)
class ByKeyword(Plain):
    """A subclass whose own field is given by keyword."""

    share: float


def _check_positive(_record: object, _field: object, number: int) -> None:
    if number < 0:
        message = "expected 0 or more"
        raise ValueError(message)


def _shout(text: str) -> str:
    return text.upper()


@attrs.frozen
class Checked:
    """Its constructor checks, converts, and has a default of its own."""

    number: int = attrs.field(validator=_check_positive)
    text: str = attrs.field(converter=_shout, default="a")


@attrs.frozen
class Finished:
    """Its constructor does more afterwards."""

    number: int

    def __attrs_post_init__(self) -> None:
        """Refuse one number."""
        if self.number == 1:
            raise ValueError(self.number)


@attrs.frozen(init=False)
class Handmade:
    """A constructor of its own, with a default of its own."""

    number: int
    text: str = "a"

    def __init__(self, number: int, text: str = "another") -> None:
        """Store both."""
        self.__attrs_init__(number, text)  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  # made by attrs


@attrs.frozen(slots=False)
class WithDict:
    """Keeps its fields in a dict."""

    number: int


@attrs.frozen
class Late:
    """A default that is made of another field."""

    number: int
    twice: int = attrs.field(default=attrs.Factory(lambda self: self.number * 2, takes_self=True))


@attrs.frozen
class Private:
    """A field whose argument has another name."""

    _number: int


@attrs.frozen
class Partly:
    """A field that is no argument."""

    number: int
    other: int = attrs.field(default=1, init=False)


@attrs.frozen
class Renamed:
    """A field that the converter is told to write under another name."""

    number: Annotated[int, override(rename="n")]


@attrs.frozen
class Generically(Generic[T]):
    """A field whose type somebody else says."""

    number: int
    content: T | None = None


CLASSES = (
    Plain, ByKeyword, Checked, Finished, Handmade, WithDict, Late, Private, Partly, Renamed,
    Generically,
)  # fmt: skip
FAST = {Plain, ByKeyword, Checked, Finished, Handmade, WithDict}


@pytest.mark.parametrize("cls", CLASSES)
def test_which_classes_it_takes(cls: type) -> None:
    """Classes for which the converter has rules of its own are left to it."""
    assert is_fast_record(cls) is (cls in FAST)


@pytest.mark.parametrize("cls", CLASSES)
@given(
    value=st.fixed_dictionaries(
        {},
        optional={
            "number": any_integers | json_values,
            "_number": any_integers,
            "n": any_integers,
            "text": any_text | json_values,
            "share": any_floats.filter(lambda share: share - share == 0) | json_values,
            "parts": st.lists(any_integers | json_values, max_size=2),
            "twice": any_integers,
            "other": any_integers,
        },
    )
)
def test_classes_of_all_kinds_are_read_alike(cls: type, value: dict[str, Any]) -> None:
    """Whatever a class's constructor does, both codecs make the same record or refuse."""
    found, expected = read(fast(), value, cls), read(careful(), value, cls)
    if expected is REFUSED:
        assert found is REFUSED
    elif found is not REFUSED:
        assert exactly_same(found, expected)
        assert written(fast(), found, cls) == written(careful(), expected, cls)


@attrs.frozen
class Chain:
    """A record whose field is declared as another of its kind, and is none at the end."""

    number: int
    rest: Chain = attrs.field(default=None)


def test_a_class_may_hold_itself() -> None:
    """A class that names itself is taken, and what does not fit it is refused."""
    text = {"number": 1, "rest": {"number": 2}}
    assert read(fast(), text, Chain) == read(careful(), text, Chain) == Chain(1, Chain(2))
    assert written(fast(), Chain(1, Chain(2)), Chain) is REFUSED


def test_missing_fields_get_their_defaults() -> None:
    """A field that is not there gets its default, a new one from its factory."""
    assert read(fast(), {"number": 1}, Plain) == Plain(1)


def test_a_subclass_is_refused_where_its_base_is_declared() -> None:
    """A record of a subclass would come back as its base, so it is not written as one."""
    assert written(fast(), ByKeyword(number=1, share=0.5), Plain) is REFUSED


@given(value=st.fixed_dictionaries({"number": any_integers, "text": any_text}), given_=json_values)
def test_a_field_may_be_given_beside_the_others(value: dict[str, Any], given_: object) -> None:
    """A field that stands elsewhere is read as if it stood among the others, and left out there."""
    decode = make_fast_decode(Plain, fast(), given="text")
    text = orjson.loads(orjson.dumps(careful().unstructure(Plain(value["number"]), Plain)))
    del text["text"]
    expected = read(careful(), {**text, "text": given_}, Plain)
    try:
        found = decode(text, given_)
    except Exception:  # noqa: BLE001  # any refusal is one
        found = REFUSED
    assert found is expected or exactly_same(found, expected)
    encode = make_fast_encode(Plain, fast(), without="text")
    assert encode(Plain(value["number"], value["text"])) == text


@action("fast_records/checked")
class CheckedAction(Action):
    """An action whose constructor checks."""

    number: int = attrs.field(validator=_check_positive)


@given(action=actions)
def test_actions_go_the_same_way(action: Action) -> None:
    """An action's payload and time are what the careful codec makes of it, there and back."""
    payload = encode_payload(action)
    expected = careful().unstructure(action, type(action))
    del expected["at_ms"]
    assert orjson.dumps(payload) == orjson.dumps(expected)
    assert exactly_same(decode_action(record_of(action, payload)), action)


def test_what_the_fast_codec_refuses_the_careful_one_explains() -> None:
    """An action that does not fit is refused with the field and the reason."""
    record = record_of(CheckedAction(1), {"number": -1})
    with pytest.raises(PayloadError, match="expected 0 or more"):
        decode_action(record)
    with pytest.raises(PayloadError, match="required field missing: 'number'"):
        decode_action(record_of(CheckedAction(1), {}))


def record_of(action: Action, payload: dict[str, Any]) -> LogRecord:
    """Return an action's record as it comes out of a line."""
    read_payload = orjson.loads(orjson.dumps(payload))
    name, version = action.wire_name, action.wire_version
    return LogRecord(1, "w-1", name, version, action.at_ms, None, "app", read_payload)
