"""`Upkeep`: the orders and indexes of entities, kept up to date with each change.

What belongs here: what one insertion, replacement or removal does to each order and index; making
all of them anew.  What does not: the entities, which `Entities` has.

All of it follows from the ids in order and the entities, so no log has it.  In the adapter's own
order an entity stands by its ``sort`` value; among equal values, where its stamp puts it: the last
that came there stands last.  In further orders equal values stand in the adapter's own order, and
so do the entities that an index finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from refold.reducers.entity_order import Order, make_order
from refold.reducers.entity_place import Place
from refold.reducers.entity_spec import EntitySpec, value_of

if TYPE_CHECKING:
    from pyrsistent import PVector

__all__ = ["Upkeep", "make_upkeep", "stay"]


class _Standing(NamedTuple):
    """An entity, and where it stands in the adapter's own order."""

    key: Any
    entity: Any
    place: Any


@attrs.frozen(eq=False)
class Upkeep:
    """Where each entity stands in the orders and indexes of one adapter."""

    spec: EntitySpec

    places: Any
    """A persistent map from keys to places in the adapter's own order: ints if it has no sort."""

    next_stamp: int
    """Greater than the stamps of all places."""

    primary: Order[Any]
    """The adapter's own order."""

    orders: Mapping[str, Order[Any]]
    """The further ones, by name."""

    indexes: Mapping[str, Any]
    """By name, persistent maps from values to orders of the keys that have each."""

    def inserted(self, key: Any, entity: Any) -> Upkeep:
        """Return the upkeep with one more entity."""
        sort, stamp = self.spec.sort, self.next_stamp
        place = stamp if sort is None else Place(value_of(sort, entity), stamp)
        now = _Standing(key, entity, place)
        return Upkeep(
            self.spec,
            self.places.set(key, place),
            stamp + 1,
            self.primary.inserted(place, key, is_fresh=True),
            self._orders(lambda order, by: order.inserted(_place_by(by, now), key)),
            self._indexes(lambda index, by: _indexed(index, by, now)),
        )

    def removed(self, key: Any, entity: Any) -> Upkeep:
        """Return the upkeep without an entity."""
        was = _Standing(key, entity, self.places[key])
        return Upkeep(
            self.spec,
            self.spec.maps.remove(self.places, key),
            self.next_stamp,
            self.primary.removed(was.place, key),
            self._orders(lambda order, by: order.removed(_place_by(by, was), key)),
            self._indexes(lambda index, by: self._unindexed(index, by, was)),
        )

    def replaced(self, key: Any, old: Any, new_key: Any, new: Any) -> Upkeep:
        """Return the upkeep with an entity replaced, perhaps under another key.

        The identical upkeep if the entity stands everywhere as it stood.
        """
        was = _Standing(key, old, self.places[key])
        now = _Standing(new_key, new, self._place_after(was.place, new))
        orders = self._orders(lambda order, by: _reordered(order, by, was, now))
        indexes = self._indexes(lambda index, by: self._reindexed(index, by, was, now))
        if now.place is not was.place or new_key != key:
            places = self.places if new_key == key else self.spec.maps.remove(self.places, key)
            return Upkeep(
                self.spec,
                places.set(new_key, now.place),
                self.next_stamp + 1,
                self.primary.moved(was.place, key, now.place, new_key),
                orders,
                indexes,
            )
        if _same_values(orders, self.orders) and _same_values(indexes, self.indexes):
            return self
        return attrs.evolve(self, orders=orders, indexes=indexes)

    def _orders(self, change: Callable[[Order[Any], Any], Order[Any]]) -> dict[str, Order[Any]]:
        return {name: change(self.orders[name], by) for name, by in self.spec.orders.items()}

    def _indexes(self, change: Callable[[Any, Any], Any]) -> dict[str, Any]:
        return {name: change(self.indexes[name], by) for name, by in self.spec.indexes.items()}

    def _place_after(self, place: Any, entity: Any) -> Any:
        """Return an entity's place after it changed; the identical one if its value stays."""
        if self.spec.sort is None:
            return place
        value = value_of(self.spec.sort, entity)
        return place if stay(place.value, value) else Place(value, self.next_stamp)

    def _unindexed(self, index: Any, by: Callable[[Any], Any], was: _Standing) -> Any:
        value = by(was.entity)
        order = index[value].removed(was.place, was.key)
        return index.set(value, order) if order.places else self.spec.maps.remove(index, value)

    def _reindexed(
        self, index: Any, by: Callable[[Any], Any], was: _Standing, now: _Standing
    ) -> Any:
        value = by(was.entity)
        if value != by(now.entity):
            return _indexed(self._unindexed(index, by, was), by, now)
        if now.place is was.place and now.key == was.key:
            return index
        return index.set(value, index[value].moved(was.place, was.key, now.place, now.key))


def make_upkeep(
    spec: EntitySpec, entities: Mapping[Any, Any], known_ids: PVector[Any] | None
) -> Upkeep:
    """Return the upkeep of entities.

    Args:
        spec: of the adapter.
        entities: by key, in the order in which equal values stand.
        known_ids: the keys as a vector, if there is one; it is kept if they are in order.
    """
    if spec.sort is None:
        keys, places = list(entities), list[Any](range(len(entities)))
    else:
        values = {key: value_of(spec.sort, entity) for key, entity in entities.items()}
        keys = sorted(entities, key=values.__getitem__)
        places = [Place(values[key], stamp) for stamp, key in enumerate(keys)]
    is_known = known_ids is not None and keys == list(known_ids)
    standings = [
        _Standing(key, entities[key], place) for key, place in zip(keys, places, strict=True)
    ]
    return Upkeep(
        spec,
        spec.maps.make(dict(zip(keys, places, strict=True))),
        len(keys),
        make_order(places, keys, known_ids if is_known else None),
        {name: _make_order_by(by, standings) for name, by in spec.orders.items()},
        {name: spec.maps.make(_make_index(by, standings)) for name, by in spec.indexes.items()},
    )


def _make_order_by(by: Callable[[Any], Any], standings: Iterable[_Standing]) -> Order[Any]:
    places = [(_place_by(by, one), one.key) for one in standings]
    places.sort(key=lambda pair: pair[0].value)  # equal ones stay in the adapter's own order
    return make_order([place for place, _ in places], [key for _, key in places], None)


def _make_index(by: Callable[[Any], Any], standings: Iterable[_Standing]) -> dict[Any, Order[Any]]:
    groups: dict[Any, list[_Standing]] = {}
    for one in standings:
        groups.setdefault(by(one.entity), []).append(one)
    return {
        value: make_order([one.place for one in group], [one.key for one in group], None)
        for value, group in groups.items()
    }


def _place_by(by: Callable[[Any], Any], standing: _Standing) -> Place:
    return Place(value_of(by, standing.entity), standing.place)


def _same_values(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    return all(value is old[name] for name, value in new.items())


def _indexed(index: Any, by: Callable[[Any], Any], now: _Standing) -> Any:
    value = by(now.entity)
    order = index.get(value)
    if order is None:
        return index.set(value, make_order((now.place,), (now.key,), None))
    return index.set(value, order.inserted(now.place, now.key))


def _reordered(
    order: Order[Any], by: Callable[[Any], Any], was: _Standing, now: _Standing
) -> Order[Any]:
    old, value = _place_by(by, was), value_of(by, now.entity)
    stays = stay(old.value, value)
    if stays and now.place is was.place and now.key == was.key:
        return order
    return order.moved(old, was.key, Place(value, now.place), now.key)


def stay(old: Any, new: Any) -> bool:
    """Tell whether two values are equal in an order, for which they need no ``__eq__``."""
    return old is new or not (old < new or new < old)
