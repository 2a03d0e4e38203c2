"""`EntitySelectors`: the questions that every slice of entities is asked.

What belongs here: those questions, over the slice or over a root.  What does not: memories; what
costs anything is remembered by the `Entities` themselves, once for all who ask.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs
from pyrsistent import PMap, PVector

if TYPE_CHECKING:
    from refold.reducers.entities import Entities

__all__ = ["EntitySelectors", "SelectorFactory", "make_entity_selectors"]

Root = TypeVar("Root")
K = TypeVar("K")
V = TypeVar("V")

SelectorFactory = Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]
"""Something that is used as `refold.selector` is."""


@attrs.frozen
class EntitySelectors(Generic[Root, K, V]):
    """Functions of a state that holds entities."""

    select_ids: Callable[[Root], PVector[K]]
    """The keys in order."""

    select_entities: Callable[[Root], PMap[K, V]]
    """The entities by key."""

    select_all: Callable[[Root], tuple[V, ...]]
    """The entities in order."""

    select_total: Callable[[Root], int]
    """How many there are."""

    select_by_id: Callable[[Root, K], V | None]
    """The entity of a key; None if there is none."""

    select_in_order: Callable[[Root, str], tuple[V, ...]]
    """The entities in a further order, by its name."""

    select_found: Callable[[Root, str, Hashable], tuple[V, ...]]
    """The entities that have a value, by an index's name."""


def make_entity_selectors(
    get: Callable[[Any], Entities[Any, Any]],
    in_order: Callable[[Any, str], tuple[Any, ...]],
    find: Callable[[Any, str, Hashable], tuple[Any, ...]],
    selector: SelectorFactory | None,
) -> EntitySelectors[Any, Any, Any]:
    """Return the selectors of one slice.

    Args:
        get: gives the entities of a state.
        in_order: gives entities in one of their orders.
        find: gives entities by an index.
        selector: makes the memoized ones; None if the entities' own memory will do.
    """

    def select_ids(state: Any, *_: object) -> PVector[Any]:
        return get(state).ids

    def select_entities(state: Any, *_: object) -> PMap[Any, Any]:
        return get(state).by_id

    def select_all(state: Any) -> tuple[Any, ...]:
        return get(state).all

    def select_total(state: Any) -> int:
        return len(get(state).by_id)

    def select_by_id(state: Any, key: Any) -> Any:
        return get(state).by_id.get(key)

    if selector is not None:
        select_all = selector(select_ids, select_entities)(_all_of)
        select_total = selector(select_entities)(_count)
        select_by_id = selector(select_entities, _key)(_one_of)
    return EntitySelectors(
        select_ids=select_ids,
        select_entities=select_entities,
        select_all=select_all,
        select_total=select_total,
        select_by_id=select_by_id,
        select_in_order=lambda state, name: in_order(get(state), name),
        select_found=lambda state, name, value: find(get(state), name, value),
    )


def _all_of(ids: PVector[Any], by_id: PMap[Any, Any]) -> tuple[Any, ...]:
    return tuple(map(by_id.__getitem__, ids))


def _count(by_id: PMap[Any, Any]) -> int:
    return len(by_id)


def _key(_state: Any, key: Any) -> Any:
    return key


def _one_of(by_id: PMap[Any, Any], key: Any) -> Any:
    return by_id.get(key)
