"""Listeners and transactions: they hear of an action when it is committed, or never.

What belongs here: when runs begin and what they see.  What does not: causes in a recording.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.listeners import Listeners
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.listeners.listener_scene import Asked, Board, Counted, Noted, Troubles, board, rest
from tests.listeners.virtual_loop import run_in_virtual_time

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.effect import Effect


class BlockFailedError(Exception):
    """What a block raises."""


def roll_back(store: Store[Board], *actions: Action) -> None:
    """Dispatch the actions in a transaction that fails."""
    with contextlib.suppress(BlockFailedError), store.transaction():
        for one in actions:
            store.dispatch(one)
        raise BlockFailedError


@pytest.mark.looptime
async def test_runs_begin_only_at_the_commit() -> None:
    """While a transaction is open, across awaits too, nobody hears of its actions."""
    listeners = Listeners(Board)
    heard: list[Action] = []
    listeners.add(Counted, lambda action, _fx: heard.append(action))
    async with Store(board, listeners=[listeners]) as store:
        with store.transaction(across_await=True):
            store.dispatch(Counted(1))
            await rest()
            store.dispatch(Counted(2))
            await rest()
            assert heard == []
        await rest()
    assert heard == [Counted(1), Counted(2)]


@pytest.mark.looptime
async def test_each_action_has_its_own_states() -> None:
    """Predicates and runs see the states around their own action, not around the transaction."""
    listeners = Listeners(Board)
    asked: list[tuple[int, int, int]] = []
    seen: list[tuple[int, int]] = []

    def question(action: Any, state: Board, old_state: Board) -> bool:
        asked.append((action.by, state.count, old_state.count))
        return bool(action.by > 1)

    @listeners.on(question)
    async def _(action: Any, fx: Effect[Board]) -> None:
        seen.append((action.by, fx.original_state.count))

    async with Store(board, listeners=[listeners]) as store:
        with store.transaction():
            for by in (1, 2, 3):
                store.dispatch(Counted(by))
        await rest()
    assert asked == [(1, 1, 0), (2, 3, 1), (3, 6, 3)]
    assert seen == [(2, 1), (3, 3)]


@pytest.mark.looptime
async def test_after_a_rollback_nobody_hears_of_it() -> None:
    """A block that raises begins no run, and the next action's original state is right."""
    listeners = Listeners(Board)
    seen: list[tuple[Action, Board]] = []
    listeners.add(lambda _action: True, lambda action, fx: seen.append((action, fx.original_state)))
    async with Store(board, listeners=[listeners]) as store:
        before = store.state

        roll_back(store, Counted(1))
        await rest()
        assert seen == []
        store.dispatch(Asked())
        await rest()
    assert seen == [(Asked(), before)]


@pytest.mark.looptime
@pytest.mark.parametrize("in_transaction", [True, False])
async def test_an_action_tried_again_has_the_states_of_its_second_try(
    *, in_transaction: bool
) -> None:
    """The same object, rolled back and dispatched again, is heard once with its new states."""
    listeners = Listeners(Board)
    seen: list[Board] = []
    listeners.add(Counted, lambda _action, fx: seen.append(fx.original_state))
    again = Counted(10)
    async with Store(board, listeners=[listeners]) as store:
        roll_back(store, again)
        if in_transaction:
            store.dispatch(Counted(1))
            await rest()
            seen.clear()
        store.dispatch(Noted("nobody hears of this"))
        before = store.state
        with store.transaction() if in_transaction else contextlib.nullcontext():
            store.dispatch(again)
        await rest()
    assert len(seen) == 1
    assert seen[0] is before


@pytest.mark.looptime
async def test_an_action_that_failed_inside_and_then_did_not_is_heard_once() -> None:
    """Of an object whose reducer raised first the states are those of the time it did not."""
    picky = Reducer(Board())

    @picky.on(Counted)
    def _(state: Board, action: Counted) -> Board:
        if not state.texts:
            raise BlockFailedError
        return attrs.evolve(state, count=action.by)

    @picky.on(Noted)
    def _(state: Board, action: Noted) -> Board:
        return attrs.evolve(state, texts=(action.text,))

    listeners = Listeners(Board)
    seen: list[Board] = []
    listeners.add(Counted, lambda _action, fx: seen.append(fx.original_state))
    again = Counted(10)
    async with Store(picky, listeners=[listeners]) as store:
        with store.transaction():
            with pytest.raises(BlockFailedError):
                store.dispatch(again)
            store.dispatch(Noted("ready"))
            store.dispatch(again)
        await rest()
    assert seen == [Board(texts=("ready",))]


@pytest.mark.looptime
async def test_a_listener_may_commit_a_transaction_of_its_own() -> None:
    """What a run commits begins runs; what it rolls back begins none, and its error is reported."""
    troubles = Troubles()
    heard: list[Action] = []

    @troubles.listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        with store.transaction():
            fx.dispatch(Noted("one"))
            fx.dispatch(Noted("two"))
            if action.number:
                raise BlockFailedError

    troubles.listeners.add(Noted, lambda action, _fx: heard.append(action))
    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked(1))
        await rest()
        assert store.state.texts == ()
        store.dispatch(Asked(0))
        await rest()
    assert heard == [Noted("one"), Noted("two")]
    assert [error for _, error, _ in troubles.errors] == ["BlockFailedError()"]


@pytest.mark.looptime
async def test_a_listener_whose_dispatch_is_refused_is_reported() -> None:
    """A run that dispatches into another's transaction gets the error, and the rest goes on."""
    troubles = Troubles()

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        await fx.sleep(1)
        fx.dispatch(Noted("too early"))

    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        with store.transaction(across_await=True):
            await rest(5)
            store.dispatch(Counted())
    assert store.state == Board(count=1)
    (trouble,) = troubles.errors
    assert "TransactionError" in trouble[1]


@attrs.frozen
class Nest:
    """A transaction: its actions and nested transactions, and whether its block raises."""

    parts: tuple[int | Nest, ...]
    fails: bool


nests = st.recursive(
    st.builds(Nest, st.lists(st.integers(1, 9), max_size=3).map(tuple), st.booleans()),
    lambda inner: st.builds(
        Nest, st.lists(st.integers(1, 9) | inner, max_size=4).map(tuple), st.booleans()
    ),
    max_leaves=8,
)


def kept(nest: Nest) -> list[int]:
    """Return the actions of a transaction that are committed with it."""
    if nest.fails:
        return []
    return [
        number
        for part in nest.parts
        for number in (kept(part) if isinstance(part, Nest) else [part])
    ]


def perform(store: Store[Board], nest: Nest) -> None:
    """Dispatch the actions of a transaction, and catch the error that rolls it back."""
    with contextlib.suppress(BlockFailedError), store.transaction():
        for part in nest.parts:
            if isinstance(part, Nest):
                perform(store, part)
            else:
                store.dispatch(Counted(part))
        if nest.fails:
            raise BlockFailedError


@given(st.lists(nests, max_size=4))
def test_listeners_hear_exactly_what_was_committed(script: list[Nest]) -> None:
    """Of any nest of transactions the runs are those of the kept actions, with their states."""

    async def run() -> None:
        listeners = Listeners(Board)
        seen: list[tuple[int, int]] = []

        def question(action: Any, state: Board, old_state: Board) -> bool:
            return bool(state.count == old_state.count + action.by)

        listeners.add(
            question, lambda action, fx: seen.append((action.by, fx.original_state.count))
        )
        async with Store(board, listeners=[listeners]) as store:
            for nest in script:
                perform(store, nest)
            await rest()
            numbers = [number for nest in script for number in kept(nest)]
            assert store.state.count == sum(numbers)
        assert seen == [(number, sum(numbers[:i])) for i, number in enumerate(numbers)]

    run_in_virtual_time(run())
