"""The values that stand in a state, by class: what makes an update or a removal hit something.

What belongs here: walking a state.  What does not: choosing, which `leaf_values` does.

At most a few hundred values are taken, the nearest to the root first, in an order that is the same
in every process.
"""

from __future__ import annotations

import enum
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, Final

import attrs
from pyrsistent import PDeque, PVector

from refold.reducers.entities import Entities
from refold.testing.code_constants import SCALARS, in_any_order
from refold.testing.small_values import START_MS
from refold.testing.type_shapes import is_row_class

__all__ = ["ValuePool"]

_MOST_VALUES: Final = 400
_ENDS: Final = 8
"""How many elements of each end of a long collection are taken."""

_NOTHING: Final[Sequence[Any]] = ()
_NO_CONSTANTS: Final[Mapping[type, Sequence[Any]]] = MappingProxyType({})


class ValuePool:
    """What stands in one state and in the code around it.

    The state is walked when something is first asked for.
    """

    def __init__(  # noqa: PLR0913  # all but the state by keyword
        self,
        state: object = None,
        *,
        constants: Mapping[type, Sequence[Any]] = _NO_CONSTANTS,
        now_ms: int = START_MS,
        said: list[tuple[Any, Any]] | None = None,
        prefers_new: bool = False,
        recent: Sequence[Any] = (),
    ) -> None:
        """Take a state.

        Args:
            state: any state; None for nothing.
            constants: what `CodeReader` found.
            now_ms: the time of the last action, in milliseconds since the Unix epoch.
            said: values of registered strategies drawn before, with their types; more are added.
            prefers_new: whether values shall mostly be none of the keys, so that many things are
                added and few are met again.
            recent: what stands in the action before, so that several may be about one thing.
        """
        self.now_ms = now_ms
        self.shift = 0
        """Added to each choice: another try of the same draw."""
        self.constants = constants
        self.prefers_new = prefers_new
        self.recent = recent
        self.said = said if said is not None else []
        self._state = state
        self._is_walked = False
        self._keys: dict[type, dict[Any, None]] = defaultdict(dict)
        self._values: dict[type, dict[Any, None]] = defaultdict(dict)
        self._named: dict[tuple[str, type], dict[Any, None]] = defaultdict(dict)
        self._records: dict[type, list[Any]] = defaultdict(list)
        self._groups: dict[type, list[Sequence[Any]]] = defaultdict(list)

    def keys(self, cls: type) -> Sequence[Any]:
        """Return the keys of maps, ids of entities and elements of sets, of exactly a class."""
        self._walk()
        return tuple(self._keys.get(cls, _NOTHING))

    def values(self, cls: type) -> Sequence[Any]:
        """Return the values of fields, and elements of sequences, of exactly a class."""
        self._walk()
        return tuple(self._values.get(cls, _NOTHING))

    def named(self, name: str, cls: type) -> Sequence[Any]:
        """Return the values of exactly a class that fields of a name have."""
        self._walk()
        return tuple(self._named.get((name, cls), _NOTHING))

    def records(self, cls: type) -> Sequence[Any]:
        """Return the records of exactly a class."""
        self._walk()
        return self._records.get(cls, _NOTHING)

    def groups(self, cls: type) -> Sequence[Sequence[Any]]:
        """Return the collections of which the keys are of a class, each as its keys."""
        self._walk()
        return self._groups.get(cls, _NOTHING)

    def said_of(self, tp: Any) -> Sequence[Any]:
        """Return the values of a registered type that were drawn before."""
        return [value for one, value in self.said if one is tp or one == tp]

    def _walk(self) -> None:
        if self._is_walked:
            return
        self._is_walked = True
        waiting: deque[tuple[str, Any]] = deque([("", self._state)])
        seen: set[int] = set()
        left = _MOST_VALUES
        while waiting and left > 0:
            left -= 1
            name, value = waiting.popleft()
            if type(value) in SCALARS:
                self._values[type(value)].setdefault(value)
                self._named[name, type(value)].setdefault(value)
            elif id(value) not in seen:
                seen.add(id(value))
                waiting.extend(self._parts_of(name, value))

    def _parts_of(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield what a value is made of; keep it if it is a record, and its keys if it has any."""
        kind: Any = value.__class__  # the value's type is not narrowed
        if kind is Entities:
            self._records[kind].append(value)
            yield from (("", value.by_id[key]) for key in self._take_keys(value.ids))
        elif issubclass(kind, Mapping):
            yield from (("", value[key]) for key in self._take_keys(in_any_order(value)))
        elif issubclass(kind, AbstractSet):
            self._take_keys(in_any_order(value))
        elif is_row_class(kind):
            self._records[kind].append(value)
            yield from zip(kind._fields, value, strict=True)
        elif issubclass(kind, tuple | PVector | PDeque):
            yield from ((name, one) for one in _ends_of(value))
        elif attrs.has(kind) and not issubclass(kind, enum.Enum):
            self._records[kind].append(value)
            for field in attrs.fields(kind):
                yield field.name, getattr(value, field.name, None)

    def _take_keys(self, keys: Any) -> Sequence[Any]:
        taken = _ends_of(keys)
        for key in taken:
            self._keys[type(key)].setdefault(key)
        for cls in dict.fromkeys(map(type, taken)):
            self._groups[cls].append([key for key in taken if type(key) is cls])
        return taken


def _ends_of(values: Any) -> Sequence[Any]:
    if len(values) <= 2 * _ENDS:
        return list(values)
    listed = list(values)
    return listed[:_ENDS] + listed[-_ENDS:]
