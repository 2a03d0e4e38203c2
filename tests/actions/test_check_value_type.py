"""Which types the fields of actions and states may have, and what is said of the others.

What belongs here: each allowed and each refused type, paths and advice.  What does not: when types
are checked, and the values themselves.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    Union,
)

import attrs
import pytest
from pyrsistent import PClass, PMap, PRecord, PSet, PVector

from refold.actions.check_value_type import check_value_type
from refold.errors import ValueTypeError


class Colour(enum.Enum):
    """An enumeration."""

    RED = "red"


class Weekday(enum.IntEnum):
    """An enumeration of numbers."""

    MONDAY = 1


class Point(NamedTuple):
    """A named tuple of allowed types."""

    x: int
    y: float


class Track(NamedTuple):
    """A named tuple with a field that can change."""

    points: list[Point]


UserId = NewType("UserId", str)
UserIds = NewType("UserIds", list[str])


@attrs.frozen
class Leaf:
    """A frozen record."""

    text: str


@attrs.frozen
class Tree:
    """A record that contains itself."""

    leaf: Leaf
    children: PVector[Tree]


@attrs.frozen
class Ping:
    """One half of a pair of records that contain each other."""

    pong: Pong | None


@attrs.frozen
class Pong:
    """The other half."""

    pings: tuple[Ping, ...]


@attrs.frozen
class SickTree:
    """A record that contains itself and something that can change."""

    children: PVector[SickTree]
    tags: list[str]


@attrs.frozen
class Todo:
    """A record with a list."""

    text: str
    tags: list[str]


@attrs.define(frozen=True)
class FrozenByOption:
    """A record that is frozen by an option."""

    leaf: Leaf


@attrs.define
class MutableRecord:
    """An attrs class whose fields can be set."""

    text: str


@dataclasses.dataclass
class MutableDataclass:
    """A dataclass whose fields can be set."""

    text: str


class OldRecord(PRecord):  # type: ignore[type-arg]  # generic in its stub only
    """A pyrsistent record."""


class OldClass(PClass):
    """A pyrsistent class."""


class PlainClass:
    """A class that nobody declared to be a value."""


ALLOWED: list[Any] = [
    None,
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
    uuid.UUID,
    decimal.Decimal,
    Colour,
    Weekday,
    Literal["a", 1, True],
    Literal["a"] | None,
    Literal[Colour.RED],
    int | None,
    Optional[str],  # noqa: UP045  # the older spelling is allowed too
    Union[int, str, Leaf],  # noqa: UP007  # the older spelling is allowed too
    tuple[int, ...],
    tuple[int, str, Leaf],
    tuple[()],
    tuple[tuple[int, ...], ...],
    frozenset[int],
    frozenset[Leaf],
    PVector[int],
    PMap[str, Leaf],
    PSet[str],
    PMap[tuple[int, int], PVector[PSet[Colour]]],
    UserId,
    PMap[UserId, int],
    Annotated[int, "in metres"],
    Annotated[PVector[Annotated[str, "name"]], "names"],
    Leaf,
    FrozenByOption,
    Tree,
    Ping,
    Point,
    tuple[Point, ...],
]

REFUSED: list[tuple[Any, tuple[str, ...]]] = [
    (list, ("tuple", "PVector")),
    (list[int], ("tuple", "PVector")),
    (dict, ("PMap",)),
    (dict[str, int], ("PMap",)),
    (set, ("frozenset", "PSet")),
    (set[int], ("frozenset", "PSet")),
    (bytearray, ("bytes",)),
    (Sequence[int], ("tuple", "PVector")),
    (MutableSequence[int], ("tuple", "PVector")),
    (Mapping[str, int], ("PMap",)),
    (collections.abc.Set[int], ("frozenset", "PSet")),
    (Any, ()),
    (object, ()),
    (Callable[[int], int], ()),
    (Callable, ()),
    (MutableRecord, ("frozen",)),
    (MutableDataclass, ("frozen",)),
    (OldRecord, ("attrs",)),
    (OldClass, ("attrs",)),
    (PlainClass, ()),
    (type, ()),
    (tuple, ()),
    (frozenset, ()),
]


@pytest.mark.parametrize("field_type", ALLOWED, ids=repr)
def test_allowed_type_passes(field_type: Any) -> None:
    """A type that is deeply immutable and survives the log is allowed."""
    check_value_type(field_type, "Root.field")


@pytest.mark.parametrize(("field_type", "advice"), REFUSED, ids=repr)
def test_refused_type_is_named_with_its_path_and_what_to_use_instead(
    field_type: Any,
    advice: tuple[str, ...],
) -> None:
    """Any other type is refused: the message names the path, the type and what to use instead."""
    with pytest.raises(ValueTypeError) as raised:
        check_value_type(field_type, "Root.field")
    assert raised.value.path == "Root.field"
    text = str(raised.value)
    assert "Root.field" in text
    assert getattr(field_type, "__name__", "Any") in text
    for word in advice:
        assert word in text


@pytest.mark.parametrize(
    ("field_type", "path"),
    [
        (int | list[int], "Root.field"),
        (PMap[str, list[int]], "Root.field[value]"),
        (PMap[str, PMap[str, dict[str, int]]], "Root.field[value][value]"),
        (Annotated[list[int], "numbers"], "Root.field"),
        (UserIds, "Root.field"),
        (Todo, "Root.field.tags"),
        (Track, "Root.field.points"),
        (SickTree, "Root.field.tags"),
        (PMap[str, Todo], "Root.field[value].tags"),
    ],
    ids=repr,
)
def test_path_leads_to_the_type_that_is_refused(field_type: Any, path: str) -> None:
    """A refused type inside another is found, and the path says where."""
    with pytest.raises(ValueTypeError) as raised:
        check_value_type(field_type, "Root.field")
    assert raised.value.path == path
    assert path in str(raised.value)


@pytest.mark.parametrize(
    "field_type",
    [
        tuple[list[int], ...],
        tuple[int, list[int]],
        frozenset[MutableRecord],
        PVector[list[int]],
        PSet[MutableRecord],
        PMap[MutableRecord, int],
        PVector[Todo],
        PVector[Any],
        tuple[object, ...],
        PMap[str, Any],
    ],
    ids=repr,
)
def test_refused_type_inside_a_collection_is_found(field_type: Any) -> None:
    """A collection is allowed only if what it holds is; the path begins with the collection."""
    with pytest.raises(ValueTypeError) as raised:
        check_value_type(field_type, "Root.field")
    assert raised.value.path.startswith("Root.field[")


def test_recursive_types_end_and_are_checked() -> None:
    """Types that contain themselves, directly or through each other, are allowed."""
    check_value_type(Tree, "Tree")
    check_value_type(Ping, "Ping")
    check_value_type(PVector[Pong], "pongs")


def test_sick_recursive_type_is_refused_every_time() -> None:
    """A type that was refused once is refused again, wherever it stands."""
    for path in ("First.tree", "Second.tree"):
        with pytest.raises(ValueTypeError) as raised:
            check_value_type(SickTree, path)
        assert raised.value.path == f"{path}.tags"
