"""Drafts: what becomes of entities in the course of one operation.

What belongs here: gathering changes and joining them into the next `Entities`.  What does not:
which changes an operation makes, which `EntityAdapter` says.

A few changes are made one by one; many, compared with what is there, by sorting all anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from pyrsistent import pvector

from refold.reducers.entities import Entities, make_entities, recall_upkeep, remember_upkeep
from refold.reducers.entity_map import ABSENT
from refold.reducers.entity_spec import EntitySpec, value_of
from refold.reducers.entity_upkeep import Upkeep, make_upkeep, stay

__all__ = ["EntityDraft", "PuttingDraft", "draft_for", "entities_of", "upkeep_of"]

_FEW: Final = 4
"""Up to a quarter of the entities is inserted one by one: it takes fewer comparisons."""


class PuttingDraft(Protocol):
    """What takes entities that are put in."""

    def get(self, key: Any) -> Any:
        """Return the entity of a key as it is now; `ABSENT` if there is none."""
        ...

    def insert(self, key: Any, entity: Any) -> None:
        """Put an entity in whose key is not there."""
        ...

    def replace(self, key: Any, old: Any, new: Any) -> None:
        """Put an entity in the place of one of the same key."""
        ...

    def finish(self) -> Entities[Any, Any]:
        """Return the entities; the identical ones if nothing changed."""
        ...


def draft_for(spec: EntitySpec, state: Entities[Any, Any], count: int) -> PuttingDraft:
    """Return a draft for an operation that puts so many entities in."""
    if spec.is_plain or count * _FEW < len(state.by_id):
        return EntityDraft(spec, state)
    return _TableDraft(spec, state)


class EntityDraft:
    """Takes changes one by one."""

    def __init__(self, spec: EntitySpec, state: Entities[Any, Any]) -> None:
        """Begin with a state."""
        self._spec = spec
        self._state = state
        self._changed: dict[Any, Any] = {}
        self._appended: list[Any] = []
        self._upkeep = _known_upkeep(spec, state) if spec.is_plain else upkeep_of(spec, state)

    def get(self, key: Any) -> Any:
        """Return the entity of a key as it is now; `ABSENT` if there is none."""
        if key in self._changed:
            return self._changed[key]
        return self._state.by_id.get(key, ABSENT)

    def insert(self, key: Any, entity: Any) -> None:
        """Put an entity in whose key is not there."""
        if self._upkeep is None:
            self._appended.append(key)
        else:
            self._upkeep = self._upkeep.inserted(key, entity)
        self._changed[key] = entity

    def replace(self, key: Any, old: Any, new: Any) -> None:
        """Put an entity in the place of one of the same key."""
        if self._upkeep is not None:
            self._upkeep = self._upkeep.replaced(key, old, key, new)
        self._changed[key] = new

    def rename(self, key: Any, old: Any, new_key: Any, new: Any) -> None:
        """Put an entity in the place of one of another key; who had its key before is removed."""
        other = self.get(new_key)
        if other is not ABSENT:
            self.remove(new_key, other)
        self._upkeep = self._any_upkeep().replaced(key, old, new_key, new)
        self._changed[key] = ABSENT
        self._changed[new_key] = new

    def remove(self, key: Any, entity: Any) -> None:
        """Remove an entity that is there."""
        self._upkeep = self._any_upkeep().removed(key, entity)
        self._changed[key] = ABSENT

    def finish(self) -> Entities[Any, Any]:
        """Return the entities; the identical ones if nothing changed."""
        state, maps = self._state, self._spec.maps
        if not self._changed:
            return state
        by_id = maps.changed(maps.own(state.by_id), self._changed)
        if self._upkeep is not None:
            return make_entities(by_id, upkeep=self._upkeep)
        ids = state.ids.extend(self._appended) if self._appended else state.ids
        return make_entities(by_id, ids=ids)

    def _any_upkeep(self) -> Upkeep:
        """Return the upkeep; a plain adapter has none until something leaves its place."""
        if self._upkeep is not None:
            return self._upkeep
        if not self._appended:
            return upkeep_of(self._spec, self._state)
        return make_upkeep(self._spec, dict.fromkeys([*self._state.ids, *self._appended]), None)


class _TableDraft:
    """Takes many entities, and sorts all of them at the end."""

    def __init__(self, spec: EntitySpec, state: Entities[Any, Any]) -> None:
        self._spec = spec
        self._state = state
        self._table = _table_of(state)
        self._is_changed = False

    def get(self, key: Any) -> Any:
        return self._table.get(key, ABSENT)

    def insert(self, key: Any, entity: Any) -> None:
        self._is_changed = True
        self._table[key] = entity

    def replace(self, key: Any, old: Any, new: Any) -> None:
        self._is_changed = True
        sort = self._spec.sort
        if sort is not None and not stay(value_of(sort, old), value_of(sort, new)):
            del self._table[key]  # among equals it stands last, as if it came now
        self._table[key] = new

    def finish(self) -> Entities[Any, Any]:
        if not self._is_changed:
            return self._state
        return entities_of(self._spec, self._table, self._state)


def entities_of(
    spec: EntitySpec, table: Mapping[Any, Any], before: Entities[Any, Any] | None
) -> Entities[Any, Any]:
    """Return entities by key, in the order in which equal values stand.

    Args:
        spec: of the adapter.
        table: the entities.
        before: the entities that these follow, whose ids are kept if they are the same; None if
            they follow none.
    """
    known_ids = None if before is None else before.ids
    by_id = spec.maps.make(table)
    if not spec.is_plain:
        return make_entities(by_id, upkeep=make_upkeep(spec, table, known_ids))
    keys = list(table)
    is_known = known_ids is not None and keys == list(known_ids)
    return make_entities(by_id, ids=known_ids if is_known else pvector(keys))


def upkeep_of(spec: EntitySpec, state: Entities[Any, Any]) -> Upkeep:
    """Return the upkeep of entities; it is made and remembered if this adapter did not make them.

    That is so for entities that were read from a log.
    """
    known: Upkeep | None = recall_upkeep(state)
    if known is not None and known.spec is spec:
        return known
    made = make_upkeep(spec, _table_of(state), state.ids)
    remember_upkeep(state, made)
    return made


def _table_of(state: Entities[Any, Any]) -> dict[Any, Any]:
    """Return the entities by key, in their order."""
    return {key: state.by_id[key] for key in state.ids}


def _known_upkeep(spec: EntitySpec, state: Entities[Any, Any]) -> Upkeep | None:
    known: Upkeep | None = recall_upkeep(state)
    return known if known is not None and known.spec is spec else None
