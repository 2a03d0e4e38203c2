"""`UnserialisableFinder`: the first part of an action or a state that no log can carry.

Types are checked once per class (`check_value_type`), so what is found here lies about its type: a
list in a field declared as a tuple, a bytearray for bytes, an object of any other class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from refold.middleware.known_parts import KnownParts

if TYPE_CHECKING:
    from refold.middleware.ignored_parts import IgnoredParts

__all__ = ["Unserialisable", "UnserialisableFinder"]


@attrs.frozen
class Unserialisable:
    """The first value that no log can carry."""

    path: str
    """Where it stands, such as ``TodoAdded.tags``."""

    value: Any
    """The value."""

    others: int
    """How many such values stand behind it."""


class UnserialisableFinder:
    """Looks through actions and states, through every part once."""

    def __init__(self, ignored: IgnoredParts, but_fields: frozenset[str]) -> None:
        """Have seen nothing yet.

        Args:
            ignored: what is not reported.
            but_fields: fields of the state that are left out.
        """
        self._known = KnownParts(ignored)
        self._but_fields = but_fields

    def find_in_action(self, action: object) -> Unserialisable | None:
        """Return the first part, in the order of fields, that a log cannot carry.

        Parts seen by an earlier call are not looked at again.
        """
        return self._find(action, frozenset())

    def find_in_state(self, state: object) -> Unserialisable | None:
        """Return the first such part of a state, and let go of what the state has left."""
        found = self._find(state, self._but_fields)
        self._known.forget_all_but(state)
        return found

    def _find(self, root: object, but_fields: frozenset[str]) -> Unserialisable | None:
        walk = self._known.walk_unknown(
            root, type(root).__name__, but_fields=but_fields, into_foreign=False
        )
        found = [(path, part) for part, path, shape in walk if not shape.is_serialisable]
        return Unserialisable(*found[0], len(found) - 1) if found else None
