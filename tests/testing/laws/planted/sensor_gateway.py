"""A gateway of sensors, and six bugs that can be planted in it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import partial
from typing import Final

import attrs
from pyrsistent import PMap, PVector, pmap, pvector

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from tests.testing.laws.planted.planted_bug import Handler, PlantedBug, reducer_of

__all__ = ["BUGS"]

HOT_CELSIUS: Final = 85.0
"""From here on it is too hot."""

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

NO_READINGS: Final[PVector[float]] = pvector()


@attrs.frozen
class Sensor:
    """One sensor of one site."""

    site: str
    name: str
    last_celsius: float | None = None
    is_hot: bool = False
    window: PVector[float] = NO_READINGS
    seen_at: datetime.datetime | None = None


NO_SENSORS: Final[PMap[str, Sensor]] = pmap()


@attrs.frozen
class Gateway:
    """All sensors, and what was made of their readings."""

    sensors: PMap[str, Sensor] = NO_SENSORS
    mean_celsius: float | None = None
    closed_count: int = 0
    dropped_count: int = 0


def _is_finite(_action: object, _field: object, value: float) -> None:
    if not -300.0 <= value <= 5000.0:
        message = f"no sensor reads {value!r}"
        raise ValueError(message)


@action("planted_gateway/reading_arrived")
class ReadingArrived(Action):
    """A sensor told how hot it is."""

    site: str
    name: str
    celsius: float = attrs.field(validator=_is_finite)


@action("planted_gateway/reading_dropped")
class ReadingDropped(Action):
    """A sensor told something that nobody understood."""


@action("planted_gateway/sensor_removed")
class SensorRemoved(Action):
    """It is gone."""

    site: str
    name: str


@action("planted_gateway/window_closed")
class WindowClosed(Action):
    """The mean of what came since the last time is wanted."""


@action("planted_gateway/gateway_reset")
class GatewayReset(Action):
    """Somebody pulled the plug."""


def _key(site: str, name: str) -> str:
    return f"{len(site)}:{site}{name}"


def _key_without_a_border(site: str, name: str) -> str:
    return site + name


def _read(state: Gateway, action: ReadingArrived) -> Gateway:
    return _with_reading(state, action, _key(action.site, action.name), _moment(action))


def _read_under_a_poor_key(state: Gateway, action: ReadingArrived) -> Gateway:
    key = _key_without_a_border(action.site, action.name)
    return _with_reading(state, action, key, _moment(action))


def _read_by_the_clock(state: Gateway, action: ReadingArrived) -> Gateway:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return _with_reading(state, action, _key(action.site, action.name), now)


def _read_and_judge_late(state: Gateway, action: ReadingArrived) -> Gateway:
    key = _key(action.site, action.name)
    read = _with_reading(state, action, key, _moment(action))
    sensor = evolve(read.sensors[key], is_hot=action.celsius > HOT_CELSIUS)
    return evolve(read, sensors=read.sensors.set(key, sensor))


def _with_reading(
    state: Gateway, action: ReadingArrived, key: str, now: datetime.datetime | None
) -> Gateway:
    known = state.sensors.get(key, Sensor(action.site, action.name))
    sensor = Sensor(
        action.site,
        action.name,
        last_celsius=action.celsius,
        is_hot=action.celsius >= HOT_CELSIUS,
        window=known.window.append(action.celsius),
        seen_at=now,
    )
    return evolve(state, sensors=state.sensors.set(key, sensor))


def _moment(action: Action) -> datetime.datetime | None:
    if action.at_ms is None:
        return None
    return _EPOCH + datetime.timedelta(milliseconds=min(action.at_ms, 10**14))


def _drop(state: Gateway, _action: ReadingDropped) -> Gateway:
    return evolve(state, dropped_count=state.dropped_count + 1)


def _remove(state: Gateway, action: SensorRemoved) -> Gateway:
    sensors = state.sensors.discard(_key(action.site, action.name))
    return state if sensors is state.sensors else evolve(state, sensors=sensors)


def _close(state: Gateway, action: WindowClosed) -> Gateway:
    return _close_some(state, action) if any(s.window for s in state.sensors.values()) else state


def _close_some(state: Gateway, _action: WindowClosed) -> Gateway:
    readings = _all_readings(state)
    emptied = {key: evolve(s, window=NO_READINGS) for key, s in state.sensors.items()}
    mean = sum(readings) / len(readings)
    return evolve(
        state, sensors=pmap(emptied), mean_celsius=mean, closed_count=state.closed_count + 1
    )


def _close_in_place(state: Gateway, _action: WindowClosed) -> Gateway:
    readings = _all_readings(state)
    if not readings:
        return state
    for sensor in state.sensors.values():
        object.__setattr__(sensor, "window", NO_READINGS)
    mean = sum(readings) / len(readings)
    return evolve(state, mean_celsius=mean, closed_count=state.closed_count + 1)


def _all_readings(state: Gateway) -> list[float]:
    return sorted(celsius for sensor in state.sensors.values() for celsius in sensor.window)


def _reset(_state: Gateway, _action: GatewayReset) -> Gateway:
    return _EMPTY


def _reset_but_keep_the_count(state: Gateway, _action: GatewayReset) -> Gateway:
    return evolve(state, sensors=NO_SENSORS, mean_celsius=None, closed_count=0)


def a_hot_sensor_is_known(state: Gateway) -> bool:
    """A sensor is hot from 85 degrees on."""
    return all(
        sensor.last_celsius is None or sensor.is_hot == (sensor.last_celsius >= 85.0)
        for sensor in state.sensors.values()
    )


def a_reading_keeps_the_other_sensors(before: Gateway, action: Action, after: Gateway) -> bool:
    """A reading of one sensor changes no other."""
    if not isinstance(action, ReadingArrived):
        return True
    others = {s for s in before.sensors.values() if (s.site, s.name) != (action.site, action.name)}
    return others <= set(after.sensors.values())


def a_reset_gateway_is_as_at_first(_before: Gateway, action: Action, after: Gateway) -> bool:
    """Nothing is kept."""
    return not isinstance(action, GatewayReset) or after == Gateway()


HANDLERS: Final[Mapping[type[Action], Handler]] = {
    ReadingArrived: _read,
    ReadingDropped: _drop,
    SensorRemoved: _remove,
    WindowClosed: _close,
    GatewayReset: _reset,
}

_EMPTY: Final = Gateway()
_make = partial(reducer_of, _EMPTY)
_sound = partial(_make, HANDLERS)

BUGS: Final = (
    PlantedBug(
        kind="mutates its input through a hidden reference",
        place="windows are emptied in place",
        broken=partial(_make, {**HANDLERS, WindowClosed: _close_in_place}),
        sound=_sound,
        law="input_untouched",
        shortest=2,
    ),
    PlantedBug(
        kind="reads the clock",
        place="when a sensor was seen, in whole seconds",
        broken=partial(_make, {**HANDLERS, ReadingArrived: _read_by_the_clock}),
        sound=_sound,
        law="same_input_same_output",
        shortest=1,
    ),
    PlantedBug(
        kind="forgets a field on reset",
        place="the count of dropped readings",
        broken=partial(_make, {**HANDLERS, GatewayReset: _reset_but_keep_the_count}),
        sound=_sound,
        law="a_reset_gateway_is_as_at_first",
        shortest=2,
        invariants=(a_reset_gateway_is_as_at_first,),
    ),
    PlantedBug(
        kind="off by one at a bound",
        place="a sensor at exactly 85 degrees",
        broken=partial(_make, {**HANDLERS, ReadingArrived: _read_and_judge_late}),
        sound=_sound,
        law="a_hot_sensor_is_known",
        shortest=1,
        invariants=(a_hot_sensor_is_known,),
    ),
    PlantedBug(
        kind="raises on an empty collection",
        place="the mean of no readings",
        broken=partial(_make, {**HANDLERS, WindowClosed: _close_some}),
        sound=_sound,
        law="never_raises",
        shortest=1,
    ),
    PlantedBug(
        kind="loses an update when two keys collide",
        place="a key of site and name without a border between them",
        broken=partial(_make, {**HANDLERS, ReadingArrived: _read_under_a_poor_key}),
        sound=_sound,
        law="a_reading_keeps_the_other_sensors",
        shortest=2,
        invariants=(a_reading_keeps_the_other_sensors,),
    ),
)
"""The bugs of the gateway."""
