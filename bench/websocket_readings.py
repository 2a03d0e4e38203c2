"""`SensorWasRead`: the class that a message becomes, and the action that may follow from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
import cattrs

from refold.actions.action import Action, action
from refold.actions.message import message
from refold.reducers.reducer import Reducer

__all__ = [
    "ReadingsState",
    "SensorReadingArrived",
    "SensorWasRead",
    "make_readings_reducer",
    "structure_reading",
]


@message("sensor_was_read")
class SensorWasRead:
    """What arrives."""

    sensor: str
    value: float
    count: int
    at_ms: int


structure_reading: Final[Callable[[Any, type[SensorWasRead]], SensorWasRead]] = cattrs.Converter(
    detailed_validation=False
).get_structure_hook(SensorWasRead)
"""Takes what JSON gave, and the class."""


@action("bench/sensor_reading_arrived")
class SensorReadingArrived(Action):
    """What the store is told of it."""

    sensor: str
    value: float
    count: int


@attrs.frozen
class ReadingsState:
    """What a store keeps of the readings."""

    messages: int = 0
    total: int = 0
    last_value: float = 0.0


def make_readings_reducer() -> Reducer[ReadingsState]:
    """Return a reducer that counts."""
    reducer = Reducer(ReadingsState())

    @reducer.on(SensorReadingArrived)
    def count_reading(state: ReadingsState, action: SensorReadingArrived) -> ReadingsState:
        return ReadingsState(state.messages + 1, state.total + action.count, action.value)

    return reducer
