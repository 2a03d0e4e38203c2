"""`Place`: where an entity stands in an order, compared with ``<`` alone.

What belongs here: comparing.  What does not: finding a place among others, which `entity_order`
does.

An order by nothing needs no `Place`: there an entity's place is its stamp, an int.
"""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["Place"]


@attrs.define(eq=False)
class Place:
    """A place by a value of the entity; among equal values, by a tie.

    The values need no other method than ``__lt__``, as those that `sorted` is given.  Not frozen
    only because that would cost twice the time; nobody changes one.
    """

    value: Any
    """What the order is by."""

    tie: Any
    """A stamp, or the place in the adapter's own order: never equal for two entities."""

    def __lt__(self, other: Place) -> bool:
        if self.value < other.value:
            return True
        return not other.value < self.value and bool(self.tie < other.tie)
