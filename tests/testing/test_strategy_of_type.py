"""Values of any type: valid, small, and as the validators want them."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar

import attrs
import orjson
import pytest
from attrs import validators
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyrsistent import PMap, PSet, PVector, pvector

from refold.errors import StrategyError
from refold.reducers.entities import Entities
from refold.replay.action_codec import decode_value, encode_state
from refold.replay.value_codec import make_value_converter
from refold.testing.strategy_of_type import values_of_type
from tests.strategies.sameness import exactly_same
from tests.strategies.typed_values import SCALARS, Box, Tree, value_strategies
from tests.testing.finding import find

T = TypeVar("T")

PATIENT = settings(max_examples=5000, database=None)


@attrs.frozen
class Leaf:
    """Where an expression ends."""

    number: int


@attrs.frozen
class Sum:
    """An expression that must hold others."""

    left: Leaf | Sum
    right: Leaf | Sum
    more: tuple[Sum, ...] = ()


@attrs.frozen
class Number:
    """A record that names its generic argument."""

    box: Box[float]


@attrs.frozen
class IntBox(Box[int]):
    """A generic type with its argument said by a subclass."""


@attrs.frozen
class Item:
    """What entities are of."""

    label: str
    number: int


@attrs.frozen
class Shelf:
    """Entities as a field."""

    items: Entities[int, Item]


@attrs.frozen
class Pair(Generic[T]):
    """A generic type of generic types."""

    boxes: tuple[Box[T], ...]
    maybe: T | None


def _is_sorted(instance: Span, _attribute: Any, value: int) -> None:
    if value < instance.first:
        message = "last before first"
        raise ValueError(message)


def _stripped(text: str) -> str:
    return text.strip()


def _is_even(_instance: object, _attribute: object, value: int) -> None:
    if value % 2:
        message = "odd"
        raise ValueError(message)


@attrs.frozen
class Span:
    """Two fields that have to fit each other."""

    first: int
    last: int = attrs.field(validator=_is_sorted)


@attrs.frozen
class Limited:
    """A field for each of attrs' own validators, and one of the user's."""

    in_: str = attrs.field(validator=validators.in_(["x", "y"]))
    in_set: int = attrs.field(validator=validators.in_({3, 1000, 2}))
    at_least: int = attrs.field(validator=validators.ge(100))
    between: float = attrs.field(validator=[validators.gt(0.25), validators.lt(0.3)])
    narrow: int = attrs.field(validator=validators.and_(validators.ge(70), validators.le(71)))
    money: Decimal = attrs.field(validator=validators.gt(Decimal(12)))
    long: str = attrs.field(validator=validators.min_len(30))
    exact: bytes = attrs.field(validator=[validators.min_len(3), validators.max_len(3)])
    code: str = attrs.field(validator=validators.matches_re(r"[A-Z]{2}-\d+"))
    beginning: str = attrs.field(validator=validators.matches_re(r"ab", func=re.match))
    maybe: int | None = attrs.field(validator=validators.optional(validators.ge(50)))
    parts: tuple[int, ...] = attrs.field(
        validator=[
            validators.deep_iterable(validators.ge(40), validators.instance_of(tuple)),
            validators.min_len(2),
        ]
    )
    prices: PMap[str, int] = attrs.field(
        validator=validators.deep_mapping(validators.min_len(2), validators.ge(7))
    )
    other: int = attrs.field(validator=validators.not_(validators.in_([0, 1])))
    narrowed: int | str = attrs.field(validator=validators.instance_of(int))
    word: Literal["a", "b"] = attrs.field(validator=validators.in_(["b"]))
    mine: int = attrs.field(validator=_is_even)
    converted: str = attrs.field(converter=_stripped, default="none")


FORMS: list[Any] = [
    *SCALARS,
    Sum,
    Tree,
    IntBox,
    Shelf,
    Pair[float],
    Pair[Box[str]],
    Span,
    Entities[int, Item],
    tuple[()],
    tuple[int, ...],
    PVector[Tree],
    PMap[str, tuple[int, Tree | None]],
    PSet[frozenset[str]],
    Optional[Annotated[int, "a note"]],  # noqa: UP045  # no class to pyright
]


def comes_back(tp: Any, value: Any) -> bool:
    """Tell whether a value is of its type as the codec sees it, and survives a log."""
    written = orjson.dumps(make_value_converter().unstructure(value, tp))
    return exactly_same(make_value_converter().structure(orjson.loads(written), tp), value)


@pytest.mark.parametrize("tp", FORMS, ids=str)
@settings(suppress_health_check=[])
@given(data=st.data())
def test_a_value_of_each_type_survives_a_log(tp: Any, data: st.DataObject) -> None:
    """What is drawn for a type is a value of it, and comes back from JSON exactly."""
    assert comes_back(tp, data.draw(values_of_type(tp)))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_value_of_any_made_type_survives_a_log(data: st.DataObject) -> None:
    """The same is true of any collection, union and row of all the types."""
    tp, _ = data.draw(value_strategies)
    assert comes_back(tp, data.draw(values_of_type(tp)))


@settings(suppress_health_check=[])
@given(values_of_type(Limited))
def test_validators_are_obeyed(limited: Limited) -> None:
    """Records with every validator are drawn without a health check in the way, and are valid."""
    attrs.validate(limited)
    assert comes_back(Limited, limited)


@given(values_of_type(int, validators=[validators.ge(10), _is_even]))
def test_validators_may_be_given(number: int) -> None:
    """A type alone may be drawn under validators, too."""
    assert number >= 10
    assert number % 2 == 0


@pytest.mark.parametrize("wanted", [100, 101, 10**6], ids=str)
def test_a_bound_is_met(wanted: int) -> None:
    """The value at a bound, the one beside it and one far away are all drawn."""
    strategy = values_of_type(int, validators=[validators.ge(100), validators.le(10**6)])
    assert find(strategy, lambda number: number == wanted, settings=PATIENT) == wanted


@pytest.mark.parametrize("wanted", [0.0, float("inf"), float("-inf"), 0.5], ids=str)
def test_the_difficult_floats_are_drawn(wanted: float) -> None:
    """Infinities and fractions are drawn."""
    find(values_of_type(float), lambda number: number == wanted, settings=PATIENT)


@given(values_of_type(Decimal), values_of_type(Box[float]))
def test_every_value_equals_itself(amount: Decimal, box: Box[float]) -> None:
    """Not-a-number is left out: what holds it does not equal its own copy."""
    assert Decimal(str(amount)) == amount
    assert decode_value(encode_state(Number(box)), Number, "a value") == Number(box)


@given(st.lists(values_of_type(str), min_size=40, max_size=40))
def test_texts_meet_each_other(texts: list[str]) -> None:
    """Of many texts several are the same."""
    assert len(set(texts)) < len(texts)


@given(values_of_type(datetime.datetime), values_of_type(datetime.datetime))
def test_points_in_time_can_be_compared(one: datetime.datetime, other: datetime.datetime) -> None:
    """Two points in time never differ in whether they have a zone."""
    assert (one < other) or (other < one) or one == other


@given(values_of_type(Tree), values_of_type(Sum))
def test_types_that_hold_themselves_end(tree: Tree, total: Sum) -> None:
    """A record of a recursive type is at most four deep."""

    def depth(one: Tree) -> int:
        return 1 + max(map(depth, one.children), default=0)

    assert depth(tree) <= 4
    assert isinstance(total, Sum)


def test_recursion_is_drawn() -> None:
    """A tree has children, which have children."""
    deep = find(values_of_type(Tree), lambda tree: any(t.children for t in tree.children))
    assert deep == Tree(None, pvector([Tree(None, pvector([Tree()]))]))


@pytest.mark.parametrize(
    ("tp", "simplest"),
    [(int, 0), (str, "a"), (int | None, None), (tuple[int, ...], ()), (Box[str], Box("a"))],
    ids=str,
)
def test_the_simplest_value(tp: Any, simplest: object) -> None:
    """Hypothesis reports the simplest value if any will do."""
    assert find(values_of_type(tp), lambda _: True) == simplest


@pytest.mark.parametrize("tp", [list[int], object, Any, 3], ids=str)
def test_a_type_without_strategy_is_refused(tp: Any) -> None:
    """The error names the type and says what to write."""
    with pytest.raises(StrategyError, match=r"no strategy is known for .*register_strategy\("):
        values_of_type(tp)


def test_a_choice_that_no_validator_accepts_is_refused() -> None:
    """The error says that type and validators do not fit."""
    with pytest.raises(StrategyError, match="accepted by the field's validators"):
        values_of_type(Literal["a"], validators=[validators.in_(["b"])])
