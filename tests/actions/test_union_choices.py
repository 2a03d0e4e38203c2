"""Unions whose members a log could not tell apart are refused before anything is written.

What belongs here: the names of members.  What does not: how their values are written, which
`test_value_codec` says.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Literal, NewType

import attrs
import pytest
from pyrsistent import PMap, PVector, pvector

from refold.actions.action import Action, action
from refold.actions.check_value_type import check_value_type
from refold.actions.union_choices import union_choices
from refold.errors import ValueTypeError
from refold.middleware.record import record
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@attrs.frozen
class Circle:
    """A shape."""

    radius: float = 1.0


class Drawings:
    """A namespace with a class of the same short name as another."""

    @attrs.frozen
    class Circle:
        """A circle by two numbers."""

        x: int = 0
        radius: float = 1.0


class Colours:
    """A namespace with an enum of the same short name as a new type."""

    class Name(enum.Enum):
        """A name that is chosen."""

        RED = "red"


Name = NewType("Name", str)

OtherCircle = Drawings.Circle
OtherName = Colours.Name


@action("union_choices/drawn")
class Drawn(Action):
    """An action whose field could be either circle."""

    shape: Circle | OtherCircle


@attrs.frozen
class Board:
    """A state with such a field deeper inside."""

    shapes: PVector[Circle | OtherCircle | None]


@pytest.mark.parametrize(
    "tp",
    [
        Circle | OtherCircle,
        OtherCircle | int | Circle | None,
        Name | OtherName,
        tuple[Circle | OtherCircle, ...],
        PMap[str, Circle | OtherCircle],
    ],
    ids=str,
)
def test_members_of_one_name_are_refused(tp: Any) -> None:
    """Two classes, or a class and a new type, of one short name: both are named in full."""
    with pytest.raises(ValueTypeError) as caught:
        check_value_type(tp, "Root.field")
    assert caught.value.path.startswith("Root.field")
    text = str(caught.value)
    for words in ("Root.field", "a union of tests.actions.test_union_choices.", "another name"):
        assert words in text
    kind = "Name" if "Name" in text else "Circle"
    assert f"both of which a log would write as '{kind}'" in text


def test_the_message_says_which_classes_and_what_to_do() -> None:
    """Whoever reads it knows both classes by where they are, and two ways out."""
    with pytest.raises(ValueTypeError) as caught:
        check_value_type(Board, "Board")
    module = "tests.actions.test_union_choices"
    assert str(caught.value) == (
        f"Board.shapes[element] is a union of {module}.Circle and {module}.Drawings.Circle, both of"
        f" which a log would write as 'Circle'; give one of them another name, or keep each in a"
        f" field of its own"
    )


@pytest.mark.parametrize(
    "tp",
    [
        Circle | None,
        Circle | Circle,  # the same twice is one member
        Circle | int | str,
        Name | str,
        PVector[Circle] | PVector[OtherCircle],
        tuple[int, ...] | tuple[str, ...],
        Literal["Circle"] | Circle,
    ],
    ids=str,
)
def test_members_of_different_names_are_allowed(tp: Any) -> None:
    """Different names are no matter what the classes are; each member has its own."""
    check_value_type(tp, "Root.field")
    members = {one for one in getattr(tp, "__args__", ()) if one is not type(None)}
    assert set(union_choices(tp).values()) == members or tp is Circle


def test_such_an_action_is_refused_before_it_is_recorded(tmp_path: Path) -> None:
    """The first dispatch says it; nothing stands in the log that could not be read."""
    path = tmp_path / "run.jsonl"
    store = Store(Reducer(0), middleware=[record(path)])
    size_bytes = path.stat().st_size
    with pytest.raises(ValueTypeError, match=r"Drawn.shape is a union of"):
        store.dispatch(Drawn(OtherCircle()))
    assert path.stat().st_size == size_bytes


def test_such_a_state_is_refused_when_the_store_is_made() -> None:
    """The state's own fields are checked before anything is recorded."""
    with pytest.raises(ValueTypeError, match=r"Board.shapes\[element\] is a union of"):
        Store(Reducer(Board(pvector())))
