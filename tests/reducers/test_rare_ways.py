"""The rarely taken ways of reducers: classes inside functions, bare collections, odd roots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, cast

import attrs
import pytest
from pyrsistent import pmap, pvector

from refold.actions.action import Action, action
from refold.actions.check_value_type import allows_none, check_value_type
from refold.errors import (
    ActionDeclarationError,
    ReducerDeclarationError,
    SelectorDeclarationError,
    ValueTypeError,
)
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.reducers.root_shape import ABSENT
from refold.selectors.development_checks import set_development_checks
from refold.selectors.selector import selector
from refold.selectors.selector_template import UNSET
from refold.store.store import Store

if TYPE_CHECKING:
    from fractions import Fraction  # noqa: TC004  # not there at run time, on purpose

Plain = TypeVar("Plain")
Bound = TypeVar("Bound", bound=list[int])


@attrs.frozen
class Hidden:
    """A state whose annotation cannot be resolved when the program runs."""

    value: Fraction | None = None
    names: Any = ()


@attrs.frozen
class Root:
    """A root with such a field."""

    hidden: Hidden
    missing: Fraction | None = None


@attrs.frozen
class Positive:
    """A root with a validator, which its constructor runs."""

    number: int = attrs.field(default=1, validator=attrs.validators.gt(0))


@action("reducers_rare_ways/number_set")
class NumberSet(Action):
    """A number was set."""

    value: int


def test_a_state_with_an_unresolvable_annotation_is_judged_by_its_values() -> None:
    """What no annotation tells, the values of the state tell."""
    Store(Reducer(Hidden(names=("a", pmap({"b": pvector([1])})))))
    with pytest.raises(ValueTypeError, match="list") as caught:
        Store(Reducer(Hidden(names=["a"])))
    assert caught.value.path == "Hidden.names"


def test_the_slices_of_an_unresolvable_root_are_judged_one_by_one() -> None:
    """A root class with an annotation that cannot be resolved has its slices checked."""
    Store(combine_reducers(Root, hidden=Reducer(Hidden())))
    with pytest.raises(ValueTypeError, match="list"):
        Store(combine_reducers(Root, hidden=Reducer(Hidden(names=["a"]))))


def test_a_bare_map_is_judged_by_its_entries() -> None:
    """A state that is a bare collection is checked element by element."""
    Store(Reducer(pmap({"a": pvector([1, (2, "b")])})))
    with pytest.raises(ValueTypeError, match="list"):
        Store(Reducer(pmap({"a": [1]})))


def test_a_root_with_a_validator_is_built_by_its_constructor() -> None:
    """A root that cannot be built cheaply works all the same, and its validator runs."""
    number = Reducer(1)

    @number.on(NumberSet)
    def _(_state: int, action: NumberSet) -> int:
        return action.value

    store = Store(combine_reducers(Positive, number=number))
    seen: list[tuple[int, int]] = []
    store.subscribe(lambda new, old: seen.append((new, old)), select=lambda root: root.number)
    store.dispatch(NumberSet(5))
    assert store.state == Positive(5)
    assert seen == [(5, 1)]


@pytest.mark.parametrize("root", [int, 5, attrs.make_class("Open", ["a"])])
def test_a_root_that_is_no_frozen_attrs_class_is_refused(root: object) -> None:
    """The error says what was given and what to write."""
    with pytest.raises(ReducerDeclarationError, match=r"attrs\.frozen"):
        combine_reducers(cast("Any", root))


def test_a_handler_for_an_undeclared_class_is_refused() -> None:
    """`on` says how to declare the class."""
    with pytest.raises(ReducerDeclarationError, match="@action"):
        Reducer(0).on(cast("Any", Root))


def test_an_action_that_is_no_subclass_is_refused() -> None:
    """The decorator says which base is missing."""
    with pytest.raises(ActionDeclarationError, match=r"class Lonely\(Action\)"):

        @action("reducers_rare_ways/lonely")
        class Lonely:  # pyright: ignore[reportUnusedClass]  # its declaration is what fails
            """A class without the base."""


def test_none_is_found_in_annotated_unions() -> None:
    """None is one of a union's values, also under Annotated, and of no other type's."""
    assert allows_none(None)
    assert allows_none(type(None))
    assert allows_none(Annotated[int | None, "maybe"])
    assert not allows_none(int)


def test_type_variables_are_judged_by_their_bounds() -> None:
    """A bare type variable may be anything; one bound to a mutable type is refused."""
    check_value_type(Plain, "Root.anything")
    with pytest.raises(ValueTypeError, match="list"):
        check_value_type(Bound, "Root.bound")


def test_what_is_no_type_is_refused() -> None:
    """A type form that nobody knows is refused with its path."""
    with pytest.raises(ValueTypeError, match=r"Root\.odd"):
        check_value_type("not a type", "Root.odd")


def test_the_stand_ins_say_what_they_stand_for() -> None:
    """Values that stand for nothing are readable where they show up."""
    assert (repr(ABSENT), repr(UNSET)) == ("absent", "unset")


def test_an_unknown_frequency_of_checks_is_refused() -> None:
    """The error lists the choices."""
    with pytest.raises(SelectorDeclarationError, match="'once', 'always' or 'never'"):
        set_development_checks(cast("Any", "sometimes"))


def test_a_selector_with_memories_that_cannot_be_cleared_is_cleared_where_it_can() -> None:
    """Custom memories without `clear_cache` are left as they are."""
    runs: list[int] = []

    def no_memory(function: Any) -> Any:
        def forward(*arguments: Any) -> Any:
            return function(*arguments)

        return forward

    def read(state: Positive, *_extra: object) -> int:
        return state.number

    @selector(read, memoize=no_memory, memoize_arguments=no_memory)
    def select_double(number: int) -> int:
        runs.append(number)
        return number * 2

    assert select_double(Positive(2)) == 4
    select_double.clear_cache()
    select_double.clear_arguments_cache()
    assert select_double(Positive(2)) == 4
    assert select_double(Positive(2), 0j) == 4
    assert runs == [2, 2, 2]


def test_complex_arguments_are_told_apart() -> None:
    """Extra arguments of complex numbers have entries of their own."""

    def read_number(_state: None, number: complex = 0j) -> complex:
        return number

    @selector(read_number)
    def select_text(number: complex) -> str:
        return str(number)

    assert select_text(None, 1j) != select_text(None, -1j)


@attrs.frozen
class Box(Generic[Plain]):
    """A record of anything."""

    value: Plain


@attrs.frozen
class Boxes:
    """A root of a generic record."""

    box: Box[int] = Box(1)


@attrs.frozen
class MutableBoxes:
    """A root of a generic record of something mutable."""

    box: Box[list[int]] = Box([1])


def test_a_generic_record_is_judged_by_its_arguments() -> None:
    """A field of a generic attrs class is as immutable as what it holds."""
    Store(Reducer(Boxes()))
    with pytest.raises(ValueTypeError, match="list"):
        Store(Reducer(MutableBoxes()))


def test_extra_arguments_are_answered_anew_after_their_memory_is_cleared() -> None:
    """Clearing the memory of arguments runs the inputs again, and no result function."""
    runs: list[int] = []

    def read(state: Positive, extra: int = 0) -> int:
        runs.append(extra)
        return state.number + extra

    @selector(read, check_inputs="never")
    def select_text(number: int) -> str:
        return str(number)

    state = Positive(2)
    assert select_text(state, 1) == select_text(state, 1) == "3"
    assert runs == [1]
    select_text.clear_arguments_cache()
    assert select_text(state, 1) == "3"
    assert runs == [1, 1]
    assert select_text.recomputations == 1


def test_a_result_function_that_returns_its_input_only_for_some_states_is_not_reported() -> None:
    """A function that looks at nothing of its input, but returns another thing, is no identity."""
    first = Positive(1)

    def read(state: Positive) -> Positive:
        return state

    @selector(read, check_identity="always")
    def select_first(_state: Positive) -> Positive:
        return first

    assert select_first(first) is first
