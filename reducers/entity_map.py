"""Which persistent map keeps the entities: pyrsistent's, or that of `immutables`.

What belongs here: making one and changing one; reading is the same in both.  What does not: any
order, because a map's own order differs between processes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs
import pyrsistent

from refold.errors import EntityError

__all__ = ["ABSENT", "MapKind", "MapName", "find_map_kind"]

MapName: TypeAlias = Literal["pyrsistent", "immutables"]
"""``immutables`` is the faster one, and an extra of refold's."""


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()
"""Stands for an entity that is not there."""


@attrs.frozen(eq=False)
class MapKind:
    """One library's maps."""

    cls: type[Any]
    """The class of the maps."""

    make: Callable[[Mapping[Any, Any]], Any]
    """Gives a map of the same entries."""

    remove: Callable[[Any, Any], Any]
    """Gives a map without a key that it has."""

    start: Callable[[Any], Any]
    """Gives a draft of a map, for several changes: it takes and deletes items."""

    finish: Callable[[Any], Any]
    """Gives the map that a draft became."""

    def own(self, given: Mapping[Any, Any]) -> Any:
        """Return a map of this kind with the same entries; the identical one if it is of it."""
        return given if isinstance(given, self.cls) else self.make(dict(given.items()))

    def changed(self, old: Any, changes: Mapping[Any, Any]) -> Any:
        """Return a map with some entries set, and those given as `ABSENT` removed."""
        if len(changes) == 1:
            ((key, value),) = changes.items()
            return self.remove(old, key) if value is ABSENT else old.set(key, value)
        draft = self.start(old)
        for key, value in changes.items():
            if value is not ABSENT:
                draft[key] = value
            elif key in draft:
                del draft[key]
        return self.finish(draft)


def find_map_kind(name: MapName) -> MapKind:
    """Return the maps of a library.

    Raises:
        EntityError: there is no such kind, or the library is not installed.
    """
    if name == "pyrsistent":
        return _PYRSISTENT
    if name != "immutables":
        message = f"the map_kind of an EntityAdapter is 'pyrsistent' or 'immutables', got {name!r}"
        raise EntityError(message)
    try:
        cls = importlib.import_module("immutables").Map
    except ImportError as error:
        message = "map_kind='immutables' needs a library: pip install 'refold[immutables]'"
        raise EntityError(message) from error
    return MapKind(cls, cls, cls.delete, cls.mutate, lambda draft: draft.finish())


_PYRSISTENT: Final = MapKind(
    pyrsistent.PMap,
    pyrsistent.pmap,
    lambda old, key: old.remove(key),
    lambda old: old.evolver(),
    lambda draft: draft.persistent(),
)
