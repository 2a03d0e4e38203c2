"""`MutationFinder`: the part of a state that was changed in place.

A part is remembered with what it held, so that telling whether it was changed is one comparison by
identity.  Parts that cannot change (numbers, texts, tuples, persistent collections) are walked
through once and never compared; only records, which `object.__setattr__` writes to, and containers
that should not be there are.
"""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from refold.middleware.known_parts import KnownParts
from refold.middleware.value_shape import ABSENT, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from refold.middleware.ignored_parts import IgnoredParts

__all__ = ["Mutation", "MutationFinder"]

_Watched: TypeAlias = "tuple[Any, Callable[[Any], tuple[Any, ...]], tuple[Any, ...]]"
"""A part that can change, what reads its contents, and these as they were."""


@attrs.frozen
class Mutation:
    """A part that was changed in place."""

    path: str
    """Where it stands, such as ``Root.todos[3].text``."""

    old: Any
    """What stood there."""

    new: Any
    """What stands there."""


class MutationFinder:
    """Remembers the parts of one state, and finds the one that is not as it was."""

    def __init__(
        self, ignored: IgnoredParts, but_fields: frozenset[str], parts_per_look: int
    ) -> None:
        """Remember nothing yet.

        Args:
            ignored: what is not watched.
            but_fields: fields of the root that are not watched.
            parts_per_look: how many parts are compared by one look, 1 or more.
        """
        self._ignored = ignored
        self._but_fields = but_fields
        self._parts_per_look = parts_per_look
        self._known = KnownParts(ignored)
        self._watched: list[_Watched] = []
        self._begin = 0
        self._state: Any = None

    @property
    def sees_all(self) -> bool:
        """Whether one look compares every part."""
        return len(self._watched) <= self._parts_per_look

    def remember(self, state: object) -> None:
        """Remember a state and those of its parts that are not remembered yet."""
        self._state = state
        self._watch(state, type(state).__name__)
        if self._known.forget_all_but(state):
            self._watched = [each for each in self._watched if each[0] in self._known]

    def turn(self) -> None:
        """Let the next looks compare other parts, if there are too many for one."""
        self._begin += self._parts_per_look
        if self._begin >= len(self._watched):
            self._begin = 0

    def look(self, state: object) -> Mutation | None:
        """Return the first part of the state remembered last that was changed in place.

        The parts are then remembered as they are, and so is the state given.
        """
        changed = self._compare()
        found = self._describe(changed) if changed else None
        self.remember(state)
        return found

    def _watch(self, part: object, path: str) -> None:
        """Watch a part, and all that it holds, as far as they are not known."""
        but_fields = self._but_fields if part is self._state else frozenset[str]()
        for each, _, shape in self._known.walk_unknown(part, path, but_fields=but_fields):
            if shape.contents is not None:
                read = shape.contents.read
                self._watched.append((each, read, read(each)))

    def _compare(self) -> list[_Watched]:
        """Return the parts that are not as they were, as they were."""
        changed: list[_Watched] = []
        window = self._watched[self._begin : self._begin + self._parts_per_look]
        for place, watched in enumerate(window, self._begin):
            part, read, before = watched
            now = read(part)
            if len(now) != len(before) or not all(map(is_, now, before)):
                self._watched[place] = (part, read, now)
                if not _was_filled_in(before, now):
                    changed.append(watched)
        return changed

    def _describe(self, changed: list[_Watched]) -> Mutation | None:
        """Return the first mutation of what the state has; watch what has come by all of them."""
        by_id = {id(part): (part, read, before) for part, read, before in changed}
        for part, _, _ in changed:
            self._known.forget(part)
        self._watched = [each for each in self._watched if each[0] in self._known]
        found: list[Mutation] = []
        for place, path in self._find_paths(by_id.keys()):
            part, read, before = by_id[place]
            found += self._differences(part, before, read(part), path)
            self._watch(part, path)
        return found[0] if found else None

    def _find_paths(self, parts: Container[int]) -> list[tuple[int, str]]:
        """Return parts, by their ids, with their paths in the state remembered last."""
        fresh, state = KnownParts(self._ignored), self._state
        walk = fresh.walk_unknown(state, type(state).__name__, but_fields=self._but_fields)
        return [(id(part), path) for part, path, _ in walk if id(part) in parts]

    def _differences(
        self, part: object, before: tuple[Any, ...], now: tuple[Any, ...], path: str
    ) -> list[Mutation]:
        """Return what is not as it was, in the order of fields, indices or keys."""
        shape = shape_of(part)
        if shape is None or shape.contents is None:
            return []
        old, new = shape.contents.label(before), shape.contents.label(now)
        labels = [
            label
            for label in [*old, *(label for label in new if label not in old)]
            if old.get(label, ABSENT) is not new.get(label, ABSENT)
        ]
        if not labels:  # the elements of a set have no labels, or a dictionary's order changed
            return [Mutation(path, before, now)]
        if part is self._state:
            labels = [label for label in labels if label not in self._but_fields]
        found = [
            Mutation(path + shape.spell(label), old.get(label, ABSENT), new.get(label, ABSENT))
            for label in labels
        ]
        return [
            each
            for each in found
            if not self._ignored.has(each.old, each.path)
            and not self._ignored.has(each.new, each.path)
        ]


def _was_filled_in(before: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    """Tell whether a record only made a field that was absent, as `Entities` does."""
    return len(before) == len(now) and all(
        was is ABSENT or was is is_now for was, is_now in zip(before, now, strict=True)
    )
