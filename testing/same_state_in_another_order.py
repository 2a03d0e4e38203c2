"""`same_state_in_another_order`: an equal state whose maps and sets are walked through otherwise.

What belongs here: building it.  What does not: what a reducer makes of it, which `reducer_laws`
tests.

The order of a set of texts differs from process to process (PYTHONHASHSEED), so that a reducer that
depends on it gives one state when it runs and another when its log is replayed.  Here the order is
chosen: texts and integers by size, others by their canonical digest, up or down, the same in every
process.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar, cast

import attrs
from pyrsistent import PDeque, PSet, PVector, pdeque, pmap, pset, pvector

from refold.reducers.entities import Entities
from refold.replay.canonical_digest import canonical_digest

__all__ = ["same_state_in_another_order"]

T = TypeVar("T")


def same_state_in_another_order(state: T, *, descending: bool = False) -> T:
    """Return an equal value whose maps and sets iterate in an order that was chosen.

    Entities keep the order of their ids, which is part of the state; what an adapter remembers of
    them is forgotten.  A part without any map or set of two elements stays the identical object.

    Args:
        state: a state or an action.
        descending: the other way round; so the orders of both calls differ everywhere.
    """
    return cast("T", _reordered(state, descending))


class _OrderedFrozenset(frozenset[Any]):
    """A frozenset that is walked through in an order that was chosen."""

    __slots__ = ("_elements",)

    _elements: tuple[Any, ...]

    @classmethod
    def of(cls, elements: tuple[Any, ...]) -> _OrderedFrozenset:
        """Return a set that iterates as the elements are given."""
        made = cls(elements)
        made._elements = elements
        return made

    def __iter__(self) -> Iterator[Any]:
        return iter(self._elements)


def _reordered(value: Any, descending: bool) -> Any:  # noqa: FBT001  # passed through
    if attrs.has(value.__class__):
        return _record(value, descending)
    if isinstance(value, Mapping):
        return _map(value, descending)
    if isinstance(value, AbstractSet):
        return _set(value, descending)
    if isinstance(value, tuple | PVector | PDeque):
        return _list(value, descending)
    return value


def _record(record: Any, descending: bool) -> Any:  # noqa: FBT001
    names = [field.name for field in attrs.fields(record.__class__)]
    parts = {name: getattr(record, name) for name in names if hasattr(record, name)}
    made = {name: _reordered(part, descending) for name, part in parts.items()}
    changed = {name: part for name, part in made.items() if part is not parts[name]}
    if not changed:
        return record
    if type(record) is Entities:
        return Entities(**made)
    # not attrs.evolve: validators and converters were run when the record was made
    twin = copy.copy(record)
    for name, part in changed.items():
        object.__setattr__(twin, name, part)
    return twin


def _map(value: Any, descending: bool) -> Any:  # noqa: FBT001
    pairs = [(_reordered(k, descending), _reordered(v, descending)) for k, v in value.items()]
    if len(pairs) < 2 and all(  # noqa: PLR2004  # one element has one order
        new[0] is old[0] and new[1] is old[1] for new, old in zip(pairs, value.items(), strict=True)
    ):
        return value
    pairs.sort(key=lambda pair: _rank(pair[0]), reverse=descending)
    if not _is_persistent(value):  # a dict, which should not be here
        return dict(pairs)
    return pmap(dict(pairs), 1)  # in one bucket entries stay as they were put in


def _set(value: Any, descending: bool) -> Any:  # noqa: FBT001
    elements = [_reordered(element, descending) for element in value]
    if len(elements) < 2 and all(  # noqa: PLR2004  # one element has one order
        new is old for new, old in zip(elements, value, strict=True)
    ):
        return value
    elements.sort(key=_rank, reverse=descending)
    if isinstance(value, PSet):
        return pset(elements, 1)
    if isinstance(value, frozenset):
        return _OrderedFrozenset.of(tuple(elements))
    return set(elements)  # which should not be here


def _list(value: Any, descending: bool) -> Any:  # noqa: FBT001
    elements = [_reordered(element, descending) for element in value]
    if all(new is old for new, old in zip(elements, value, strict=True)):
        return value
    if isinstance(value, PVector):
        return pvector(elements)
    if isinstance(value, PDeque):
        maxlen: Any = value.maxlen
        return pdeque(cast("Iterable[Any]", elements), maxlen=maxlen)
    cls: Any = value.__class__
    return cls(*elements) if hasattr(cls, "_fields") else tuple(elements)


def _rank(value: Any) -> tuple[str, Any]:
    """Return what values are sorted by: plain ones by themselves, which is quick."""
    if value.__class__ is str or value.__class__ is int:
        return value.__class__.__name__, value
    return "", canonical_digest(value)


def _is_persistent(value: Any) -> bool:
    return not hasattr(value.__class__, "__setitem__")  # a pmap has its keys as attributes, too
