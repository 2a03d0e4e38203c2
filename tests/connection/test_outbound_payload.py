"""`encode_payload`: what can be sent, and where the value is that cannot; rule 34 and table L."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refold.errors import InvalidPayloadError
from refold.middleware.outbound_payload import encode_payload

PLENTY = 1_000_000

texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
"""What JSON can say, exactly."""

BAD: dict[str, Any] = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "minus Infinity": -math.inf,
    "lone surrogate": "\udc80",
    "set": {1},
    "bytes": b"a",
    "object": object(),
    "complex": 1j,
    "too large a number": 2**64,
    "class": int,
}
"""One value of each kind that JSON has nothing for."""


class Size(enum.Enum):
    """Values of two kinds."""

    SMALL = "small"
    ENDLESS = math.inf


@dataclasses.dataclass
class Order:
    """A record."""

    price: float
    _secret: float = math.nan


@dataclasses.dataclass(slots=True)
class Slotted:
    """A record with a slot that may never be set."""

    price: float
    total: float = dataclasses.field(init=False)


def path_of(value: object, max_bytes: int = PLENTY) -> str:
    """Return where the value is that makes it invalid."""
    with pytest.raises(InvalidPayloadError) as caught:
        encode_payload(value, max_bytes)
    return caught.value.path


@given(values.filter(lambda value: not isinstance(value, str)))
@example(None)
@example({"null": "null", "inner": [None, 1.5]})
def test_rule_34_what_json_can_say_is_sent_exactly(value: object) -> None:
    """A peer that decodes the text has the same value."""
    message = encode_payload(value, PLENTY)
    assert isinstance(message, str)
    assert json.loads(message) == value


@given(values, st.sampled_from(sorted(BAD)), st.data())
def test_table_l_a_bad_value_is_refused_with_its_place(
    value: object, kind: str, data: st.DataObject
) -> None:
    """Bad input: wherever it is hidden, and whatever is around it, the path leads to it."""
    hidden, path = BAD[kind], ""
    for _ in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            hidden, path = [value, hidden], f"[1]{path}"
        else:
            hidden, path = {"fine": value, "bad": hidden}, f".bad{path}"
    assert path_of(hidden) == f"payload{path}"


@given(st.text() | st.binary())
@example("half of a pair: \ud83d")
def test_rule_34_text_and_bytes_are_sent_as_they_are(message: str | bytes) -> None:
    """They are no JSON, and are not looked into; only a text that has no UTF-8 form is refused."""
    if isinstance(message, str) and any(0xD800 <= ord(c) <= 0xDFFF for c in message):
        assert path_of(message) == "payload"
    else:
        assert encode_payload(message, PLENTY) is message


def test_rule_34_a_later_change_of_the_object_changes_nothing() -> None:
    """It is written at the call."""
    order = {"items": [1]}
    message = encode_payload(order, PLENTY)
    order["items"].append(2)
    assert message == '{"items":[1]}'


@pytest.mark.parametrize("kind", ["NaN", "Infinity", "minus Infinity"])
def test_table_l_a_float_that_would_become_null_is_refused(kind: str) -> None:
    """Bad input: the error says what it is and what to send instead."""
    with pytest.raises(InvalidPayloadError, match=r"payload\.a\[1\] is (nan|-?inf).*send None"):
        encode_payload({"a": [None, BAD[kind]]}, PLENTY)


def test_table_l_the_error_says_what_cannot_be_sent() -> None:
    """Bad input: the sentence has the place, the reason and the type."""
    expected = r"payload\.orders\[1\]\.tags cannot be sent as JSON: .*\(a value of type set\)"
    with pytest.raises(InvalidPayloadError, match=expected) as caught:
        encode_payload({"orders": [{}, {"tags": {1}}]}, PLENTY)
    assert caught.value.path == "payload.orders[1].tags"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({1: 2}, "payload[1]"),
        ({"a": {"fine": 1, None: 2}}, "payload.a[None]"),
        ({"two words": {"\ud800": 1}}, "payload['two words']['\\ud800']"),
    ],
)
def test_table_l_a_key_that_is_no_text_is_named(value: object, path: str) -> None:
    """Bad input: JSON has only text keys; the path ends with the bad one."""
    assert path_of(value) == path


@pytest.mark.parametrize(("value", "size"), [("é" * 5, 10), (b"a" * 10, 10), (["é" * 3], 10)])
def test_table_l_the_largest_message_fits_exactly(value: object, size: int) -> None:
    """Bad input: a text counts as its UTF-8 form; one byte less of room, and it is refused."""
    assert encode_payload(value, size)
    with pytest.raises(InvalidPayloadError, match="has 10 bytes, but at most 9 may be sent"):
        encode_payload(value, size - 1)


def test_rule_34_records_enums_and_dates_are_written() -> None:
    """Also a tuple; a record's private fields stay private, and are not looked at."""
    value = (Order(1.5), Size.SMALL, datetime.date(2024, 2, 29), None)
    assert encode_payload(value, PLENTY) == '[{"price":1.5},"small","2024-02-29",null]'


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([Size.ENDLESS], "payload[0].value"),
        ([Order(math.nan)], "payload[0].price"),
        ({"order": Order({1})}, "payload.order.price"),  # type: ignore[arg-type]  # a mistake
        ([Order], "payload[0]"),
    ],
)
def test_table_l_the_path_leads_into_records_and_enums(value: object, path: str) -> None:
    """Bad input: their insides are looked at as those of dicts are."""
    assert path_of(value) == path


def test_table_l_a_record_that_is_not_filled_is_refused() -> None:
    """Bad input: a slot that was never set is an error; orjson by itself ends the process."""
    assert path_of([Slotted(1.0)]) == "payload[0]"


def test_table_l_a_value_without_an_end_is_refused() -> None:
    """Bad input: what contains itself, and what is nested 300 deep, are errors and no crash."""
    endless: list[Any] = []
    endless.append(endless)
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    for value in (endless, deep):
        with pytest.raises(InvalidPayloadError) as caught:
            encode_payload(value, PLENTY)
        assert len(str(caught.value)) < 500
    text = "[" * 200 + "null" + "]" * 200
    assert encode_payload(json.loads(text), PLENTY) == text
