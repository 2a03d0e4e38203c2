"""The property that a combined reducer equals a plain function that runs every slice every time.

What belongs here: equality of results and identity of what did not change, over random reducers and
random actions.  The naive combine below is the specification: it routes nothing and skips nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen
class Counter:
    """A slice with one number."""

    value: int = 0


@attrs.frozen
class Inner:
    """A root inside the root."""

    deep: Counter
    plain: Counter


@attrs.frozen
class Root:
    """A root of two slices and an inner root."""

    left: Counter
    right: Counter
    inner: Inner


@action("combine_property/added")
class Added(Action):
    """A number was added; nothing changes for 0."""

    by: int


@action("combine_property/multiplied")
class Multiplied(Action):
    """The number was multiplied; nothing changes for 1."""

    by: int


@action("combine_property/set_to")
class SetTo(Action):
    """The number was replaced."""

    value: int


@action("combine_property/nobody_cares")
class NobodyCares(Action):
    """Handled by `otherwise` at most."""

    value: int


SliceReducer: TypeAlias = "Callable[[Counter | None, Action], Counter]"
"""What computes one slice, called as it is by the naive combine."""

small_numbers = st.integers(-2, 3)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Added, by=small_numbers),
    st.builds(Multiplied, by=small_numbers),
    st.builds(SetTo, value=small_numbers),
    st.builds(NobodyCares, value=small_numbers),
)


@attrs.frozen
class SlicePlan:
    """Which handlers a random slice has."""

    initial: int
    handled: frozenset[type[Action]]
    has_matcher: bool
    has_otherwise: bool
    is_plain_function: bool


slice_plans = st.builds(
    SlicePlan,
    initial=small_numbers,
    handled=st.frozensets(st.sampled_from([Added, Multiplied, SetTo])),
    has_matcher=st.booleans(),
    has_otherwise=st.booleans(),
    is_plain_function=st.booleans(),
)


def change_to(state: Counter, value: int) -> Counter:
    """Return the state for a value: the identical one if it has that value."""
    return state if state.value == value else Counter(value)


def fold_one(state: Counter, action: Action) -> Counter:
    """Return what the handlers of every slice make of one action."""
    match action:
        case Added(by=by):
            return change_to(state, state.value + by)
        case Multiplied(by=by):
            return change_to(state, state.value * by)
        case SetTo(value=value):
            return change_to(state, value)
        case _:
            return state


def is_odd_change(action: Action) -> bool:
    """Match additions and settings of odd numbers."""
    number = getattr(action, "value", getattr(action, "by", 0))
    return not isinstance(action, NobodyCares) and number % 2 == 1


def make_plain_function(plan: SlicePlan) -> SliceReducer:
    """Return a function with the plan's initial state and handled classes."""
    initial = Counter(plan.initial)

    def fold(state: Counter | None, action: Action) -> Counter:
        present = initial if state is None else state
        return fold_one(present, action) if type(action) in plan.handled else present

    return fold


def make_slice(plan: SlicePlan) -> SliceReducer:
    """Return the slice's reducer that a plan describes."""
    if plan.is_plain_function:
        return make_plain_function(plan)
    reducer = Reducer(Counter(plan.initial))
    for action_class in sorted(plan.handled, key=lambda one: one.wire_name):
        reducer.on(action_class)(fold_one)
    if plan.has_matcher:
        reducer.on_any(is_odd_change)(lambda state, _action: Counter(state.value + 100))
    if plan.has_otherwise:
        reducer.otherwise(lambda state, _action: change_to(state, -state.value))
    return reducer


@attrs.frozen
class Slices:
    """The slices' reducers of a root."""

    left: SliceReducer
    right: SliceReducer
    deep: SliceReducer
    plain: SliceReducer


slices = st.builds(
    lambda *plans: Slices(*map(make_slice, plans)), *(slice_plans for _ in attrs.fields(Slices))
)


def combine_naively(slices: Slices, root: Root, action: Action) -> Root:
    """Run every slice's reducer and rebuild both roots, unless nothing at all changed in them."""
    deep = slices.deep(root.inner.deep, action)
    plain = slices.plain(root.inner.plain, action)
    kept = deep is root.inner.deep and plain is root.inner.plain
    inner = root.inner if kept else Inner(deep, plain)
    left, right = slices.left(root.left, action), slices.right(root.right, action)
    if left is root.left and right is root.right and inner is root.inner:
        return root
    return Root(left, right, inner)


def combine_for_real(slices: Slices) -> Reducer[Root]:
    """Return refold's combined reducer of the same slices."""
    inner = combine_reducers(Inner, deep=slices.deep, plain=slices.plain)
    return combine_reducers(Root, left=slices.left, right=slices.right, inner=inner)


def kept_parts(before: Root, after: Root) -> tuple[bool, ...]:
    """Return for the root and each of its parts whether it is the identical object."""
    return (
        after is before,
        after.left is before.left,
        after.right is before.right,
        after.inner is before.inner,
        after.inner.deep is before.inner.deep,
        after.inner.plain is before.inner.plain,
    )


@given(slices, st.lists(actions, max_size=12))
def test_a_combined_reducer_equals_the_naive_combine(
    slices: Slices, sequence: list[Action]
) -> None:
    """Called alone, a combined reducer gives the naive combine's states and keeps what it keeps."""
    combined = combine_for_real(slices)
    real = naive = combined.initial
    for one in sequence:
        real_before, naive_before = real, naive
        real, naive = combined(real, one), combine_naively(slices, naive, one)
        assert real == naive
        assert kept_parts(real_before, real) == kept_parts(naive_before, naive)


@given(slices, st.lists(actions, max_size=12))
def test_a_store_over_a_combined_reducer_equals_the_naive_combine(
    slices: Slices, sequence: list[Action]
) -> None:
    """In a store, too: the same states, and the identical objects where nothing changed."""
    store = Store(combine_for_real(slices))
    naive = store.state
    for one in sequence:
        real_before, naive_before = store.state, naive
        store.dispatch(one)
        naive = combine_naively(slices, naive, one)
        assert store.state == naive
        assert kept_parts(real_before, store.state) == kept_parts(naive_before, naive)


@given(slices, st.lists(actions, min_size=1, max_size=12))
def test_a_state_read_only_at_the_end_equals_the_naive_combine(
    slices: Slices, sequence: list[Action]
) -> None:
    """A store whose state nobody reads in between ends at the naive combine's state."""
    store = Store(combine_for_real(slices))
    naive = store.state
    for one in sequence:
        store.dispatch(one)
        naive = combine_naively(slices, naive, one)
    assert store.state == naive


@given(st.lists(slice_plans, min_size=4, max_size=4))
def test_the_initial_state_is_made_of_the_slices_initial_states(plans: list[SlicePlan]) -> None:
    """The combined initial state has in every slice what that slice's reducer starts with."""
    initial = combine_for_real(Slices(*map(make_slice, plans))).initial
    assert initial == Root(
        Counter(plans[0].initial),
        Counter(plans[1].initial),
        Inner(Counter(plans[2].initial), Counter(plans[3].initial)),
    )
