"""The quick way of decoding: it gives exactly what `decode_message` gives, and it is taken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from refold.actions.message import MessageRegistry, message
from refold.middleware import message_decoder
from refold.middleware.decode_message import BadMessage, decode_message
from refold.middleware.message_decoder import MessageDecoder
from refold.middleware.plain_message_reader import has_each_key_once, make_plain_message_reader
from tests.connection.messages_plain_and_not import (
    ANY_VALUE,
    FITTING,
    NOT_PLAIN,
    PLAIN,
    REGISTRY,
    TYPE_OF,
    Defaulted,
    Empty,
    Keyed,
    Longer,
    Made,
    Of,
    Open,
    Reading,
    Resolved,
    Unslotted,
    message_texts,
)
from tests.strategies.sameness import exactly_same

if TYPE_CHECKING:
    from collections.abc import Callable

DECODER: Final = MessageDecoder(REGISTRY)
"""One for all examples, as one connection has; its readers are made once."""


def reading(**changes: Any) -> str:
    """Return the text of a reading with these JSON values."""
    fields = {"type": "reading", "sensor": "a", "value": 1.5, "count": 4, "is_last": False}
    return json.dumps(fields | changes)


@settings(max_examples=max(500, settings().max_examples))  # a class and a flaw must meet
@given(message_texts())
@example('{"type":"defaulted","name":"a","is_open":0}')
@example('{"type":"defaulted","name":"a","note":null}')
@example('{"type":"reading","sensor":"a","sensor":"\\u003a","value":1,"count":1,"is_last":true}')
@example('{"type":"made","count":1}')
@example('{"type":"empty"}')
@example('{"type":"keyed","more":1}')
@example('{"type":7}')
@example('{"type":["empty"]}')
@example('["type"]')
@example('"type"')
@example("")
def test_the_quick_way_gives_what_the_careful_way_gives(raw: str | bytes) -> None:
    """Any text gives the same message, to the type of each field, or the same reason and sample."""
    bad_count = DECODER.bad_count
    quick: Any = DECODER.decode(raw)
    careful: Any = decode_message(raw, REGISTRY)
    assert type(quick) is type(careful), f"{quick} instead of {careful}"
    assert exactly_same(quick, careful), f"{quick} instead of {careful}"
    assert DECODER.bad_count - bad_count == isinstance(careful, BadMessage)
    assert (DECODER.bad_in_a_row > 0) == isinstance(careful, BadMessage)


def test_the_texts_of_the_property_reach_both_sides() -> None:
    """All but three classes can be read with values that fit what stands in their source."""
    unread = [
        cls
        for cls in PLAIN + NOT_PLAIN
        if isinstance(decode_message(fitting_text(cls), REGISTRY), BadMessage)
    ]
    assert unread == [Of, Resolved, Keyed]


def fitting_text(cls: Any, **changes: str) -> str:
    """Return a text of the class with the first fitting value for each field that a message fills.

    Args:
        cls: of this file's registry.
        changes: JSON for some of the fields instead.
    """
    fields = {
        field.name: FITTING[TYPE_OF.get(field.name, "str")][0]
        for field in attrs.fields(cls)
        if field.init and field.name != "type"
    }
    pairs = {"type": json.dumps(cls.__refold_wire_type__), **fields, **changes}.items()
    return "{" + ",".join(f'"{name}":{value}' for name, value in pairs) + "}"


@pytest.mark.parametrize("cls", PLAIN + NOT_PLAIN)
def test_each_value_in_each_field_is_judged_alike(cls: Any) -> None:
    """One field of a good message with any value: both ways give the same."""
    for field in attrs.fields(cls):
        for value in ANY_VALUE:
            raw = fitting_text(cls, **{field.name: value})
            quick, careful = DECODER.decode(raw), decode_message(raw, REGISTRY)
            assert exactly_same(quick, careful), f"{quick} instead of {careful}"


@pytest.mark.parametrize("cls", PLAIN)
def test_a_plain_class_has_a_reader(cls: Any) -> None:
    """A class of bools, ints, floats and texts is read the quick way."""
    assert make_plain_message_reader(cls, "type") is not None


@pytest.mark.parametrize("cls", [*NOT_PLAIN, None, int])
def test_any_other_class_has_no_reader(cls: Any) -> None:
    """A class whose constructor or fields do more than store plain values is read carefully."""
    assert make_plain_message_reader(cls, "type") is None


class CarefulWayTakenError(BaseException):
    """The careful way was asked."""


@pytest.fixture
def no_careful_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the careful way raise."""

    def refuse(*_args: object, **_named: object) -> None:
        raise CarefulWayTakenError

    monkeypatch.setattr(message_decoder, "decode_message", refuse)


@pytest.mark.usefixtures("no_careful_way")
@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (reading(), Reading("a", 1.5, 4, is_last=False)),
        (reading(value=7), Reading("a", 7, 4, is_last=False)),
        (reading(sensor="12:00:03"), Reading("12:00:03", 1.5, 4, is_last=False)),
        (reading(sensor='"'), Reading('"', 1.5, 4, is_last=False)),
        ('{ "name" : "a", "type" : "defaulted" }', Defaulted("a")),
        ('{"type":"defaulted","count":2,"name":"a"}', Defaulted("a", 2)),
        ('{"type":"longer","name":"a","extra":"b"}', Longer("a", extra="b")),
        ('{"type":"empty"}', Empty()),
        ('{"type":"open","count":2}', Open(2)),
        ('{"type":"unslotted","count":2}', Unslotted(2)),
        ('{"type":"made","count":2,"name":"a"}', Made(2, "a")),
    ],
)
def test_a_good_message_of_a_plain_class_takes_the_quick_way(
    text: str,
    wanted: object,
    as_bytes: bool,  # noqa: FBT001  # a case
) -> None:
    """Rule 57: the careful way is not asked, also for a text with colons in it."""
    raw = text.encode() if as_bytes else text
    assert exactly_same(MessageDecoder(REGISTRY).decode(raw), wanted)


@pytest.mark.usefixtures("no_careful_way")
@pytest.mark.parametrize(
    "text",
    ['{"type":"made","count":2}', '{"type":"hooked","count":2}', reading(count=True), "{}", "{"],
)
def test_all_else_takes_the_careful_way(text: str) -> None:
    """Whatever is no good message of a plain class, or needs a factory, is judged carefully."""
    with pytest.raises(CarefulWayTakenError):
        MessageDecoder(REGISTRY).decode(text)


def test_what_was_read_quickly_is_a_record_like_any_other() -> None:
    """It is equal to one that the constructor made, has its hash, and stays frozen."""
    read: Any = MessageDecoder(REGISTRY).decode(reading())
    made: Any = Reading("a", 1.5, 4, is_last=False)
    assert (type(read), read, hash(read), repr(read)) == (Reading, made, hash(made), repr(made))
    assert attrs.evolve(read, count=5) == attrs.evolve(made, count=5)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        read.count = 5


def test_a_reader_is_made_once_for_each_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later message makes none again, be it good or bad; a class declared anew gets its own."""
    asked: list[Any] = []

    def make(cls: type | None, key: str) -> Any:
        asked.append(cls)
        return make_plain_message_reader(cls, key)

    monkeypatch.setattr(message_decoder, "make_plain_message_reader", make)
    registry = MessageRegistry()
    older, newer = declare_again(registry), declare_again(MessageRegistry())
    decoder = MessageDecoder(registry)
    for raw in ('{"type":"again","count":1}', '{"type":"again"}', '{"type":"again","count":2}'):
        decoder.decode(raw)
    registry.claim("again", newer)
    assert type(decoder.decode('{"type":"again","count":1}')) is newer
    assert asked == [older, newer]


def declare_again(registry: MessageRegistry) -> type:
    """Return a new class of the same name."""

    @message("again", registry=registry)
    class Again:
        """A plain class."""

        count: int

    return Again


def test_a_class_with_an_undefined_name_is_read_once_it_is_defined() -> None:
    """A message that came too early is bad, and spoils nothing for those after it."""
    registry = MessageRegistry()

    @message("late", registry=registry)
    class Late:
        """A type that nobody defined yet."""

        count: NotYet  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]  # the point

    decoder, raw = MessageDecoder(registry), '{"type":"late","count":1}'
    assert decoder.decode(raw) == decode_message(raw, registry)
    assert decoder.bad_count == 1
    globals()["NotYet"] = int
    try:
        assert exactly_same(decoder.decode(raw), decode_message(raw, registry))
        assert exactly_same(decoder.decode(raw), cast("Any", Late)(1))
    finally:
        del globals()["NotYet"]


def test_only_a_text_is_looked_up() -> None:
    """A type that is no text is bad, also where a registry of its own kind would find it."""

    class Obliging(MessageRegistry):
        """Finds the same class for all."""

        def find(self, wire_type: str) -> type[Any]:  # noqa: ARG002  # the point
            """Return a class without fields."""
            return Empty

    decoder = MessageDecoder(Obliging())
    assert decoder.decode('{"type":"7"}') == Empty()
    assert decoder.decode('{"type":7}') == decode_message('{"type":7}', Obliging())
    assert decoder.bad_count == 1


@pytest.mark.parametrize("key", ["type", "op"])
def test_another_key_is_read_by_another_reader(key: str) -> None:
    """The key of the type is the decoder's own; a field may have the name of another one."""
    for cls, raw in ((Keyed, '{"KEY":"keyed","type":"a"}'), (Empty, '{"KEY":"empty"}')):
        text = raw.replace("KEY", key)
        read = MessageDecoder(REGISTRY, key=key).decode(text)
        assert read == decode_message(text, REGISTRY, key=key)
        assert isinstance(read, cls) == (cls is Empty or key == "op")


flat_values = st.text(':"\\b{') | st.integers(0, 9) | st.none()
flat_pairs = st.lists(st.tuples(st.text(':"\\b', max_size=2), flat_values), max_size=5)


@given(flat_pairs, st.booleans())
@example([("b", ":"), ("b", ":")], False)  # noqa: FBT003  # a case
def test_a_doubled_key_is_never_overlooked(
    pairs: list[tuple[str, Any]],
    is_escaped: bool,  # noqa: FBT001  # a case
) -> None:
    """Keys told to stand once do; and they are told to wherever nothing in the text is escaped."""
    text = "{" + ",".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in pairs) + "}"
    if is_escaped:
        text = text.replace("b", "\\u0062")
    is_told = has_each_key_once(text, json.loads(text))
    assert is_told == has_each_key_once(text.encode(), json.loads(text))
    assert is_told == ("\\" not in text and len(dict(pairs)) == len(pairs))


BREAKS_OF_A_READING: Final[dict[str, Callable[[dict[str, Any]], object]]] = {
    "bool for int": lambda fields: fields.update(count=True),
    "float for int": lambda fields: fields.update(count=4.0),
    "int for bool": lambda fields: fields.update(is_last=1),
    "bool for float": lambda fields: fields.update(value=True),
    "nan for float": lambda fields: fields.update(value=float("nan")),
    "infinity for float": lambda fields: fields.update(value=float("-inf")),
    "null for text": lambda fields: fields.update(sensor=None),
    "one more": lambda fields: fields.update(more=1),
    "one other": lambda fields: fields.update(more=fields.pop("count")),
}


@pytest.mark.parametrize("case", BREAKS_OF_A_READING)
def test_a_reader_takes_exact_values_only(case: str) -> None:
    """A reader refuses by itself, whatever the parser may let through."""
    reader = make_plain_message_reader(Reading, "type")
    assert reader is not None
    fields: dict[str, Any] = json.loads(reading())
    assert reader(fields) == Reading("a", 1.5, 4, is_last=False)
    BREAKS_OF_A_READING[case](fields)
    try:
        assert reader(fields) is None
    except KeyError:
        assert case == "one other"
