"""Reading and writing messages: identity for what can be written, a reason for all else."""

from __future__ import annotations

import datetime
import enum
import json
import logging
from typing import TYPE_CHECKING, Any, Literal, cast

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyrsistent import PMap, PSet, PVector, pmap, pset, pvector

from refold.actions.message import MessageRegistry, message
from refold.errors import ValueTypeError
from refold.middleware.decode_message import BadMessage, decode_message, encode_message
from refold.middleware.message_decoder import MessageDecoder
from tests.strategies.sameness import exactly_same
from tests.strategies.typed_values import TypedValue, typed_values

if TYPE_CHECKING:
    from collections.abc import Callable

REGISTRY = MessageRegistry()


class Side(enum.IntEnum):
    """A member that is an int."""

    BUY = 1
    SELL = 2


class Shade(enum.Enum):
    """Members whose values are no JSON."""

    DARK = (0, 0)


@attrs.frozen
class Part:
    """A record in a message."""

    name: str
    weight: float = 1.0


@message("order", registry=REGISTRY)
class Order:
    """A field of every kind that a foreign peer may get wrong."""

    count: int = 0
    price: float = 0.0
    text: str = ""
    is_open: bool = False
    side: Side = Side.BUY
    shade: Shade = Shade.DARK
    mode: Literal["a", 1] = "a"
    raw: bytes = b""
    took: datetime.timedelta = datetime.timedelta(0)
    tags: PMap[str, int] = pmap()  # immutable
    by_number: PMap[int, str] = pmap()  # immutable
    parts: PVector[Part] = pvector()  # immutable
    note: str | None = None


@message("needs", registry=REGISTRY)
class Needs:
    """A field without a default."""

    name: str


class UnspeakableError(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        """Raise."""
        message = "no text"
        raise ValueError(message)


def refuse_all(_record: object, _field: object, _value: object) -> None:
    """Refuse any value in a way that cannot be told."""
    raise UnspeakableError


@message("unspeakable", registry=REGISTRY)
class Unspeakable:
    """A class whose validator raises what has no text."""

    size: int = attrs.field(validator=cast("Any", refuse_all))


@message("mutable", registry=REGISTRY)
class Mutable:
    """A class with a field that no message may have."""

    names: list[str] = attrs.field(factory=list[str])


@message("tree", registry=REGISTRY)
class Tree:
    """A type that holds itself."""

    children: PVector[Tree] = pvector()  # immutable


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        """Start without any."""
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "count", "text", "tags", "parts", ":", '"', "$of"])
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
near_misses = st.fixed_dictionaries(
    {"type": st.just("order")},
    optional={field.name: json_values for field in attrs.fields(cast("Any", Order))},
)
"""Objects with the fields of an order, and anything in them."""


def decode(raw: str | bytes) -> object:
    """Return what a text gives with the classes of this file."""
    return decode_message(raw, REGISTRY)


def order(**fields: Any) -> str:
    """Return the text of an order with these JSON values."""
    return json.dumps({"type": "order", **fields})


def reason(raw: str | bytes) -> str:
    """Return why a text is no message; its sample is its beginning."""
    bad = decode(raw)
    assert isinstance(bad, BadMessage), bad
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    assert bad.sample == text[:200]
    assert 0 < len(bad.reason) <= 200
    return bad.reason


@example((PSet[Literal["a", 1] | int], pset([True])))  # noqa: PYI051  # as some may write it
@given(typed_values)
def test_what_can_be_written_comes_back_exactly(typed_value: TypedValue) -> None:
    """Decode after encode is the identity, for a field of any type; or encode refuses the value."""
    tp, value = typed_value
    registry = MessageRegistry()
    cls: Any = message("holder", registry=registry)(
        type("Holder", (), {"__annotations__": {"value": tp}})
    )
    try:
        text = encode_message(cls(value))
    except ValueError as error:
        assert "'holder'" in str(error)  # noqa: PT017  # both outcomes are right
        return
    back: Any = decode_message(text, registry)
    assert not isinstance(back, BadMessage), f"{text} of {tp}: {back}"
    assert exactly_same(back.value, value)
    assert exactly_same(cast("Any", decode_message(text.encode(), registry)).value, value)


@given(
    st.builds(
        Order,
        count=st.integers(-(2**63), 2**64 - 1),
        price=st.floats(allow_nan=False, allow_infinity=False),
        text=st.text(st.characters(codec="utf-8")) | st.sampled_from(['a":"b', "\\", ":", '\\":']),
        is_open=st.booleans(),
        side=st.sampled_from(Side),
        mode=st.sampled_from(["a", 1]),
        raw=st.binary(max_size=9),
        took=st.timedeltas(),
        tags=st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(0, 9)).map(pmap),
        by_number=st.dictionaries(st.integers(0, 99), st.just(":")).map(pmap),
        parts=st.lists(st.builds(Part, st.just("a:b"), st.just(0.5)), max_size=3).map(pvector),
        note=st.none() | st.just("12:00"),
    )
)
def test_every_order_comes_back(sent: Order) -> None:
    """Nothing of a plain message is refused: colons and quotes in texts are no keys."""
    assert exactly_same(decode(encode_message(sent)), sent)


@given(st.text() | st.binary() | json_values.map(json.dumps) | near_misses.map(json.dumps))
@example("[" * 100_000)
@example('{"a":' * 100_000)
@example('{"type":"tree","children":[' * 300 + "]}" * 300)
@example('{"type":"order","text":' + "[" * 1000 + "]" * 1000 + "}")
@example('{"type":"order","count":' + "9" * 100_000 + "}")
@example('{"type":"order","price":' + "9" * 100_000 + "}")
@example('{"type":"order","price":1e999}')
@example('{"type":"order","text":"\ud800"}')
@example('{"type":"order","text":"\\ud800"}')
@example(b"\xff\xfe" * 300)
@example("")
def test_nothing_that_arrives_raises(raw: str | bytes) -> None:
    """Table L: any text gives a message or a reason with a sample of at most 200 characters."""
    decoded = decode(raw)
    if isinstance(decoded, BadMessage):
        assert reason(raw) == decoded.reason
    else:
        assert exactly_same(decode(encode_message(decoded)), decoded)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ('{"type":"order",}', "no JSON"),
        ('{"type":"order","price":NaN}', "no JSON"),
        ('{"type":"order"}{}', "no JSON"),
        (b'\xff{"type":"order"}', "no JSON"),
        ('{"type":"order","count":' + "1" * 100_000 + "}", "no JSON"),
        ("[" * 2000 + "]" * 2000, "no JSON"),
        ("[]", "expected a JSON object, got a list"),
        ("null", "expected a JSON object, got null"),
        ("7", "got a number"),
        ("true", "got a boolean"),
        ('"order"', "got a text"),
        ("{}", "'type', which is missing"),
        ('{"Type":"order"}', "'type', which is missing"),
        ('{"type":null}', "expected a text under the key 'type', got null"),
        ('{"type":["order"]}', "got a list"),
        ('{"type":{}}', "got an object"),
        ('{"type":""}', "no loaded module declares"),
        ('{"type":"nothing"}', "type 'nothing'"),
        ('{"type":"needs"}', "name"),
        ('{"type":"needs","name":"a","more":1}', "more"),
        ('{"type":"unspeakable","size":1}', "Unspeakable"),
        ('{"type":"mutable","names":[]}', "names"),
    ],
)
def test_what_is_no_message_gets_a_reason(raw: str | bytes, why: str) -> None:
    """Table L: each kind of bad input is told by its own words."""
    assert why in reason(raw)


@pytest.mark.parametrize(
    "raw",
    [
        '{"type":"order","type":"order"}',
        '{"type":"needs","type":"order"}',
        '{"type":"order","text":"a","text":"a"}',
        '{"type":"order","text":"a:b","text":"c"}',
        '{"type":"order","text":"\\":","te\\u0078t":"c"}',
        '{"type":"order","tags":{"a":1,"a":1}}',
        '{"type":"order","parts":[{"name":"a"},{"name":"a","name":"b"}]}',
        '{"type":"order","tags":{"a":{"b":1}},"tags":{}}',
        '{"type" : "order", "count" : 1, "count" : 1}',
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_key_that_stands_twice_is_refused(raw: str, as_bytes: bool) -> None:  # noqa: FBT001  # a case
    """Table L: in any object of the text, however the key is spelt."""
    assert "a key twice" in reason(raw.encode() if as_bytes else raw)


keys = st.text(':"a', max_size=2)
values_with_pairs: st.SearchStrategy[Any] = st.recursive(
    st.text(':"\\a') | st.integers(0, 9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(keys, inner), max_size=3).map(tuple)
    ),
)
"""JSON values in which a tuple of pairs is an object, with any key any number of times."""


@given(values_with_pairs)
def test_double_keys_are_found_as_a_naive_reader_finds_them(value: Any) -> None:
    """Exactly those texts are refused in which the standard library's reader sees a key twice."""
    text = '{"type":"nothing","held":' + write_pairs(value) + "}"
    doubles: list[int] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        doubles.append(len(pairs) - len(dict(pairs)))
        return dict(pairs)

    json.loads(text, object_pairs_hook=note)
    assert ("a key twice" in reason(text)) == any(doubles)


def write_pairs(value: Any) -> str:
    """Return JSON in which a tuple of pairs is an object, with every pair written."""
    if isinstance(value, tuple):
        pairs = cast("tuple[tuple[str, Any], ...]", value)
        inner = ",".join(f"{json.dumps(key)}: {write_pairs(part)}" for key, part in pairs)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_pairs, cast("Any", value))) + "]"
    return json.dumps(value)


COERCIONS: list[tuple[str, Any]] = [
    ("count", True),
    ("count", 1.0),
    ("count", "1"),
    ("count", None),
    ("count", {"$int": "0x1"}),
    ("count", 2**64),
    ("price", True),
    ("price", "1.5"),
    ("price", {"$float": "nan"}),
    ("text", 1),
    ("text", None),
    ("text", {"$str": "YQ=="}),
    ("is_open", 1),
    ("is_open", "true"),
    ("side", 1.0),
    ("side", True),
    ("side", 3),
    ("side", "BUY"),
    ("shade", "LIGHT"),
    ("shade", [0, 0]),
    ("mode", True),
    ("mode", 1.0),
    ("mode", "b"),
    ("raw", "!!!!"),
    ("raw", 1),
    ("took", [1, 2.5, 3]),
    ("took", [1, True, 3]),
    ("took", {}),
    ("took", "abc"),
    ("tags", None),
    ("tags", 0),
    ("tags", ""),
    ("tags", {"a": True}),
    ("tags", {"a": "1"}),
    ("by_number", {"1": "a"}),
    ("by_number", [[1, "a"], [1, "b"]]),
    ("by_number", [[1]]),
    ("parts", {}),
    ("parts", [{"name": "a", "more": 1}]),
    ("parts", [[]]),
    ("note", 1),
]
"""Fields of an order, and JSON values of another kind."""


@pytest.mark.parametrize(("field", "value"), COERCIONS)
def test_nothing_is_coerced(field: str, value: object) -> None:
    """A JSON value of another kind than the field declares is a mismatch that names the field."""
    assert f"Order.{field}" in reason(order(**{field: value}))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"price": 1}, Order(price=1)),
        ({"side": 2}, Order(side=Side.SELL)),
        ({"shade": "DARK"}, Order(shade=Shade.DARK)),
        ({"mode": 1}, Order(mode=1)),
        ({"tags": {"a": 1}}, Order(tags=pmap({"a": 1}))),
        ({"by_number": [[1, "a"]]}, Order(by_number=pmap({1: "a"}))),
        ({"parts": [{"name": "a"}]}, Order(parts=pvector([Part("a")]))),
        ({"took": [1, 2, 3]}, Order(took=datetime.timedelta(1, 2, 3))),
    ],
)
def test_what_a_peer_writes_is_read(fields: dict[str, Any], wanted: Order) -> None:
    """Plain JSON gives the values that it says, and absent fields their defaults."""
    assert exactly_same(decode(order(**fields)), wanted)
    assert exactly_same(decode(order(**fields).encode()), wanted)


@given(st.text(st.characters(codec="utf-8"), min_size=190), st.booleans())
def test_a_sample_of_bytes_is_that_of_their_text(
    text: str,
    is_cut: bool,  # noqa: FBT001  # a case
) -> None:
    """A sample never ends with a broken character that the text does not have."""
    raw = text.encode()
    bad = decode(raw + b"\xf0" if is_cut else raw)
    assert isinstance(bad, BadMessage)
    assert bad.sample == (text + "\ufffd" if is_cut else text)[:200]


def test_the_key_of_the_type_can_be_another() -> None:
    """Both directions take the key under which the type stands; the field may then be `type`."""
    registry = MessageRegistry()

    @message("event", registry=registry)
    class Event:
        """A message with a field of the usual key's name."""

        type: str

    text = encode_message(Event("a"), key="op")
    assert json.loads(text) == {"op": "event", "type": "a"}
    assert decode_message(text, registry, key="op") == Event("a")
    bad = decode_message('{"type":"event"}', registry)
    assert isinstance(bad, BadMessage)
    assert "rename the field" in bad.reason
    with pytest.raises(ValueError, match="rename the field"):
        encode_message(Event("a"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Order(price=float("nan")),
        lambda: Order(price=float("inf")),
        lambda: Order(price=2**64),
        lambda: Order(count=2**64),
        lambda: Order(count=True),
        lambda: Order(count=cast("Any", "1")),
        lambda: Order(count=10**5000),
        lambda: Order(text="\ud800"),
        lambda: Order(tags=pmap({"\ud800": 1})),
        lambda: Order(parts=pvector([cast("Any", "a")])),
        lambda: Order(note=cast("Any", 1)),
    ],
)
def test_what_json_cannot_carry_is_refused_when_written(make: Callable[[], Order]) -> None:
    """Table L: NaN, infinities, lone surrogates, ints beyond 64 bits and wrong types raise."""
    with pytest.raises(ValueError, match=r"'order' \(Order\) cannot be written as JSON: .+; give"):
        encode_message(make())


def test_only_messages_are_written() -> None:
    """An object that is no message raises a TypeError that says what to do."""
    with pytest.raises(TypeError, match="@message"):
        encode_message(Part("a"))
    with pytest.raises(ValueTypeError, match="names"):
        encode_message(Mutable())


def test_an_error_of_the_registry_is_a_bad_message() -> None:
    """Also a fault of our own side does not reach the reader."""

    class Broken(MessageRegistry):
        """Finds nothing."""

        def find(self, wire_type: str) -> type | None:
            """Raise."""
            raise LookupError(wire_type)

    bad = decode_message('{"type":"a"}', Broken())
    assert bad == BadMessage("reading it raised LookupError", '{"type":"a"}')


@given(
    st.lists(st.booleans(), max_size=12).map(lambda runs: [good for good in runs for _ in "a" * 60])
)
@example([False] * 350)
@example([False] * 99 + [True] + [False] * 99)
def test_a_hundred_bad_messages_in_a_row_warn_once(arrivals: list[bool]) -> None:
    """Table L: the 100th bad message of a row logs one warning; a good one ends the row."""
    kept = Kept()
    logger = logging.getLogger("refold.websocket")
    logger.addHandler(kept)
    try:
        decoder = MessageDecoder(REGISTRY)
        rows = [0]
        for is_good in arrivals:
            decoded = decoder.decode('{"type":"order"}' if is_good else "{")
            assert isinstance(decoded, Order if is_good else BadMessage)
            rows = [*rows, 0] if is_good else [*rows[:-1], rows[-1] + 1]
            assert decoder.bad_in_a_row == rows[-1]
        assert decoder.bad_count == arrivals.count(False)
        assert len(kept.records) == sum(row >= 100 for row in rows)
        assert all(record.levelno == logging.WARNING for record in kept.records)
        assert all("@message" in record.getMessage() for record in kept.records)
    finally:
        logger.removeHandler(kept)
