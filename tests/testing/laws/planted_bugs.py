"""All planted bugs: ten kinds, each in at least two reducers.

What belongs here: the list.  What does not: the reducers, one file each in `planted`.
"""

from __future__ import annotations

from typing import Final

from tests.testing.laws.planted import chat_room, game_lobby, order_book, sensor_gateway, till
from tests.testing.laws.planted.planted_bug import PlantedBug

__all__ = ["KINDS", "PLANTED_BUGS", "PlantedBug"]

KINDS: Final = (
    "mutates its input through a hidden reference",
    "reads the clock",
    "depends on set order",
    "forgets a field on reset",
    "off by one at a bound",
    "raises on an empty collection",
    "loses an update when two keys collide",
    "returns an equal but new object for an unknown action",
    "keeps a stale id after removal",
    "differs after a log round trip",
)
"""What mistakes reducers have."""

PLANTED_BUGS: Final[tuple[PlantedBug, ...]] = (
    *order_book.BUGS,
    *chat_room.BUGS,
    *game_lobby.BUGS,
    *sensor_gateway.BUGS,
    *till.BUGS,
)
"""Each bug, with the twin that has none."""
