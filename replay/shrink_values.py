"""Simpler values of a type: what shrinking tries in place of the value of an action's field.

What belongs here: for each kind of value that an action may hold, the simpler ones, simplest
first.  What does not: choosing among them, which `shrink_actions` does.

Every value that is given is simpler by one measure (nearer to zero, shorter, of fewer odd
characters, earlier in its enum), so replacing a value again and again comes to an end.
"""

from __future__ import annotations

import enum
import functools
import itertools
import math
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar, cast

import attrs
from pyrsistent import PDeque, PMap, PSet, PVector, pdeque, pmap, pset, pvector

from refold.actions.annotation_scope import resolved_field_types

__all__ = ["joined", "replacements", "simpler_records", "simpler_values", "swaps"]

R = TypeVar("R")

_PLAIN_CHARACTER: Final = "a"


def simpler_values(value: Any, declared: Any) -> Iterator[Any]:
    """Yield values that may stand in place of a value, the simplest first.

    Args:
        value: what stands there.
        declared: the type that its field is declared with.
    """
    kinds = _alternatives(declared)
    if value is not None and type(None) in kinds:
        yield None
    literals = [kind for kind in kinds if typing.get_origin(kind) is Literal]
    if any(value in typing.get_args(kind) for kind in literals):
        choices = [choice for kind in literals for choice in typing.get_args(kind)]
        yield from choices[: choices.index(value)]
    elif attrs.has(type(value)):  # pyright: ignore[reportUnknownArgumentType]  # narrowed to a generic of unknown elements
        yield from simpler_records(value)
    elif isinstance(value, enum.Enum):
        members: list[Any] = list(type(value))
        yield from members[: members.index(value)] if value in members else members[:1]
    else:
        yield from _simpler_plain(value, kinds)


def simpler_records(record: R) -> Iterator[R]:
    """Yield records of the same class with one field simpler, field by field.

    A value that the class refuses is left out.
    """
    cls: type[Any] = type(record)
    types_of = resolved_field_types(cls)
    for field in attrs.fields(cls):
        if not field.init:
            continue
        for simpler in simpler_values(getattr(record, field.name), types_of[field.name]):
            try:
                changed = attrs.evolve(cast("Any", record), **{field.alias: simpler})
            except Exception:  # noqa: BLE001, S112  # a validator refused it, in whatever way
                continue
            yield changed


def replacements(records: Sequence[R]) -> Iterator[Callable[[R], R]]:
    """Yield functions that put a simpler text or number in the place of another, in any record.

    What stands in some other record comes first, then what is simpler by itself.

    Args:
        records: whose fields hold the texts and numbers; those deeper inside are left alone.
    """
    found = dict.fromkeys(value for record in records for value in _plain_fields(record).values())
    for value in sorted(found, key=_rank, reverse=True):
        present = (one for one in sorted(found, key=_rank) if type(one) is type(value))
        smaller = [one for one in present if _rank(one) < _rank(value)]
        for simpler in dict.fromkeys([*smaller, *simpler_values(value, type(value))]):
            yield functools.partial(_replace, value, simpler)


def joined(one: R, other: R) -> tuple[R, ...]:
    """Return a record like the other with the numbers of both added, if they are of one class."""
    mine, others = _plain_fields(one), _plain_fields(other)
    sums = {name: mine.get(name, 0) + n for name, n in others.items() if type(n) is int}
    return (_changed(other, sums),) if type(one) is type(other) and sums else ()


def swaps(records: Sequence[R]) -> Iterator[Callable[[R], R]]:
    """Yield functions that exchange two texts, or two numbers, of some records in any record.

    Those deeper inside are left alone.
    """
    found = dict.fromkeys(value for record in records for value in _plain_fields(record).values())
    for one, other in itertools.combinations(sorted(found, key=_rank), 2):
        if type(one) is type(other):
            yield functools.partial(_swap, one, other)


def _plain_fields(record: object) -> dict[str, Any]:
    """Return the texts and numbers of a record, by what its constructor calls them."""
    cls: type[Any] = type(record)
    return {
        field.alias: value
        for field in attrs.fields(cls)
        if field.init and type(value := getattr(record, field.name)) in {str, int}
    }


def _rank(value: Any) -> tuple[bool, int, int, str]:
    """Return what is less for a simpler text or number; every simpler value ranks lower."""
    if isinstance(value, str):
        return (True, len(value), len(value) - value.count(_PLAIN_CHARACTER), value)
    return (False, abs(value), value < 0, "")


def _replace(old: Any, new: Any, record: R) -> R:
    present = _plain_fields(record).items()
    return _changed(record, {name: new for name, value in present if _is_same(value, old)})


def _swap(one: Any, other: Any, record: R) -> R:
    present = _plain_fields(record).items()
    to_other = {name: other for name, value in present if _is_same(value, one)}
    return _changed(record, to_other | {name: one for name, v in present if _is_same(v, other)})


def _is_same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _changed(record: R, changes: dict[str, Any]) -> R:
    if not changes:
        return record
    try:
        return attrs.evolve(cast("Any", record), **changes)  # type: ignore[no-any-return]  # R
    except Exception:  # noqa: BLE001  # a validator refused it, in whatever way
        return record


def _alternatives(declared: Any) -> list[Any]:
    """Return the members of a union, and what stands behind an alias."""
    origin = typing.get_origin(declared)
    if origin in {typing.Union, types.UnionType}:
        return [kind for arg in typing.get_args(declared) for kind in _alternatives(arg)]
    if origin is typing.Annotated:
        return _alternatives(typing.get_args(declared)[0])
    if hasattr(declared, "__supertype__"):
        return _alternatives(declared.__supertype__)
    if hasattr(declared, "__value__"):
        return _alternatives(declared.__value__)
    return [declared]


def _simpler_plain(value: Any, kinds: list[Any]) -> Iterator[Any]:
    cls: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]  # narrowed to a generic of unknown elements
    if cls in _SIMPLER_OF:
        yield from _SIMPLER_OF[cls](value)
    elif isinstance(value, PMap):
        yield from _simpler_maps(value, _arguments(kinds, 2))  # pyright: ignore[reportUnknownArgumentType]  # narrowed to a generic of unknown elements
    elif cls is tuple and Ellipsis not in (arguments := _arguments(kinds, 1)):
        yield from _simpler_fixed_tuples(value, arguments)
    else:
        build = next(
            (
                build
                for base, build in _BUILD.items()
                if isinstance(value, base) and not hasattr(value, "_fields")
            ),
            None,
        )
        if build is not None:
            is_set = isinstance(value, PSet | frozenset)  # its order must not come from hashes
            given = cast("Iterable[Any]", value)
            items: list[Any] = sorted(given, key=repr) if is_set else list(given)
            yield from map(build, _simpler_items(items, _arguments(kinds, 1)[0]))


def _arguments(kinds: list[Any], count: int) -> tuple[Any, ...]:
    """Return the types of the elements of the first generic among some types."""
    found = next((args for kind in kinds if len(args := typing.get_args(kind)) >= count), None)
    return (Any,) * count if found is None else found


def _simpler_ints(value: int) -> Iterator[int]:
    if value < 0:
        yield -value
    step = abs(value)
    while step:
        yield value - step if value > 0 else value + step
        step //= 2


def _simpler_floats(value: float) -> Iterator[float]:
    if not math.isfinite(value):
        yield from (0.0, 1.0)
        return
    whole = math.trunc(value)
    if whole != value:
        yield float(whole)
    yield from map(float, _simpler_ints(whole))


def _simpler_decimals(value: Decimal) -> Iterator[Decimal]:
    if not value.is_finite():
        yield Decimal(0)
        return
    whole = int(value)
    if whole != value:
        yield Decimal(whole)
    yield from map(Decimal, _simpler_ints(whole))


def _simpler_texts(value: str) -> Iterator[str]:
    yield from map("".join, _shorter(value))
    for index, character in enumerate(value):
        if character != _PLAIN_CHARACTER:
            yield value[:index] + _PLAIN_CHARACTER + value[index + 1 :]


def _shorter(items: Sequence[R]) -> Iterator[Sequence[R]]:
    """Yield a sequence without pieces, from the whole down to single items."""
    size = len(items)
    while size:
        for start in range(0, len(items), size):
            yield [*items[:start], *items[start + size :]]
        size //= 2


def _simpler_items(items: list[Any], element: Any) -> Iterator[Iterable[Any]]:
    yield from _shorter(items)
    for index, item in enumerate(items):
        for simpler in simpler_values(item, element):
            yield [*items[:index], simpler, *items[index + 1 :]]


def _simpler_fixed_tuples(
    value: tuple[Any, ...], arguments: tuple[Any, ...]
) -> Iterator[tuple[Any, ...]]:
    for index, item in enumerate(value):
        for simpler in simpler_values(item, arguments[index] if index < len(arguments) else Any):
            yield (*value[:index], simpler, *value[index + 1 :])


def _simpler_maps(value: PMap[Any, Any], arguments: tuple[Any, ...]) -> Iterator[PMap[Any, Any]]:
    entries: list[tuple[Any, Any]] = sorted(value.items(), key=lambda entry: repr(entry[0]))
    for shorter in _shorter(entries):
        yield pmap(dict(shorter))
    for key, entry in entries:
        for simpler in simpler_values(entry, arguments[-1]):
            yield value.set(key, simpler)


def _simpler_bytes(value: bytes) -> Iterator[bytes]:
    yield from map(bytes, _shorter(value))


_SIMPLER_OF: Final[dict[type, Callable[[Any], Iterator[Any]]]] = {
    bool: lambda value: iter([False] if value else []),
    int: _simpler_ints,
    float: _simpler_floats,
    Decimal: _simpler_decimals,
    str: _simpler_texts,
    bytes: _simpler_bytes,
}

_BUILD: Final[dict[type, Callable[[Iterable[Any]], Any]]] = {
    PVector: pvector,
    PDeque: pdeque,
    PSet: pset,
    frozenset: frozenset,
    tuple: tuple,
}
"""How a collection is made; a NamedTuple is left as it is, because it has a length of its own."""
