"""`Entities`: many records of one kind, each found by its key, in an order.

What belongs here: what is in the state.  What does not: changing it, which `EntityAdapter` does.

A log and a digest have the two fields, ``ids`` and ``by_id``, and nothing else.  What an adapter
keeps besides to be quick follows from these two, and is made again where it is missing
(decisions/0015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

import attrs
from pyrsistent import PMap, PVector

from refold.errors import EntityError
from refold.reducers.record_builder import make_writable_twin

__all__ = ["Entities", "make_entities", "recall_upkeep", "remember_upkeep"]

K = TypeVar("K")
V = TypeVar("V")


class _Memory:
    """What an `Entities` knows besides its fields."""

    __slots__ = ("_all", "_upkeep")

    _all: tuple[Any, ...]
    """The entities in order; absent until somebody asks."""

    _upkeep: Any
    """What an adapter keeps to be quick; absent if none has."""


@attrs.frozen(eq=False)
class Entities(_Memory, Generic[K, V]):
    """Records by key, in an order; an `EntityAdapter` makes and changes them."""

    ids: PVector[K]
    """The keys in order.  After a change that moves an entity it is made when it is first read."""

    by_id: PMap[K, V]
    """The entities by key; its own order means nothing, and differs between processes.

    An adapter with ``map_kind="immutables"`` puts a map of that library here, which reads the same.
    """

    def __attrs_post_init__(self) -> None:
        if len(self.ids) != len(self.by_id) or set(self.ids) != set(self.by_id):
            message = (
                f"ids and by_id of Entities must have the same keys, each once, got"
                f" {len(self.ids)} ids and {len(self.by_id)} entities; let an EntityAdapter make"
                f" them"
            )
            raise EntityError(message)

    @property
    def all(self) -> tuple[V, ...]:
        """The entities in order, the identical tuple each time."""
        try:
            return self._all
        except AttributeError:
            made = tuple(map(self.by_id.__getitem__, self.ids))
            object.__setattr__(self, "_all", made)
            return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entities):
            return NotImplemented
        one = cast("Any", other)  # its keys and entities are unknown
        return self is one or (bool(self.ids == one.ids) and bool(self.by_id == one.by_id))

    def __hash__(self) -> int:
        return hash(self.ids)

    if not TYPE_CHECKING:  # a type checker would let any name pass

        def __getattr__(self, name: str) -> Any:
            """Make the ids when they are first read."""
            if name != "ids":
                message = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(message)
            ids = self._upkeep.primary.ids.vector
            object.__setattr__(self, "ids", ids)
            return ids


_TWIN: Final[Any] = make_writable_twin(Entities)


def make_entities(by_id: Any, *, ids: Any = None, upkeep: Any = None) -> Entities[Any, Any]:
    """Return entities without checking that they fit together.

    Args:
        by_id: a persistent map.
        ids: its keys as a vector; None if the upkeep knows them.
        upkeep: what an adapter keeps; None if it keeps nothing.
    """
    made: Any = object.__new__(_TWIN)
    made.by_id = by_id
    if ids is not None:
        made.ids = ids
    if upkeep is not None:
        made._upkeep = upkeep  # noqa: SLF001  # this module's own
    made.__class__ = Entities
    return made  # type: ignore[no-any-return]  # Entities by now


def recall_upkeep(entities: Entities[Any, Any]) -> Any:
    """Return what an adapter keeps with these entities; None if it keeps nothing."""
    try:
        return entities._upkeep  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # our own
    except AttributeError:
        return None


def remember_upkeep(entities: Entities[Any, Any], upkeep: Any) -> None:
    """Keep what an adapter found out about entities that it did not make."""
    object.__setattr__(entities, "_upkeep", upkeep)
