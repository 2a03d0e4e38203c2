"""The codec of actions and states: a wrong value is refused with its path, never changed."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
import orjson
import pytest
from hypothesis import given
from pyrsistent import PMap, PVector, pmap, pvector

from refold.actions.action import Action, action
from refold.errors import PayloadError, RefoldError, UnknownActionError
from refold.replay.action_codec import decode_action, decode_state, encode_payload, encode_state
from refold.replay.log_record import LogRecord
from tests.strategies.observatory_states import Observatory
from tests.strategies.observatory_strategies import actions, states
from tests.strategies.sameness import exactly_same
from tests.strategies.typed_values import Colour, Flags, Rank, Word


@attrs.frozen
class Shape:
    """A record."""

    size: float = 1.0


@attrs.frozen
class Circle(Shape):
    """A record that is a special case of another."""

    radius: float = 2.0


@attrs.frozen
class Holder:
    """A record in a record."""

    shape: Shape = Shape()


NO_NUMBERS: PVector[int] = pvector()
NO_ENTRIES: PMap[str, int] = pmap()


@action("action_codec/filled", version=2)
class Filled(Action):
    """One field of each kind."""

    an_int: int = 0
    a_float: float = 0.0
    a_bool: bool = False
    a_text: str = ""
    some_bytes: bytes = b""
    a_day: datetime.date = datetime.date(2020, 1, 1)
    a_time: datetime.datetime = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    a_span: datetime.timedelta = datetime.timedelta(0)
    a_decimal: Decimal = Decimal(0)
    a_uuid: UUID = UUID(int=0)
    a_word: Word = Word.YES
    a_rank: Rank = Rank.LOW
    a_colour: Colour = Colour.RED
    some_flags: Flags = Flags.A
    a_tuple: tuple[int, ...] = ()
    a_row: tuple[int, str] = (0, "")
    a_set: frozenset[int] = frozenset()
    a_vector: PVector[int] = NO_NUMBERS
    a_map: PMap[str, int] = NO_ENTRIES
    a_shape: Shape = Shape()
    a_holder: Holder = Holder()
    a_choice: int | str | None = None


def record_of(action: Action) -> LogRecord:
    """Return the record of an action, as it comes out of a line of a log."""
    payload = orjson.loads(orjson.dumps(encode_payload(action)))
    return LogRecord(
        seq=7,
        id="writer-7",
        name=action.wire_name,
        version=action.wire_version,
        at_ms=action.at_ms,
        cause=None,
        origin="app",
        payload=payload,
    )


@given(action=actions)
def test_an_action_comes_back_as_it_was(action: Action) -> None:
    """Decoding what was encoded gives an equal action of the same class, with its time."""
    assert exactly_same(decode_action(record_of(action)), action)


@given(state=states)
def test_a_state_comes_back_as_it_was(state: Observatory) -> None:
    """Decoding what was encoded gives the same state to the last bit."""
    written = orjson.loads(orjson.dumps(encode_state(state)))
    assert exactly_same(decode_state(written, Observatory), state)


def test_the_time_is_no_part_of_the_payload() -> None:
    """``at_ms`` stands in the envelope, not in the payload."""
    assert "at_ms" not in encode_payload(Filled(at_ms=5))
    assert decode_action(record_of(Filled(at_ms=5))).at_ms == 5


WRONG: list[tuple[str, object]] = [
    ("an_int", 1.5),
    ("an_int", "1"),
    ("an_int", None),
    ("a_float", "1.0"),
    ("a_float", None),
    ("a_float", Decimal(1)),
    ("a_bool", 1),
    ("a_bool", None),
    ("a_text", 5),
    ("a_text", b"x"),
    ("a_text", None),
    ("some_bytes", "x"),
    ("some_bytes", bytearray(b"x")),
    ("a_day", datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC)),
    ("a_day", "2020-01-01"),
    ("a_time", datetime.date(2020, 1, 1)),
    ("a_span", 5),
    ("a_decimal", 1),
    ("a_decimal", 1.5),
    ("a_decimal", "1"),
    ("a_uuid", "00000000-0000-0000-0000-000000000000"),
    ("a_uuid", None),
    ("a_word", "yes"),
    ("a_word", "neither"),
    ("a_rank", 1),
    ("a_colour", "RED"),
    ("some_flags", 1),
    ("a_tuple", [1]),
    ("a_tuple", (1, "x")),
    ("a_row", (1,)),
    ("a_row", (1, 2)),
    ("a_row", (1, "x", 3)),
    ("a_set", {1}),
    ("a_set", (1,)),
    ("a_vector", (1,)),
    ("a_vector", pvector(["x"])),
    ("a_map", {"x": 1}),
    ("a_map", pmap({"x": "y"})),
    ("a_map", pmap({1: 1})),
    ("a_shape", Circle()),
    ("a_shape", None),
    ("a_shape", Shape("wide")),  # type: ignore[arg-type]  # it is meant to be wrong
    ("a_holder", Shape()),
    ("a_holder", Holder(Shape("wide"))),  # type: ignore[arg-type]  # it is meant to be wrong
    ("a_choice", 1.5),
    ("a_choice", b"x"),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=repr)
def test_a_wrong_value_is_refused_or_comes_back_as_it_was(field: str, value: object) -> None:
    """What does not fit its type is refused when it is written, and never comes back as another."""
    wrong: Any = {field: value}
    try:
        record = record_of(Filled(**wrong))
    except PayloadError:
        return
    back = getattr(decode_action(record), field)
    assert exactly_same(back, value), f"{value!r} was written, and came back as {back!r}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("an_int", "x"),
        ("a_row", (1, "x", 3)),
        ("a_tuple", (1, "x")),
        ("a_map", pmap({"x": "y"})),
        ("a_holder", Holder(Shape("wide"))),  # type: ignore[arg-type]  # it is meant to be wrong
    ],
)
def test_a_refused_value_is_named_with_its_path(field: str, value: object) -> None:
    """The error has the path of the field, and its text says the field, too."""
    wrong: Any = {field: value}
    with pytest.raises(PayloadError) as caught:
        encode_payload(Filled(**wrong))
    assert caught.value.path.startswith(f"Filled.{field}")
    assert field in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"an_int": "x"}, "an_int"),
        ({"a_float": [1]}, "a_float"),
        ({"a_uuid": "no uuid"}, "a_uuid"),
        ({"a_word": "neither"}, "a_word"),
        ({"a_time": "yesterday"}, "a_time"),
        ({"a_tuple": [1, "x"]}, "a_tuple"),
        ({"a_holder": {"shape": {"size": "wide"}}}, "a_holder.shape.size"),
        ({"a_choice": 1.5}, "a_choice"),
        ({"a_span": [1, 2, 3, 4, 5, 6, 7, 8]}, "a_span"),
        ({"unknown": 1}, "Filled"),
        ({"a_shape": {"unknown": 1}}, "a_shape"),
    ],
)
def test_a_wrong_payload_is_refused_with_its_path(payload: dict[str, Any], path: str) -> None:
    """A record that does not fit its class gives an error with seq, name and the field's path."""
    complete = {**encode_payload(Filled()), **payload}
    record = attrs.evolve(record_of(Filled()), payload=complete)
    with pytest.raises(PayloadError) as caught:
        decode_action(record)
    assert path in caught.value.path
    assert "seq 7 (action_codec/filled)" in str(caught.value)


def test_a_missing_field_takes_its_default_or_is_refused() -> None:
    """A field that is not in the payload has its default; without one the record is refused."""
    record = attrs.evolve(record_of(Filled(an_int=5)), payload={})
    assert decode_action(record) == Filled()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "nobody/declared"}, "no loaded module declares; import the module"),
        ({"version": 3}, "is version 2; update the application"),
        ({"version": 1}, "is version 2; declare an upcaster"),
    ],
)
def test_an_unknown_action_is_named(changes: dict[str, Any], words: str) -> None:
    """An unknown name, a newer and an older version each say what to do."""
    record = attrs.evolve(record_of(Filled()), **changes)
    with pytest.raises(UnknownActionError) as caught:
        decode_action(record)
    assert words in str(caught.value)
    assert "seq 7" in str(caught.value)
    assert record.name in str(caught.value)
    assert isinstance(caught.value, RefoldError)
