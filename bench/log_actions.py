"""The actions of rows 9 to 12 as refold has them, and the reducer that folds them.

What belongs here: declaring classes and handlers.  What does not: logs, files, peers.

There are two sets of classes with the same fields: plain ones, which refold's fast codec takes, and
annotated ones, which it leaves to cattrs, because an annotation may hold rules for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, NamedTuple

import attrs

from log_work import LogStep
from refold.actions.action import Action, action
from refold.reducers.combine_reducers import CombinedReducer, combine_reducers
from refold.reducers.reducer import Reducer
from work import Outcome

__all__ = [
    "ANNOTATED",
    "PLAIN",
    "ActionClasses",
    "Plant",
    "make_log_actions",
    "make_plant_reducer",
    "outcome_of_plant",
]


class ActionClasses(NamedTuple):
    """One set of classes."""

    measured: type[Any]
    renamed: type[Any]
    switched: type[Any]


@action("bench/sensor_was_measured")
class SensorWasMeasured(Action):
    """A sensor gave a value."""

    key: str
    value: float
    count: int


@action("bench/sensor_was_renamed")
class SensorWasRenamed(Action):
    """A sensor has got another name."""

    key: str
    label: str


@action("bench/sensor_was_switched")
class SensorWasSwitched(Action):
    """A sensor was switched on or off."""

    key: str
    is_on: bool


_Key = Annotated[str, "of a sensor"]


@action("bench/annotated_sensor_was_measured")
class AnnotatedSensorWasMeasured(Action):
    """The same with an annotation."""

    key: _Key
    value: float
    count: int


@action("bench/annotated_sensor_was_renamed")
class AnnotatedSensorWasRenamed(Action):
    """The same with an annotation."""

    key: _Key
    label: str


@action("bench/annotated_sensor_was_switched")
class AnnotatedSensorWasSwitched(Action):
    """The same with an annotation."""

    key: _Key
    is_on: bool


PLAIN: Final = ActionClasses(SensorWasMeasured, SensorWasRenamed, SensorWasSwitched)

ANNOTATED: Final = ActionClasses(
    AnnotatedSensorWasMeasured, AnnotatedSensorWasRenamed, AnnotatedSensorWasSwitched
)


@attrs.frozen
class Measurements:
    """What was measured."""

    total: float = 0.0
    count: int = 0


@attrs.frozen
class Names:
    """What was renamed."""

    last: str = ""
    count: int = 0


@attrs.frozen
class Switches:
    """What was switched."""

    switched_on: int = 0


@attrs.frozen
class Plant:
    """The root."""

    measurements: Measurements = Measurements()
    names: Names = Names()
    switches: Switches = Switches()


def make_log_actions(steps: Iterable[LogStep], classes: ActionClasses = PLAIN) -> list[Any]:
    """Return the actions of the steps; making them is no part of what is measured."""
    return [_make_action(step, classes) for step in steps]


def make_plant_reducer(classes: ActionClasses = PLAIN) -> CombinedReducer[Plant]:
    """Return the reducer of one set of classes."""
    measurements, names = Reducer(Measurements()), Reducer(Names())
    switches = Reducer(Switches())

    @measurements.on(classes.measured)
    def add_measurement(state: Measurements, action: Any) -> Measurements:
        return Measurements(state.total + action.value, state.count + action.count)

    @names.on(classes.renamed)
    def note_name(state: Names, action: Any) -> Names:
        return Names(action.label, state.count + 1)

    @switches.on(classes.switched)
    def count_switched_on(state: Switches, action: Any) -> Switches:
        return Switches(state.switched_on + action.is_on)

    return combine_reducers(Plant, measurements=measurements, names=names, switches=switches)


def outcome_of_plant(plant: Plant) -> Outcome:
    """Say a state as an outcome."""
    return [
        [str(plant.measurements.total), plant.measurements.count],
        [plant.names.last, plant.names.count],
        [plant.switches.switched_on],
    ]


def _make_action(step: LogStep, classes: ActionClasses) -> Any:
    match step.verb:
        case "measured":
            return classes.measured(step.key, step.value, step.count, at_ms=step.at_ms)
        case "renamed":
            return classes.renamed(step.key, step.label, at_ms=step.at_ms)
        case "switched":
            return classes.switched(step.key, step.is_on, at_ms=step.at_ms)
