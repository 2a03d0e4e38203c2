"""The codec of values: to JSON and exactly back, for every type that a field may have."""

from __future__ import annotations

import datetime
import enum
import functools
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PMap, PSet, pmap, pset, pvector

from refold.replay.value_codec import make_value_converter
from tests.strategies.sameness import exactly_same
from tests.strategies.typed_values import (
    SCALARS,
    Box,
    Flags,
    Pair,
    Rank,
    Tree,
    TypedValue,
    UserId,
    Word,
    typed_values,
)

if TYPE_CHECKING:
    from cattrs import Converter


class Wide(enum.IntFlag):
    """Members that JSON cannot carry as numbers, and one that it can."""

    LOW = 1
    HIGH = 2**70


class Odd(enum.Enum):
    """Members whose values are equal to others but for their class."""

    YES = True
    TWO = 2
    WORD = Word.NO
    NO_UNICODE = "\ud800"


class Name(str):
    """A text of a class of its own."""

    __slots__ = ()


class Named(enum.Enum):
    """Members whose values are such texts."""

    ONE = Name("one")


class Open(enum.StrEnum):
    """An enum that makes members for texts it does not list."""

    KNOWN = "known"

    @classmethod
    def _missing_(cls, value: object) -> Open:
        member = str.__new__(cls, value)
        member._name_, member._value_ = "OTHER", str(value)
        return member


SCALAR_NAMES = {str(getattr(tp, "__name__", tp)): tp for tp in SCALARS}


@functools.cache
def converter() -> Converter:
    """Return a converter, made once."""
    return make_value_converter()


def there_and_back(tp: Any, value: object) -> object:
    """Return what comes back when a value is written to JSON and read again."""
    line = orjson.dumps(converter().unstructure(value, tp))
    return converter().structure(orjson.loads(line), tp)


@pytest.mark.parametrize("name", sorted(SCALAR_NAMES))
@given(data=st.data())
def test_a_scalar_comes_back_as_it_was(name: str, data: st.DataObject) -> None:
    """Every value of every scalar type comes back with its type, its sign and its last bit."""
    tp = SCALAR_NAMES[name]
    value = data.draw(SCALARS[tp])
    back = there_and_back(tp, value)
    assert exactly_same(back, value), f"{value!r} came back as {back!r}"


@given(typed_value=typed_values)
def test_a_value_of_any_type_comes_back_as_it_was(typed_value: TypedValue) -> None:
    """Collections and unions of any types, in any depth, come back exactly."""
    tp, value = typed_value
    back = there_and_back(tp, value)
    assert exactly_same(back, value), f"{value!r} of {tp} came back as {back!r}"


@given(typed_value=typed_values)
def test_the_same_value_is_written_alike(typed_value: TypedValue) -> None:
    """What came back is written as the very same JSON, whatever order its sets have."""
    tp, value = typed_value
    line = orjson.dumps(converter().unstructure(value, tp))
    again = converter().unstructure(converter().structure(orjson.loads(line), tp), tp)
    assert orjson.dumps(again) == line


@pytest.mark.parametrize(
    ("tp", "value"),
    [
        (float, 1),
        (float, True),
        (float, 1.0),
        (float, -0.0),
        (float, 2**64),
        (int, True),
        (int, -(2**63) - 1),
        (int | float, 1),
        (int | float, 1.0),
        (int | float, float("nan")),
        (int | bool, True),
        (bool | str, True),
        (str | int, 2**70),
        (Word | str, Word.YES),
        (Word | str, "yes"),
        (Rank | int, Rank.HIGH),
        (Rank | int, 1),
        (datetime.date | datetime.datetime, datetime.datetime(2020, 1, 1)),  # noqa: DTZ001
        (datetime.date | datetime.datetime, datetime.date(2020, 1, 1)),
        (str | datetime.date, "2020-01-01"),
        (str | bytes, b"x"),
        (Decimal | float, Decimal("1.10")),
        (tuple[int, ...] | int, (1, 2)),
        (Pair | tuple[int, int], Pair(1.0, "x")),
        (Tree | Pair, Tree(1.0, pvector([Tree()]))),
        (Flags, Flags(0)),
        (Flags, Flags.A | Flags.B),
        (Wide, Wide.LOW),
        (Wide, Wide.HIGH),
        (Wide, Wide.HIGH | Wide.LOW),
        (Wide, Wide(4)),
        (Odd, Odd.YES),
        (Odd, Odd.TWO),
        (Odd, Odd.WORD),
        (Odd, Odd.NO_UNICODE),
        (Open, Open.KNOWN),
        (Named, Named.ONE),
        (Literal[Named.ONE, "two"], Named.ONE),
        (Literal[1, "1"], 1),
        (Literal[1, True], True),
        (Literal["yes", Word.YES], "yes"),
        (Literal["yes", Word.YES], Word.YES),
        (Literal[b"x", "eA=="], b"x"),
        (Literal[b"x", "eA=="], "eA=="),
        (Literal[None, Word.YES], None),  # noqa: PYI061  # as some may write it
        (PSet[float], pset([float("nan"), float("nan"), 1])),
        (frozenset[Decimal], frozenset([Decimal("NaN"), Decimal("NaN")])),
        (PMap[Decimal, int], pmap({Decimal("NaN"): 1, Decimal(1): 2})),
        (Box[Any] | None, None),
    ],
)
def test_examples_come_back_as_they_were(tp: Any, value: object) -> None:
    """The value's own type is kept where the declared one leaves a choice."""
    assert exactly_same(there_and_back(tp, value), value)


@pytest.mark.parametrize(
    ("tp", "value"),
    [
        (tuple[int, ...] | tuple[str, ...], ("a",)),
        (UserId | str, UserId(5)),
        (Box[int] | Box[str], Box("x")),
    ],
)
def test_unions_of_one_kind_come_back_as_they_were(tp: Any, value: object) -> None:
    """A union's members may be of the same kind: two tuples, two boxes, a named integer."""
    assert exactly_same(there_and_back(tp, value), value)


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb"])
def test_a_text_that_is_no_unicode_comes_back(text: str) -> None:
    """A text with lone surrogates, as file names may have, comes back as it was."""
    assert there_and_back(str, text) == text
    assert there_and_back(tuple[str, ...], (text,)) == (text,)


def test_a_member_that_the_enum_made_itself_comes_back() -> None:
    """A member for a text that the enum does not list is made again from the text."""
    back = there_and_back(Open, Open("new"))
    assert isinstance(back, Open)
    assert (back.name, back.value) == ("OTHER", "new")


def test_keys_that_are_written_alike_are_all_kept() -> None:
    """Of two not-a-numbers, which no map takes for one key, neither is lost."""
    tp: Any = PMap[Decimal, int]
    entries = pmap({Decimal("NaN"): 1, Decimal("NAN"): 2})
    back: Any = there_and_back(tp, entries)
    assert sorted(back.values()) == [1, 2]


def test_sets_and_maps_are_written_in_one_order() -> None:
    """The order of insertion and of hashes does not show in what is written."""
    words = [f"word {number}" for number in range(50)]
    left = converter().unstructure(frozenset(words), frozenset[str])
    right = converter().unstructure(frozenset(reversed(words)), frozenset[str])
    assert left == right
    there = pmap(dict.fromkeys(words, 1))
    back = pmap(dict.fromkeys(reversed(words), 1))
    tp: Any = PMap[str, int]
    lines = [orjson.dumps(converter().unstructure(one, tp)) for one in (there, back)]
    assert lines[0] == lines[1]


def test_a_map_with_texts_for_keys_is_a_json_object() -> None:
    """The log stays readable: a map of texts is an object, a vector an array."""
    tp: Any = PMap[str, int]
    assert converter().unstructure(pmap({"b": 1, "a": 2}), tp) == {"a": 2, "b": 1}
    tree = Tree(1.5, pvector([Tree()]))
    written = converter().unstructure(tree, Tree)
    assert written == {"value": 1.5, "children": [{"value": None, "children": []}]}
