"""The frozen states that every Python contestant keeps, so that none has cheaper ones.

What belongs here: state classes and how to say them as an `Outcome`.  What does not: reducers.
"""

from __future__ import annotations

from typing import Any

import attrs
from pyrsistent import PMap, pmap

from work import Outcome, Work

__all__ = [
    "CounterState",
    "EightSlices",
    "EntitiesState",
    "Entity",
    "SliceState",
    "entity_key",
    "make_root_class",
    "new_entities",
    "outcome_of",
]


@attrs.frozen
class SliceState:
    """One slice."""

    count: int = 0
    """The sum of what was added."""

    total: int = 0
    """How often something was added."""

    label: str = ""
    """The last name given."""


@attrs.frozen
class EightSlices:
    """A root of eight slices, written out as a careful person would."""

    s0: SliceState = SliceState()
    s1: SliceState = SliceState()
    s2: SliceState = SliceState()
    s3: SliceState = SliceState()
    s4: SliceState = SliceState()
    s5: SliceState = SliceState()
    s6: SliceState = SliceState()
    s7: SliceState = SliceState()


@attrs.frozen
class CounterState:
    """One counter."""

    count: int = 0


@attrs.frozen
class Entity:
    """One of many."""

    value: int
    revision: int
    name: str


@attrs.frozen
class EntitiesState:
    """A map of entities by key."""

    entities: PMap[str, Entity]


def make_root_class(size: int) -> type[Any]:
    """Return a frozen root class with the fields ``s0``, ``s1``, … of `SliceState`."""
    if size == len(attrs.fields(EightSlices)):
        return EightSlices
    fields = {f"s{i}": attrs.field(default=SliceState(), type=SliceState) for i in range(size)}
    return attrs.make_class(f"Root{size}", fields, frozen=True, slots=True)


def entity_key(number: int) -> str:
    """Return the key of an entity."""
    return f"entity-{number}"


def new_entities(size: int) -> EntitiesState:
    """Return the state to start from."""
    return EntitiesState(pmap({entity_key(i): Entity(0, 0, f"entity {i}") for i in range(size)}))


def outcome_of(work: Work, state: Any) -> Outcome:  # of whatever library
    """Say a state as an outcome; a root may be an object or a mapping."""
    if work.kind == "counter":
        return [[state.count]]
    if work.kind == "entities":
        entities = [state.entities[entity_key(i)] for i in range(work.size)]
        return [[entity.value, entity.revision, entity.name] for entity in entities]
    names = [f"s{i}" for i in range(work.size)]
    slices: list[SliceState] = [
        state[name] if isinstance(state, dict) else getattr(state, name) for name in names
    ]
    return [[cell.count, cell.total, cell.label] for cell in slices]
