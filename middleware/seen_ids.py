"""`SeenIds`: which of the latest ids were seen, within a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.middleware.check_count import check_count

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["SeenIds"]


class SeenIds:
    """The ids seen last; one that is seen again counts as new in age, not as a new id."""

    def __init__(self, limit: int = 10_000) -> None:
        """Start empty.

        Args:
            limit: how many ids are remembered, 1 or more; the one unseen for longest goes first.

        Raises:
            TypeError: the limit is no int.
            ValueError: it is less than 1.
        """
        check_count("limit", limit)
        self._limit = limit
        self._ids: dict[Hashable, None] = {}  # a dict keeps the order in which keys came

    def __len__(self) -> int:
        """Return how many ids are remembered."""
        return len(self._ids)

    def see(self, identifier: Hashable) -> bool:
        """Remember an id; tell whether it is new.

        Raises:
            TypeError: it cannot be hashed.
        """
        is_new = identifier not in self._ids
        if not is_new:
            del self._ids[identifier]
        elif len(self._ids) == self._limit:
            del self._ids[next(iter(self._ids))]
        self._ids[identifier] = None
        return is_new

    def forget(self, identifier: Hashable) -> None:
        """Let an id be new again; nothing happens if it was not remembered."""
        self._ids.pop(identifier, None)
