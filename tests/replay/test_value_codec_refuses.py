"""What the codec of values refuses: all JSON that it would not have written for the type.

What belongs here: single values, and logs whose lines are whole but hold such values.  What does
not: what comes back (`test_value_codec`), and damaged lines (`test_damaged_logs`).
"""

from __future__ import annotations

import contextlib
import datetime
import enum
import functools
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PMap, PSet, PVector

from refold.errors import LogError
from refold.middleware.record import record
from refold.replay.action_codec import decode_action
from refold.replay.replay import replay
from refold.replay.value_codec import make_value_converter
from refold.store.store import Store
from tests.strategies.log_lines import reseal
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_strategies import states, untimed
from tests.strategies.sameness import exactly_same
from tests.strategies.typed_values import (
    Colour,
    Flags,
    Mixed,
    Pair,
    Rank,
    TypedValue,
    UserId,
    Word,
    typed_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cattrs import Converter

    from refold.actions.action import Action
    from tests.strategies.observatory_states import Observatory


class Closed(enum.IntFlag, boundary=enum.EJECT):
    """Flags that become plain ints where a bit has no member."""

    A = 1


class Switch(enum.Enum):
    """A member whose value equals a number."""

    ON = True


@attrs.frozen
class Ranked:
    """A record with members of an enum of ints."""

    rank: Rank = Rank.LOW
    others: frozenset[Rank] = frozenset()


@functools.cache
def converter() -> Converter:
    """Return a converter, made once."""
    return make_value_converter()


any_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.sampled_from([0, 1, 2, 1.0, 0.0, -0.0])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "1", "0x1", "yes", "LOW", "nan", "YQ==", "NaN", "2020-01-01"])
    | st.text(st.characters(codec="utf-8"), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$int", "$float", "$str", "$of", "value", "children", "left", "a"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=6,
)
"""Values as the JSON reader gives them, many of them nearly right."""


def tagged(tag: str, *contents: Any) -> list[Any]:
    """Return objects with one key, each with another content."""
    return [{tag: content} for content in contents]


REFUSED: list[tuple[Any, list[Any]]] = [
    (PMap[str, int], [None, 0, "", False, 0.0, "ab", ["ab"], [{"a": 1}]]),
    (PMap[str, int], [[["a"]], [["a", 1, 2]], [[]], [None], {"a": None}, [["a", 1], ["a", 1]]]),
    (PMap[int, str], [[[1, "a"], [True, "b"]], {"1": "a"}]),
    (PMap[Decimal, int], [{"1": 1, "1.0": 2}]),
    (frozenset[int], [[1, 1], [1, True], {}, "", None, 0]),
    (PSet[float], [[0.0, -0.0]]),
    (PSet[str], [["a", "b", "a"], {"a": 1}, "ab"]),
    (PVector[int], [{}, "", None, 0]),
    (tuple[int, ...], [{}, "", None, 0]),
    (tuple[int, str], [[1], [1, "a", 2], {"a": 1, "b": 2}, "ab", None]),
    (bytes, ["!!!!", "YQ", "YQ==!", " YQ==", "é", 1, None, []]),
    (str, tagged("$str", "!!!!", "YQ==", "", "7aCA!", "/w==", 1, None, [])),
    (str, [1, None, True, [], {}, {"$str": "7aCA", "a": 1}]),
    (int, [0.0, 1.0, "1", "", None, [], {}, {"$float": "nan"}]),
    (int, tagged("$int", 1, None, "1", "0x1", "0X10000000000000000", "x", "")),
    (int, tagged("$int", "0x1_0000_0000_0000_0000", " 0x10000000000000000")),
    (int, [{"$int": "0x10000000000000000", "a": 1}]),
    (float, tagged("$float", "1.0", "NaN", "infinity", " inf", 1, None, [])),
    (float, ["1.0", "", None, [], {}, {"$float": "nan", "a": 1}]),
    (bool, [0, 1, "true", None]),
    (type(None), [0, False, "", [], {}]),
    (Rank, [1.0, True, False, "1", "HIGH", 2, None, [], {}, [1]]),
    (Word, ["YES", "maybe", 1, None, [], {"$str": "eWVz"}]),
    (Mixed, [1.0, True, "2", 2, "TEXT", None]),
    (Colour, ["GREEN", [255, 0, 0], 0.5, None, 1, {}, "__class__"]),
    (Flags, [True, 1.0, 4, -1, "A", None, []]),
    (Closed, [2, True]),
    (Switch, [1, 1.0, "ON"]),
    (Literal[True], [1, 1.0]),
    (Literal["a", 1], [True, 1.0, "1", "b", None, [], {}, ["a"]]),
    (Literal[Word.YES], ["no", "YES", None, {"$of": "Word"}]),
    (Literal[0, False], [0.0, None, ""]),
    (datetime.timedelta, [[1, 2.5, True], [1, 2, True], [1.0, 2, 3], ["1", 2, 3]]),
    (datetime.timedelta, [[], [1], [1, 2], [1, 2, 3, 4], {}, "123", None]),
    (datetime.timedelta, [[10**9, 0, 0], [2**63, 2**63, 2**63]]),
    (datetime.datetime, ["", "yesterday", 0, None]),
    (datetime.date, ["2020-13-01", "2020-01-01T00:00:00", 0, None]),
    (datetime.time, ["25:00", 0, None]),
    (UUID, ["", "12345", 0, None]),
    (Decimal, ["", "one", "1.0.0", 1, 1.0, None, [0, [1], 0]]),
    (UserId, [1.0, "1", None]),
    (Pair, [{}, None, [1.0], [1.0, "a", 2], "ab"]),
    (int | str, [{"$of": ["int"], "value": 1}, {"$of": "float", "value": 1.0}, {"$of": "int"}]),
]
"""Types, and JSON that is no value of them."""


@pytest.mark.parametrize(
    ("tp", "value"), [(tp, value) for tp, values in REFUSED for value in values], ids=str
)
def test_what_was_not_written_for_the_type_is_refused(tp: Any, value: object) -> None:
    """JSON of another kind, another class or another spelling is refused, whatever it equals."""
    with pytest.raises((TypeError, ValueError, KeyError)):
        converter().structure(value, tp)


@pytest.mark.parametrize(
    ("tp", "value", "sentence"),
    [
        (PMap[str, int], None, "expected a JSON object, or a list of pairs, got None"),
        (PMap[str, int], [["a"]], r"expected a pair of key and value, got \['a'\]"),
        (PMap[int, int], [[1, 1], [1, 2]], "expected each key of a map once, got"),
        (frozenset[int], [1, 1], r"expected each element of a set once, got \[1, 1\]"),
        (PSet[int], [1, 1], r"expected each element of a set once, got \[1, 1\]"),
        (bytes, "!!!!", "expected the text of a bytes, got '!!!!'"),
        (Decimal, "one", "expected the text of a Decimal, got 'one'"),
        (Rank, True, "expected the value of a member of Rank, got True"),
        (Closed, 2, "expected the value of a member of Closed, got 2"),
        (Colour, "GREEN", "expected the name of a member of Colour, got 'GREEN'"),
        (Literal[1], True, r"expected one of \(1,\), got True"),
        (datetime.timedelta, [1, 2], r"expected \[days, seconds, microseconds\], each an int, got"),
        (datetime.timedelta, [10**9, 0, 0], r"expected a timedelta of less than 10\*\*9 days, got"),
        (int, "1" * 100, "expected int, got '1{5,30}[.]{3}1{5,30}'"),
        (int, {"$int": "0x1"}, "expected an int beyond 64 bits, got"),
        (int, {"$int": "one"}, "expected a hexadecimal int, got"),
        (float, {"$float": "1.0"}, "expected one of nan, inf, -inf, got"),
        (str, {"$str": "YQ=="}, "expected a text, untagged, got"),
        (str, {"$str": "!!!!"}, "expected base64 of a text with a lone surrogate, got"),
    ],
    ids=str,
)
def test_a_refusal_says_what_was_expected(tp: Any, value: object, sentence: str) -> None:
    """The error is one sentence: what was expected, and the beginning of what came."""
    with pytest.raises(TypeError, match=f"^{sentence}"):
        converter().structure(value, tp)


@pytest.mark.parametrize(
    ("tp", "value"),
    [
        (Literal[1], True),
        (Literal[1], 1.0),
        (Literal[True], 1),
        (Literal["yes"], Word.YES),
        (Literal[Word.YES], "yes"),
        (Literal[1], [1]),
        (Literal[1], 2),
        (int, Word.YES),
        (int, 1.0),
        (str, Rank.LOW),
        (bool, 1),
        (datetime.date, datetime.datetime(2020, 1, 1)),  # noqa: DTZ001
        (datetime.timedelta, 1),
        (Colour, (255, 0, 0)),
        (Ranked, Ranked(cast("Any", 1))),
        (Ranked, Ranked(others=cast("Any", frozenset([1])))),
        (Ranked, Ranked(cast("Any", Word.YES))),
        (tuple[Colour, ...], (Mixed.TEXT,)),
        (PMap[str, int], {"a": 1}),
    ],
    ids=str,
)
def test_what_would_not_come_back_is_not_written(tp: Any, value: object) -> None:
    """A value that only equals one of the type is refused before anything is written."""
    with pytest.raises(TypeError, match=r"^expected "):
        orjson.dumps(converter().unstructure(value, tp))


@given(typed_value=typed_values, value=any_json)
def test_what_is_read_is_written_and_read_alike(typed_value: TypedValue, value: object) -> None:
    """Any JSON is refused for a type, or gives a value of it that comes back exactly."""
    tp = typed_value[0]
    try:
        read = converter().structure(value, tp)
    except Exception:  # noqa: BLE001  # which one, the log's tests say
        return
    line = orjson.dumps(converter().unstructure(read, tp))
    assert exactly_same(converter().structure(orjson.loads(line), tp), read)


@given(typed_value=typed_values, data=st.data())
def test_a_value_with_one_wrong_part_is_refused_or_another_value(
    typed_value: TypedValue, data: st.DataObject
) -> None:
    """Where one part of what was written is changed, no value comes back that it does not say."""
    tp, value = typed_value
    written = orjson.loads(orjson.dumps(converter().unstructure(value, tp)))
    changed = with_one_part_changed(written, data)
    try:
        read = converter().structure(changed, tp)
    except Exception:  # noqa: BLE001  # which one, the log's tests say
        return
    line = orjson.dumps(converter().unstructure(read, tp))
    assert exactly_same(converter().structure(orjson.loads(line), tp), read)


def with_one_part_changed(value: Any, data: st.DataObject) -> Any:
    """Return JSON of which one part, or the whole, is another value."""
    parts: Any = value  # its type is not narrowed
    if not isinstance(value, dict | list) or not parts or data.draw(st.integers(0, 3)) == 0:
        return data.draw(any_json)
    keys = list(parts) if isinstance(value, dict) else list(range(len(parts)))
    place = data.draw(st.sampled_from(keys))
    changed = parts.copy()
    changed[place] = with_one_part_changed(parts[place], data)
    return changed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for logs."""
    return tmp_path_factory.mktemp("logs")


def read_all(log: Path) -> None:
    """Decode the start state and every action of a log, and fold none."""
    for one in replay(log, make_observatory()).records:
        decode_action(one)


def changing(index: int, field: str, data: st.DataObject) -> Callable[[list[dict[str, Any]]], None]:
    """Return a change of one part of one field of a line."""

    def change(lines: list[dict[str, Any]]) -> None:
        lines[index][field] = with_one_part_changed(lines[index][field], data)

    return change


@given(start=states, action=untimed, data=st.data())
def test_a_wrong_value_in_a_line_is_an_error_of_the_log(
    folder: Path, start: Observatory, action: Action, data: st.DataObject
) -> None:
    """Whatever stands in a payload or in the start state ends in a LogError or is read."""
    log = folder / "run.jsonl"
    log.unlink(missing_ok=True)
    Store(make_observatory(), state=start, middleware=[record(log)]).dispatch(action)
    reseal(log, changing(*data.draw(st.sampled_from([(0, "start_state"), (1, "payload")])), data))
    with contextlib.suppress(LogError):
        read_all(log)
