"""Reducers whose state is one of several: unions, enums, literals, machines."""

from __future__ import annotations

import enum
from typing import Final, Literal, TypeAlias, assert_never

import attrs
from pyrsistent import PMap, pmap

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]

# --- a machine of phases with assert_never ----------------------------------------------


class Light(enum.Enum):
    """What a traffic light shows."""

    RED = "red"
    GREEN = "green"
    YELLOW = "yellow"


@action("correct_choices/light_changed")
class LightChanged(Action):
    """The next colour."""


light = Reducer(Light.RED)


@light.on(LightChanged)
def _(state: Light, _action: LightChanged) -> Light:
    match state:
        case Light.RED:
            return Light.GREEN
        case Light.GREEN:
            return Light.YELLOW
        case Light.YELLOW:
            return Light.RED
        case _:
            assert_never(state)


# --- a union of records -----------------------------------------------------------------


@attrs.frozen
class Circle:
    """Round."""

    radius: float


@attrs.frozen
class Box:
    """Not round."""

    width: float
    height: float


Shape: TypeAlias = Circle | Box


@attrs.frozen
class Drawing:
    """One shape, or none."""

    shape: Shape | None = None
    area: float = 0.0


def _is_length(_action: object, _field: object, shape: Shape) -> None:
    for length in attrs.astuple(shape):
        if not 0 <= length <= 1e6:
            message = f"no length: {length}"
            raise ValueError(message)


@action("correct_choices/shape_drawn")
class ShapeDrawn(Action):
    """One or the other."""

    shape: Shape = attrs.field(validator=_is_length)


@action("correct_choices/shape_wiped")
class ShapeWiped(Action):
    """None."""


drawing = Reducer(Drawing())


@drawing.on(ShapeDrawn)
def _(_state: Drawing, action: ShapeDrawn) -> Drawing:
    match action.shape:
        case Circle(radius):
            area = 3.14159 * radius * radius
        case Box(width, height):
            area = width * height
        case _:
            assert_never(action.shape)
    return Drawing(action.shape, area)


@drawing.on(ShapeWiped)
def _(state: Drawing, _action: ShapeWiped) -> Drawing:
    return state if state.shape is None else drawing.initial


def an_area_is_not_below_zero(state: Drawing) -> bool:
    """It is 0 without a shape."""
    return state.area >= 0 if state.shape is not None else state.area == 0


# --- literals ---------------------------------------------------------------------------

Mode: TypeAlias = Literal["off", "eco", "boost", 3]


@attrs.frozen
class Heating:
    """How it heats."""

    mode: Mode = "off"
    boosts: int = 0


@action("correct_choices/mode_chosen")
class ModeChosen(Action):
    """Another mode."""

    mode: Mode


heating = Reducer(Heating())


@heating.on(ModeChosen)
def _(state: Heating, action: ModeChosen) -> Heating:
    if action.mode == state.mode:
        return state
    boosts = state.boosts + (action.mode == "boost")
    return Heating(action.mode, boosts)


# --- scalars of several types in one field ----------------------------------------------

Cell: TypeAlias = str | int | float | bool | None

NO_CELLS: Final[PMap[str, Cell]] = pmap()


@action("correct_choices/cell_written")
class CellWritten(Action):
    """Something stands in a cell."""

    place: str
    value: Cell


sheet: Reducer[PMap[str, Cell]] = Reducer(NO_CELLS)


@sheet.on(CellWritten)
def _(state: PMap[str, Cell], action: CellWritten) -> PMap[str, Cell]:
    if action.value is None:
        return state.discard(action.place)
    return state.set(action.place, action.value)


def no_cell_is_empty(state: PMap[str, Cell]) -> bool:
    """What is empty is not kept."""
    return all(value is not None for value in state.values())


# --- enums of numbers, of tuples and of flags as keys -----------------------------------


class Priority(enum.IntEnum):
    """How soon."""

    LOW = 1
    HIGH = 2


class Size(enum.Enum):
    """How large; the values are no JSON."""

    SMALL = (1, "s")
    LARGE = (2, "l")


NO_ORDERS: Final[PMap[tuple[Priority, Size], int]] = pmap()


@attrs.frozen
class Shirts:
    """How many of which."""

    wanted: PMap[tuple[Priority, Size], int] = NO_ORDERS
    last: Size | Priority | None = None


@action("correct_choices/shirt_ordered")
class ShirtOrdered(Action):
    """One more."""

    priority: Priority
    size: Size = Size.SMALL


shirts = Reducer(Shirts())


@shirts.on(ShirtOrdered)
def _(state: Shirts, action: ShirtOrdered) -> Shirts:
    key = (action.priority, action.size)
    last = action.size if action.priority is Priority.LOW else action.priority
    return evolve(state, wanted=state.wanted.set(key, state.wanted.get(key, 0) + 1), last=last)


def each_was_wanted(state: Shirts) -> bool:
    """Nothing is counted that nobody ordered."""
    return all(count > 0 for count in state.wanted.values())


CASES: Final = (
    CorrectReducer("a machine with assert_never", light),
    CorrectReducer("a union of records", drawing, (an_area_is_not_below_zero,)),
    CorrectReducer("literals", heating),
    CorrectReducer("scalars of several types", sheet, (no_cell_is_empty,)),
    CorrectReducer("enums as keys and values", shirts, (each_was_wanted,)),
)
"""The reducers of this file."""
