"""What the operations of an adapter do with entities that are listed already.

What belongs here: which entity is inserted, replaced, renamed or removed.  What does not: what an
operation may be given, which `EntityAdapter` says, and how the next state is made (`entity_draft`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from refold.reducers.entities import Entities
from refold.reducers.entity_change import change_entity, merge_entities
from refold.reducers.entity_draft import EntityDraft, draft_for, entities_of
from refold.reducers.entity_map import ABSENT

if TYPE_CHECKING:
    from refold.reducers.entity_spec import EntitySpec

__all__ = ["add", "put", "put_all", "remove", "update", "upsert"]

_Entities: TypeAlias = Entities[Any, Any]


def add(spec: EntitySpec, state: _Entities, entities: Sequence[Any]) -> _Entities:
    """Insert the entities whose keys are not there."""
    draft = draft_for(spec, state, len(entities))
    for entity in entities:
        key = spec.key_of(entity)
        if draft.get(key) is ABSENT:
            draft.insert(key, entity)
    return draft.finish()


def put(spec: EntitySpec, state: _Entities, entities: Sequence[Any]) -> _Entities:
    """Insert the entities, or replace those with their keys."""
    draft = draft_for(spec, state, len(entities))
    for entity in entities:
        key = spec.key_of(entity)
        old = draft.get(key)
        if old is ABSENT:
            draft.insert(key, entity)
        elif old is not entity:
            draft.replace(key, old, entity)
    return draft.finish()


def put_all(spec: EntitySpec, state: _Entities, entities: Iterable[Any]) -> _Entities:
    """Have these entities and no others; the identical state if it has them."""
    table = {spec.key_of(entity): entity for entity in entities}
    made = entities_of(spec, table, state)
    is_same = made.ids == state.ids and all(state.by_id[k] is one for k, one in table.items())
    return state if is_same else made


def upsert(
    spec: EntitySpec, state: _Entities, entities: Sequence[Any], fields: tuple[str, ...]
) -> _Entities:
    """Insert the entities, or merge fields of them into those with their keys.

    Args:
        spec: of the adapter.
        state: the entities before.
        entities: whole ones.
        fields: which fields are merged; empty for all.
    """
    draft = draft_for(spec, state, len(entities))
    for entity in entities:
        key = spec.key_of(entity)
        old = draft.get(key)
        if old is ABSENT:
            draft.insert(key, entity)
        elif (merged := merge_entities(old, entity, fields)) is not old:
            draft.replace(key, old, merged)
    return draft.finish()


def update(
    spec: EntitySpec, state: _Entities, pairs: Iterable[tuple[Any, Mapping[str, object]]]
) -> _Entities:
    """Change fields of those entities that are there, one after another.

    Args:
        spec: of the adapter.
        state: the entities before.
        pairs: keys, each with new values by the names of fields.
    """
    draft = EntityDraft(spec, state)
    renamed: dict[Any, Any] = {}
    for given, changes in pairs:
        key = given
        while (old := draft.get(key)) is ABSENT and key in renamed:  # found by its old key
            key = renamed.pop(key)
        if old is ABSENT or (new := change_entity(old, changes)) is old:
            continue
        new_key = spec.key_of(new)
        if new_key == key:
            draft.replace(key, old, new)
        else:
            draft.rename(key, old, new_key, new)
            renamed[given] = renamed[key] = new_key
    return draft.finish()


def remove(spec: EntitySpec, state: _Entities, keys: Iterable[Any]) -> _Entities:
    """Remove those entities that are there."""
    draft = EntityDraft(spec, state)
    for key in keys:
        entity = draft.get(key)
        if entity is not ABSENT:
            draft.remove(key, entity)
    return draft.finish()
