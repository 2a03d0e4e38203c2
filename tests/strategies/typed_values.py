"""Hypothesis strategies: every type that a field may have, with values of it.

What belongs here: scalars, and type forms made of type forms.  What does not: an application, which
`observatory_strategies` has.
"""

from __future__ import annotations

import datetime
import enum
import typing
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypeVar
from uuid import UUID

import attrs
from hypothesis import strategies as st
from pyrsistent import PDeque, PMap, PSet, PVector, pdeque, pmap, pset, pvector

__all__ = [
    "SCALARS",
    "Box",
    "Flags",
    "Tree",
    "TypedValue",
    "any_datetimes",
    "any_decimals",
    "any_floats",
    "any_integers",
    "any_text",
    "typed_values",
    "value_strategies",
]

T = TypeVar("T")

any_floats = st.floats() | st.sampled_from([0.0, -0.0, 1.0, float("inf"), float("nan")])
any_integers = st.integers() | st.sampled_from(
    [0, 1, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**80]
)
any_text = st.text() | st.sampled_from(["", "$int", "$of", "\n", "\u2028", "\x00", '"crc":"', "🎈"])
any_decimals = st.decimals().filter(lambda number: not number.is_snan())
offsets = st.integers(-1439, 1439).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)
any_datetimes = st.datetimes(timezones=st.none() | offsets)


class Colour(enum.Enum):
    """Members whose values are no JSON."""

    RED = (255, 0, 0)
    NONE = None
    HALF = 0.5


class Word(enum.StrEnum):
    """Members that are texts."""

    YES = "yes"
    NO = "no"


class Rank(enum.IntEnum):
    """Members that are numbers."""

    LOW = 0
    HIGH = 1


class Mixed(enum.Enum):
    """Members whose values differ only by their type."""

    TEXT = "1"
    NUMBER = 1


class Flags(enum.Flag):
    """Members that can be joined."""

    A = 1
    B = 2


UserId = NewType("UserId", int)


class Pair(NamedTuple):
    """A tuple with names."""

    left: float
    right: str | None = None


@attrs.frozen
class Tree:
    """A type that holds itself."""

    value: float | None = None
    children: PVector[Tree] = pvector()  # noqa: RUF009  # immutable


@attrs.frozen
class Box(Generic[T]):
    """A generic type, with a private field."""

    _content: T
    label: str = ""


TypedValue = tuple[Any, Any]
"""A type form, and a value of it."""

Form = tuple[Any, st.SearchStrategy[Any]]
"""A type form, and a strategy for its values."""

SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    type(None): st.none(),
    bool: st.booleans(),
    int: any_integers | st.booleans(),
    float: any_floats | any_integers | st.booleans(),
    str: any_text,
    bytes: st.binary(max_size=8),
    datetime.datetime: any_datetimes,
    datetime.date: st.dates(),
    datetime.time: st.times(),
    datetime.timedelta: st.timedeltas(),
    UUID: st.uuids(),
    Decimal: any_decimals,
    Colour: st.sampled_from(Colour),
    Word: st.sampled_from(Word),
    Rank: st.sampled_from(Rank),
    Mixed: st.sampled_from(Mixed),
    Flags: st.sampled_from([Flags.A, Flags.B, Flags.A | Flags.B, Flags(0)]),
    UserId: any_integers.map(UserId),
    Annotated[int, "a note"]: any_integers,
    (Literal["a", 1] | None): st.sampled_from(["a", 1, None]),
    Pair: st.builds(Pair, any_floats, st.none() | any_text),
    Tree: st.recursive(
        st.builds(Tree, any_floats),
        lambda trees: st.builds(Tree, any_floats, st.lists(trees, max_size=2).map(pvector)),
        max_leaves=4,
    ),
    Box[float]: st.builds(Box, any_floats, label=any_text),
}
"""Every type that is not made of others, with a strategy for its values."""

_TUPLE: Any = tuple
_FROZENSET: Any = frozenset
_VECTOR: Any = PVector
_DEQUE: Any = PDeque
_SET: Any = PSet
_MAP: Any = PMap
_UNION: Any = typing.Union

_scalar_forms: st.SearchStrategy[Form] = st.sampled_from(list(SCALARS)).map(
    lambda tp: (tp, SCALARS[tp])  # not drawn from the pairs: their text is too long
)


def _collections_of(forms: st.SearchStrategy[Form]) -> st.SearchStrategy[Form]:
    """Return forms of the collections and unions of others."""
    return st.one_of(
        forms.map(_tuple_of),
        forms.map(_frozenset_of),
        forms.map(_vector_of),
        forms.map(_deque_of),
        forms.map(_set_of),
        st.tuples(forms, forms).map(_map_of),
        st.lists(forms, min_size=1, max_size=3).map(_row_of),
        st.lists(forms, min_size=2, max_size=3, unique_by=_origin).map(_union_of),
    )


def _tuple_of(form: Form) -> Form:
    return _TUPLE[form[0], ...], st.lists(form[1], max_size=3).map(tuple)


def _frozenset_of(form: Form) -> Form:
    return _FROZENSET[form[0]], st.lists(form[1], max_size=3).map(frozenset)


def _vector_of(form: Form) -> Form:
    return _VECTOR[form[0]], st.lists(form[1], max_size=3).map(pvector)


def _deque_of(form: Form) -> Form:
    return _DEQUE[form[0]], st.lists(form[1], max_size=3).map(pdeque)


def _set_of(form: Form) -> Form:
    return _SET[form[0]], st.lists(form[1], max_size=3).map(pset)


def _map_of(forms: tuple[Form, Form]) -> Form:
    (key, keys), (value, values) = forms
    findable = keys.filter(lambda key: "nan" not in repr(key).lower())  # pyrsistent finds no nan
    pairs = st.lists(st.tuples(findable, values), max_size=3)
    return _MAP[key, value], pairs.map(lambda entries: pmap(dict(entries)))


def _row_of(forms: list[Form]) -> Form:
    return _TUPLE[tuple(form for form, _ in forms)], st.tuples(*(values for _, values in forms))


def _union_of(forms: list[Form]) -> Form:
    return _UNION[(None, *(form for form, _ in forms))], st.one_of(
        st.none(), *(values for _, values in forms)
    )


def _origin(form: Form) -> Any:
    return typing.get_origin(form[0]) or form[0]


value_strategies: st.SearchStrategy[Form] = st.recursive(
    _scalar_forms, _collections_of, max_leaves=4
)
"""A random type form with a strategy for its values."""

typed_values: st.SearchStrategy[TypedValue] = value_strategies.flatmap(
    lambda form: st.tuples(st.just(form[0]), form[1])
)
"""A random type form with a random value of it."""
