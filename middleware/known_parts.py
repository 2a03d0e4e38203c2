"""`KnownParts`: the parts of a state that a check has seen, told by identity.

A part that is still the identical object need not be looked into again.  What is remembered is
held, so that its identity is not given to another object; what the state has left is forgotten in
time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from refold.middleware.value_shape import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refold.middleware.ignored_parts import IgnoredParts
    from refold.middleware.value_shape import ValueShape

__all__ = ["KnownParts"]

_SMALL: Final = 1000
"""Parts that may be held in vain before it is worth looking which the state has left."""


_Known: TypeAlias = "tuple[Any, str | None, list[Any]]"
"""A part, the path where it is known if only there, and those of its parts that have parts."""


class KnownParts:
    """A memory of parts; its size stays within twice that of the state, and a little more."""

    def __init__(self, ignored: IgnoredParts) -> None:
        """Know nothing yet."""
        self._ignored = ignored
        self._known: dict[int, _Known] = {}
        self._weight = 0
        self._limit = _SMALL

    def __contains__(self, part: object) -> bool:
        """Tell whether a part is remembered, wherever it stood."""
        return id(part) in self._known

    def walk_unknown(
        self,
        root: object,
        path: str,
        *,
        but_fields: frozenset[str] = frozenset(),
        into_foreign: bool = True,
    ) -> Iterator[tuple[Any, str, ValueShape]]:
        """Yield each part that is not known, with its path and shape; from then on it is known.

        Parents come before their parts, these in order.  Single values such as numbers are never
        yielded, nor is anything that is ignored.

        Args:
            root: where to begin.
            path: its path.
            but_fields: fields of the root to leave out.
            into_foreign: look into what no log can carry, too.
        """
        waiting: list[tuple[Any, str]] = [(root, path)]
        while waiting:
            part, path = waiting.pop()
            shape = shape_of(part)
            if shape is None or self._is_known(part, path) or self._ignored.has(part, path):
                continue
            children: list[tuple[Any, Any]] = []
            if shape.is_serialisable or into_foreign:
                children = [each for each in shape.parts(part) if shape_of(each[1]) is not None]
            if part is root and but_fields:
                children = [each for each in children if each[0] not in but_fields]
            known_as = path if self._ignored.by_path and shape.is_serialisable else None
            self._known[id(part)] = part, known_as, [child for _, child in children]
            self._weight += 1 + len(children)
            yield part, path, shape
            waiting += self._unknown_of(children, path, shape)

    def forget(self, part: object) -> None:
        """Let a part be unknown."""
        self._known.pop(id(part), None)

    def forget_all_but(self, root: object) -> bool:
        """Forget what a state has left, if that may be much; return whether it was looked for."""
        if self._weight <= self._limit:
            return False
        before, self._known, self._weight = self._known, {}, 0
        waiting = [root]
        while waiting:
            part = waiting.pop()
            held = before.pop(id(part), None)
            if held is not None:
                self._known[id(part)] = held
                self._weight += 1 + len(held[2])
                waiting += held[2]
        self._limit = 2 * self._weight + _SMALL
        return True

    def _unknown_of(
        self, children: list[tuple[Any, Any]], path: str, shape: ValueShape
    ) -> list[tuple[Any, str]]:
        """Return the parts that may have to be walked, the first one last."""
        known = {} if self._ignored.by_path else self._known
        found = [
            (child, path + shape.spell(label))
            for label, child in children
            if id(child) not in known
        ]
        found.reverse()
        return found

    def _is_known(self, part: object, path: str) -> bool:
        held = self._known.get(id(part))
        return held is not None and (held[1] is None or held[1] == path)
