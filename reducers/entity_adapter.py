"""`EntityAdapter`: makes and changes `Entities`, and keeps their orders and indexes.

What belongs here: the operations.  What does not: how orders are kept (`entity_upkeep`), and what
may be given together (`entity_given`).

Each operation takes the state first and gives the next state: the identical one if nothing changes.
It takes an action, too, in place of what the action carries, so it is a handler as it stands:
``todos.on(TodoAdded)(adapter.add_one)``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, overload

from pyrsistent import PVector, pvector

from refold.errors import EntityError
from refold.reducers.entity_draft import entities_of, upkeep_of
from refold.reducers.entity_given import (
    changes_of,
    list_changes,
    list_entities,
    list_keys,
    payload_of,
)
from refold.reducers.entity_map import MapName, find_map_kind
from refold.reducers.entity_operations import add, put, put_all, remove, update, upsert
from refold.reducers.entity_selectors import (
    EntitySelectors,
    SelectorFactory,
    make_entity_selectors,
)
from refold.reducers.entity_spec import EntitySpec

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.entities import Entities

__all__ = ["Comparable", "EntityAdapter"]

K = TypeVar("K")
V = TypeVar("V")
Root = TypeVar("Root")

_NOTHING_FOUND: Final[PVector[Any]] = pvector()


class Comparable(Protocol):
    """A value that an order can be by, such as a number, a text or a tuple of them."""

    def __lt__(self, other: Any, /) -> bool:
        """Tell whether this one stands before another."""
        ...


class EntityAdapter(Generic[K, V]):
    """Makes and changes the entities of one slice."""

    def __init__(
        self,
        *,
        key: Callable[[V], K],
        sort: Callable[[V], Comparable] | None = None,
        orders: Mapping[str, Callable[[V], Comparable]] | None = None,
        indexes: Mapping[str, Callable[[V], Hashable]] | None = None,
        map_kind: MapName = "pyrsistent",
    ) -> None:
        """Say what the entities are known, ordered and found by.

        All functions must be pure, and be quick: they are called at each change.

        Args:
            key: gives an entity's key: hashable, and of a type that a log can carry.
            sort: gives what the ids are in order by; equal ones stay as they came.  None for the
                order of insertion.  `functools.cmp_to_key` makes one of a comparison.
            orders: further orders by name, to read with `in_order`; equal ones stand in the
                adapter's own order.
            indexes: what entities are found by with `find`, by name; a value must be hashable.
            map_kind: the library whose map keeps the entities.  Logs and digests do not tell.

        Raises:
            EntityError: the library is not installed.
        """
        self._spec = EntitySpec(
            key, sort, dict(orders or {}), dict(indexes or {}), find_map_kind(map_kind)
        )
        self._empty = entities_of(self._spec, {}, None)

    def empty(self) -> Entities[K, V]:
        """Return no entities, the identical object each time."""
        return self._empty

    def of(self, entities: Iterable[V] | Mapping[K, V]) -> Entities[K, V]:
        """Return a first state with entities; of two with the same key the last counts."""
        return self.set_all(self._empty, entities)

    def add_one(self, state: Entities[K, V], entity: V | Action, /) -> Entities[K, V]:
        """Add an entity; nothing changes if its key is there."""
        return add(self._spec, state, [payload_of(entity)])

    def add_many(
        self, state: Entities[K, V], entities: Iterable[V] | Mapping[K, V] | Action, /
    ) -> Entities[K, V]:
        """Add entities whose keys are not there; of two with the same key the first counts."""
        return add(self._spec, state, list_entities(entities, self._spec.key))

    def set_one(self, state: Entities[K, V], entity: V | Action, /) -> Entities[K, V]:
        """Add an entity, or put it in the place of the one with its key."""
        return put(self._spec, state, [payload_of(entity)])

    def set_many(
        self, state: Entities[K, V], entities: Iterable[V] | Mapping[K, V] | Action, /
    ) -> Entities[K, V]:
        """Add entities, or put them in the place of those with their keys, one after another."""
        return put(self._spec, state, list_entities(entities, self._spec.key))

    def set_all(
        self, state: Entities[K, V], entities: Iterable[V] | Mapping[K, V] | Action, /
    ) -> Entities[K, V]:
        """Put entities in the place of all; of two with the same key the last counts."""
        return put_all(self._spec, state, list_entities(entities, self._spec.key))

    def upsert_one(
        self, state: Entities[K, V], entity: V | Action, /, *fields: str
    ) -> Entities[K, V]:
        """Add an entity, or merge it into the one with its key.

        Args:
            state: the entities before.
            entity: the entity, or an action with one field that carries it.
            fields: the fields to take over into one that is there; all of them if none is named.
        """
        return upsert(self._spec, state, [payload_of(entity)], fields)

    def upsert_many(
        self,
        state: Entities[K, V],
        entities: Iterable[V] | Mapping[K, V] | Action,
        /,
        *fields: str,
    ) -> Entities[K, V]:
        """Add entities, or merge them into those with their keys, one after another.

        Args:
            state: the entities before.
            entities: together, or in the one field of an action.
            fields: the fields to take over into those that are there; all if none is named.
        """
        return upsert(self._spec, state, list_entities(entities, self._spec.key), fields)

    def update_one(
        self, state: Entities[K, V], key: K | Action, /, **changes: object
    ) -> Entities[K, V]:
        """Change fields of an entity; nothing changes if its key is not there.

        An entity whose key changes keeps its place, and replaces the one that has the new key.

        Args:
            state: the entities before.
            key: the entity's key, or an action: its first field is the key, the others are
                changes.
            changes: new values by the names of fields.

        Raises:
            TypeError: the entity has no such field.
        """
        found, all_changes = changes_of(key, changes)
        return update(self._spec, state, [(found, all_changes)])

    @overload
    def update_many(
        self, state: Entities[K, V], changes: Mapping[K, Mapping[str, object]], /
    ) -> Entities[K, V]: ...
    @overload
    def update_many(
        self,
        state: Entities[K, V],
        changes: Iterable[tuple[K, Mapping[str, object]]] | Action,
        /,
    ) -> Entities[K, V]: ...
    def update_many(
        self,
        state: Entities[K, V],
        changes: Mapping[K, Any] | Iterable[Any] | Action,
        /,
    ) -> Entities[K, V]:
        """Change fields of entities, one after another, as `update_one` does.

        An entity that was renamed is found by its old key, too, until the call ends.
        """
        return update(self._spec, state, list_changes(changes))

    def remove_one(self, state: Entities[K, V], key: K | Action, /) -> Entities[K, V]:
        """Remove an entity; nothing changes if its key is not there."""
        return remove(self._spec, state, [payload_of(key)])

    def remove_many(self, state: Entities[K, V], keys: Iterable[K] | Action, /) -> Entities[K, V]:
        """Remove the entities of these keys that are there."""
        return remove(self._spec, state, list_keys(keys))

    def remove_all(self, state: Entities[K, V], action: Action | None = None, /) -> Entities[K, V]:
        """Remove all entities; it takes an action to serve as a handler."""
        del action
        return self._empty if state.by_id else state

    def ids_in_order(self, state: Entities[K, V], name: str, /) -> PVector[K]:
        """Return the keys in one of the further orders, the identical vector while it holds.

        Raises:
            EntityError: the adapter has no such order.
        """
        if name not in self._spec.orders:
            raise _unknown_name(name, "order", self._spec.orders)
        return upkeep_of(self._spec, state).orders[name].ids.vector

    def in_order(self, state: Entities[K, V], name: str, /) -> tuple[V, ...]:
        """Return the entities in one of the further orders.

        Raises:
            EntityError: the adapter has no such order.
        """
        return tuple(map(state.by_id.__getitem__, self.ids_in_order(state, name)))

    def find_ids(self, state: Entities[K, V], name: str, value: Hashable, /) -> PVector[K]:
        """Return the keys of the entities that have a value, in the adapter's own order.

        This is one look-up, and the identical vector until one of them comes, moves or goes.

        Args:
            state: the entities.
            name: the index.
            value: what its function gives for the entities that are looked for.

        Raises:
            EntityError: the adapter has no such index.
        """
        try:
            found = upkeep_of(self._spec, state).indexes[name][value].ids
        except KeyError:
            if name not in self._spec.indexes:
                raise _unknown_name(name, "index", self._spec.indexes) from None
            return _NOTHING_FOUND
        return found.known_vector or found.vector  # type: ignore[no-any-return]  # the adapter's keys

    def find(self, state: Entities[K, V], name: str, value: Hashable, /) -> tuple[V, ...]:
        """Return the entities that have a value, in the adapter's own order.

        Raises:
            EntityError: the adapter has no such index.
        """
        return tuple(map(state.by_id.__getitem__, self.find_ids(state, name, value)))

    @overload
    def selectors(
        self, /, *, selector: SelectorFactory | None = None
    ) -> EntitySelectors[Entities[K, V], K, V]: ...
    @overload
    def selectors(
        self,
        get_slice: Callable[[Root], Entities[K, V]],
        /,
        *,
        selector: SelectorFactory | None = None,
    ) -> EntitySelectors[Root, K, V]: ...
    def selectors(
        self,
        get_slice: Callable[[Any], Entities[K, V]] | None = None,
        /,
        *,
        selector: SelectorFactory | None = None,
    ) -> EntitySelectors[Any, K, V]:
        """Return the selectors of the entities of a state.

        Args:
            get_slice: gives the entities of the state; None if the state is the entities.
            selector: makes those that derive something, used as `refold.selector` is; None if the
                memory that the entities have will do.
        """
        get = get_slice if get_slice is not None else _itself
        return make_entity_selectors(get, self.in_order, self.find, selector)


def _itself(state: Any) -> Any:
    return state


def _unknown_name(name: str, kind: str, names: Iterable[str]) -> EntityError:
    known = ", ".join(map(repr, names)) or "none"
    message = f"this EntityAdapter has no {kind} {name!r}, it has {known}; declare it there"
    return EntityError(message)
