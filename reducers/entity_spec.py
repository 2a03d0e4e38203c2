"""`EntitySpec`: what an adapter was told about its entities.

What belongs here: the key and the values that orders and indexes are by, with their checks.  What
does not: keeping orders and indexes, which `entity_upkeep` does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from refold.errors import EntityError, RefoldWarning
from refold.reducers.entity_map import MapKind

__all__ = ["EntitySpec", "value_of"]


@attrs.frozen(eq=False)
class EntitySpec:
    """The functions of one adapter, and its map."""

    key: Callable[[Any], Any]
    """Gives an entity's key."""

    sort: Callable[[Any], Any] | None
    """Gives what the ids are in order by; None for the order of insertion."""

    orders: Mapping[str, Callable[[Any], Any]]
    """Give what further orders are by."""

    indexes: Mapping[str, Callable[[Any], Any]]
    """Give what entities are found by."""

    maps: MapKind

    @property
    def is_plain(self) -> bool:
        """Whether the ids are in order of insertion and nothing else is kept."""
        return self.sort is None and not self.orders and not self.indexes

    def key_of(self, entity: Any) -> Any:
        """Return an entity's key; while developing, warn of one that is None."""
        key = self.key(entity)
        if __debug__ and key is None:
            message = (
                f"an entity's key is None: {entity!r}; entities are found by their keys, so each"
                f" needs one of its own: does the adapter's key={_name_of(self.key)} read the"
                f" right field?"
            )
            warnings.warn(message, RefoldWarning, stacklevel=4)
        return key


def value_of(function: Callable[[Any], Any], entity: Any) -> Any:
    """Return what an order has an entity by.

    Raises:
        EntityError: it is not a number, which has no place in any order.
    """
    value = function(entity)
    if value != value:  # noqa: PLR0124  # finds every nan
        message = (
            f"an order's function {_name_of(function)} gave {value!r} for {entity!r}, which is"
            f" neither less nor greater than any other; give it a number of its own, such as"
            f" float('inf')"
        )
        raise EntityError(message)
    return value


def _name_of(function: Callable[[Any], Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
