"""Behaviours 165 to 175: which actions a listener hears, and how it is added, removed and stopped.

What belongs here: one test per behaviour, or several where it says several things.  What does not:
waiting (`test_listener_waiting_behaviours`) and forks (`test_listener_fork_behaviours`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from refold.actions.matchers import any_of
from refold.middleware.listener_commands import AddListener, ClearListeners, RemoveListener
from refold.middleware.listeners import Listeners
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.listeners.listener_scene import (
    Answered,
    Asked,
    Board,
    Counted,
    Noted,
    board,
    noting_cancellation,
    rest,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action
    from refold.middleware.effect import Effect
    from refold.store.middleware import Dispatch, StoreAPI

pytestmark = pytest.mark.looptime


def counts(action: Action) -> bool:
    """Tell whether an action counts something."""
    return isinstance(action, Counted)


def two_counted(_action: Action, state: Board, _old_state: Board) -> bool:
    """Tell whether two were counted."""
    return state.count == 2


def new_count(_action: Action, state: Board, old_state: Board) -> bool:
    """Tell whether the count changed."""
    return state.count != old_state.count


async def test_b165_without_listeners_dispatch_is_as_ever() -> None:
    """Behaviour 165: a set without a listener changes no result and no state, and runs nothing."""
    tasks = asyncio.all_tasks()
    async with Store(board, listeners=[Listeners(Board)]) as store:
        plain = Store(board)
        for one in (Asked(3), Counted(), Noted("x")):
            assert store.dispatch(one) is one
            plain.dispatch(one)
        await rest()
        assert store.state == plain.state
    assert asyncio.all_tasks() == tasks


async def test_b165_an_action_that_nobody_hears_begins_nothing() -> None:
    """Behaviour 165: an action of which no listener wants to know begins no task."""
    listeners = Listeners(Board)
    listeners.add(Asked, lambda _action, _fx: None)
    async with Store(board, listeners=[listeners]) as store:
        tasks = asyncio.all_tasks()
        store.dispatch(Counted())
        assert asyncio.all_tasks() == tasks


@pytest.mark.parametrize(
    "kind",
    [
        Counted,
        "listener_scene/counted",
        any_of(Counted, Asked),
        Counted.matches,
        new_count,
        counts,
        two_counted,
    ],
)
async def test_b166_a_listener_is_chosen_by_any_of_four_kinds(kind: Any) -> None:
    """Behaviour 166: a class, a wire name, a matcher, or a question about action and states."""
    listeners = Listeners(Board)
    heard: list[Action] = []

    @listeners.on(kind)
    async def _(action: Action, _fx: Effect[Board]) -> None:
        heard.append(action)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Noted("x"))
        counted = store.dispatch(Counted(2))
        store.dispatch(Answered())
        await rest()
    assert len(heard) >= 1
    assert heard[0] is counted
    assert all(isinstance(one, Counted) for one in heard) or store.state.count == 2


async def test_b166_several_kinds_are_one_listener() -> None:
    """Behaviour 166: any of the listed kinds counts, and an action that fits two runs it once."""
    listeners = Listeners(Board)
    heard: list[Action] = []

    @listeners.on(Counted, "listener_scene/noted", any_of(Counted, Asked))
    async def _(action: Action, _fx: Effect[Board]) -> None:
        heard.append(action)

    sent = [Counted(), Noted("x"), Asked(), Answered()]
    async with Store(board, listeners=[listeners]) as store:
        for one in sent:
            store.dispatch(one)
        await rest()
    assert heard == sent[:3]


async def test_b167_it_runs_after_the_reducer() -> None:
    """Behaviour 167: it sees the new state, and `original_state` is the one before the action."""
    listeners = Listeners(Board)
    seen: list[tuple[int, int]] = []

    @listeners.on(Counted)
    async def _(_action: Counted, fx: Effect[Board]) -> None:
        seen.append((fx.original_state.count, fx.state.count))

    async with Store(board, listeners=[listeners]) as store:
        for by in (1, 1, 1):
            store.dispatch(Counted(by))
            await rest()
    assert seen == [(0, 1), (1, 2), (2, 3)]


async def test_b167_each_action_has_its_own_original_state() -> None:
    """Behaviour 167: of actions in one step each run has the very state before its own action."""
    listeners = Listeners(Board)
    seen: list[Board] = []

    @listeners.on(Counted)
    async def _(_action: Counted, fx: Effect[Board]) -> None:
        assert fx.state.count == 3
        seen.append(fx.original_state)

    async with Store(board, listeners=[listeners]) as store:
        states = [store.state]
        for by in (1, 1, 1):
            store.dispatch(Counted(by))
            states.append(store.state)
        await rest()
    assert len(seen) == 3
    assert all(mine is state for mine, state in zip(seen, states[:-1], strict=True))


async def test_b167_an_action_whose_reducer_raised_is_not_heard() -> None:
    """Behaviour 167: what changed nothing because its reducer raised begins no run."""
    failing = Reducer(Board())

    @failing.on(Counted)
    def _(_state: Board, _action: Counted) -> Board:
        raise ZeroDivisionError

    listeners = Listeners(Board)
    heard: list[Action] = []
    listeners.add(lambda _action: True, lambda action, _fx: heard.append(action))
    async with Store(failing, listeners=[listeners]) as store:
        with pytest.raises(ZeroDivisionError):
            store.dispatch(Counted())
        store.dispatch(Asked())
        await rest()
    assert heard == [Asked()]


async def test_b168_original_state_stays_readable() -> None:
    """Behaviour 168 (D): it is a plain value, the same after every await and in a fork."""
    listeners = Listeners(Board)
    seen: list[Board] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        seen.append(fx.original_state)
        await fx.sleep(1)
        seen.append(fx.original_state)
        await fx.take(Counted)
        seen.append(fx.original_state)
        await fx.fork(lambda: seen.append(fx.original_state))

    async with Store(board, listeners=[listeners]) as store:
        before = store.state
        store.dispatch(Asked(1))
        await rest(2)
        store.dispatch(Counted())
        await rest()
    assert len(seen) == 4
    assert all(one is before for one in seen)


async def test_b169_the_same_function_is_heard_once_for_the_same_trigger() -> None:
    """Behaviour 169: registered twice for one trigger it runs once, for two triggers twice."""
    listeners = Listeners(Board)
    heard: list[Action] = []

    async def hear(action: Action, _fx: Effect[Board]) -> None:
        heard.append(action)

    listeners.add(Asked, hear)
    listeners.add(Asked, hear)
    listeners.add("listener_scene/counted", hear)
    listeners.add("listener_scene/counted", hear)
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(AddListener(Asked, hear))
        store.dispatch(Asked())
        await rest()
        assert heard == [Asked()]
        store.dispatch(Counted())
        await rest()
        assert heard == [Asked(), Counted()]
        listeners.add(any_of(Asked, Counted), hear)
        store.dispatch(Asked())
        await rest()
        assert heard == [Asked(), Counted(), Asked(), Asked()]


async def test_b169_another_function_for_the_same_trigger_is_another_listener() -> None:
    """Behaviour 169: only the same function counts as the same; they run in the order given."""
    listeners = Listeners(Board)
    heard: list[str] = []

    def hearing(name: str) -> Callable[[Action, Effect[Board]], None]:
        return lambda _action, _fx: heard.append(name)

    for name in "abc":
        listeners.add(Asked, hearing(name))
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert heard == ["a", "b", "c"]


async def test_b170_removing_tells_whether_something_was_removed() -> None:
    """Behaviour 170: `remove` and what `add` returned say it, unknown ones are harmless."""
    listeners = Listeners(Board)
    heard: list[Action] = []

    async def hear(action: Action, _fx: Effect[Board]) -> None:
        heard.append(action)

    assert not listeners.remove(Asked, hear)
    listeners.add(Asked, hear)
    assert not listeners.remove(Counted, hear)
    assert not listeners.remove(Asked, lambda _action, _fx: None)
    assert listeners.remove(Asked, hear)
    assert not listeners.remove(Asked, hear)
    async with Store(board, listeners=[listeners]) as store:
        unsubscribe = listeners.add(Asked, hear)
        store.dispatch(Asked(1))
        await rest()
        assert unsubscribe()
        assert not unsubscribe()
        store.dispatch(Asked(2))
        await rest()
        listeners.add(Asked, hear)
        assert listeners.remove(Asked, hear)
        assert not unsubscribe()
        store.dispatch(Asked(3))
        await rest()
    assert heard == [Asked(1)]


@pytest.mark.parametrize("cancel_active", [True, False])
@pytest.mark.parametrize("by_command", [True, False])
async def test_b171_removing_may_cancel_what_runs(*, cancel_active: bool, by_command: bool) -> None:
    """Behaviour 171: with `cancel_active` its runs are cancelled, otherwise they finish."""
    listeners = Listeners(Board)
    notes: list[str] = []

    async def work(_action: Asked, fx: Effect[Board]) -> None:
        with noting_cancellation(notes):
            await fx.sleep(5)

    listeners.add(Asked, work)
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        store.dispatch(Asked(2))
        await rest()
        removed = (
            store.dispatch(RemoveListener(Asked, work, cancel_active=cancel_active))
            if by_command
            else listeners.remove(Asked, work, cancel_active=cancel_active)
        )
        assert removed
        store.dispatch(Asked(3))
        await rest(10)
    assert notes == (["cancelled"] if cancel_active else ["done"]) * 2


def watching_reducer(seen: list[object]) -> Reducer[Board]:
    """Return a reducer that keeps everything that reaches it."""

    def reduce(state: Board | None, action: Action) -> Board:
        seen.append(action)
        return state or Board()

    return Reducer.of(reduce, Board())


async def test_b172_commands_add_and_remove_and_reach_no_reducer() -> None:
    """Behaviour 172: they give the function that ends it, or the bool, and no reducer sees them."""
    reduced: list[object] = []
    told: list[str] = []
    heard: list[Action] = []

    async def hear(action: Action, _fx: Effect[Board]) -> None:
        heard.append(action)

    async with Store(watching_reducer(reduced), listeners=[Listeners(Board)]) as store:
        store.subscribe(lambda: told.append("told"))
        unsubscribe = store.dispatch(AddListener(Asked, hear))
        assert told == []
        store.dispatch(Asked(1))
        await rest()
        assert unsubscribe()
        assert not unsubscribe()
        store.dispatch(AddListener(Asked, hear))
        assert store.dispatch(RemoveListener(Asked, hear))
        assert not store.dispatch(RemoveListener(Asked, hear))
        store.dispatch(ClearListeners())
        store.dispatch(Asked(2))
        await rest()
    assert heard == [Asked(1)]
    assert told == ["told", "told"]
    assert [one for one in reduced if isinstance(one, Asked)] == [Asked(1), Asked(2)]
    assert not any(
        isinstance(one, (AddListener, RemoveListener, ClearListeners)) for one in reduced
    )


async def test_b172_commands_work_from_a_listener_a_subscriber_and_a_middleware() -> None:
    """Behaviour 172: whoever has a dispatch may add and remove listeners."""
    heard: list[tuple[str, Action]] = []

    def hearing(name: str) -> Callable[[Action, Effect[Board]], None]:
        return lambda action, _fx: heard.append((name, action))

    def adding_middleware(store: StoreAPI[Board], next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            if action == Asked(3):
                store.dispatch(AddListener(Counted, hearing("middleware")))  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
            return next_dispatch(action)

        return handle

    listeners = Listeners(Board)

    @listeners.on(lambda action: action == Asked(1))
    async def _(_action: Action, fx: Effect[Board]) -> None:
        fx.dispatch(AddListener(Counted, hearing("listener")))

    async with Store(board, middleware=[adding_middleware], listeners=[listeners]) as store:
        unsubscribe = store.subscribe(
            lambda new, _old: (
                new == 2 and store.dispatch(AddListener(Counted, hearing("subscriber")))
            ),
            select=lambda state: state.asked,
        )
        for number in (1, 2, 3):
            store.dispatch(Asked(number))
            await rest()
        unsubscribe()
        store.dispatch(Counted())
        await rest()
    assert heard == [(name, Counted()) for name in ("listener", "subscriber", "middleware")]


async def test_b172_a_command_may_come_before_the_store_is_entered() -> None:
    """Behaviour 172: what is added before entering is heard after it."""
    heard: list[Action] = []
    store = Store(board, listeners=[Listeners(Board)])
    store.dispatch(AddListener(Asked, lambda action, _fx: heard.append(action)))
    async with store:
        store.dispatch(Asked())
        await rest()
    assert heard == [Asked()]


@pytest.mark.parametrize("by_command", [True, False])
async def test_b173_clearing_cancels_everything_and_removes_all(*, by_command: bool) -> None:
    """Behaviour 173: runs of listeners removed before and their forks are cancelled too."""
    listeners = Listeners(Board)
    notes: list[str] = []

    async def wait_noting(fx: Effect[Board]) -> None:
        with noting_cancellation(notes):
            await fx.sleep(50)

    async def removed_before(_action: Asked, fx: Effect[Board]) -> None:
        fx.fork(lambda: wait_noting(fx))
        await wait_noting(fx)

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        await wait_noting(fx)

    remove = listeners.add(Asked, removed_before)
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        await rest()
        assert remove()
        if by_command:
            store.dispatch(ClearListeners())
        else:
            listeners.clear()
        assert notes == []
        await rest()
        assert notes == ["cancelled"] * 3
        store.dispatch(Asked(2))
        await rest(100)
    assert notes == ["cancelled"] * 3


async def test_b173_a_listener_for_everything_is_not_run_for_the_clearing() -> None:
    """Behaviour 173: the clearing itself is heard by nobody."""
    listeners = Listeners(Board)
    heard: list[object] = []
    listeners.add(lambda _action: True, lambda action, _fx: heard.append(action))
    listeners.add(lambda _action, _state, _old: True, lambda action, _fx: heard.append(action))
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(ClearListeners())
        await rest()
    assert heard == []


async def test_b173_after_clearing_listeners_can_be_added_again() -> None:
    """Behaviour 173: the same function is heard again once it is added again."""
    listeners = Listeners(Board)
    heard: list[Action] = []

    async def hear(action: Action, _fx: Effect[Board]) -> None:
        heard.append(action)

    listeners.add(Asked, hear)
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(ClearListeners())
        store.dispatch(AddListener(Asked, hear))
        store.dispatch(Asked())
        await rest()
    assert heard == [Asked()]


async def test_b174_a_listener_may_hear_only_the_first_and_arm_itself_again() -> None:
    """Behaviour 174: it stops listening when it begins, and listens again when it is done."""
    listeners = Listeners(Board)
    heard: list[int] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        fx.stop_listening()
        heard.append(action.number)
        await fx.sleep(5)
        fx.start_listening()

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        await rest()
        for number in (2, 3, 4):
            store.dispatch(Asked(number))
            await rest()
        await rest(10)
        store.dispatch(Asked(5))
        await rest(10)
        store.dispatch(Asked(6))
        await rest(10)
    assert heard == [1, 5, 6]


async def test_b174_starting_to_listen_twice_is_one_listener() -> None:
    """Behaviour 174: stopping and starting more often than needed changes nothing."""
    listeners = Listeners(Board)
    heard: list[int] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        heard.append(action.number)
        fx.start_listening()
        fx.stop_listening()
        fx.stop_listening()
        fx.start_listening()
        fx.start_listening()

    async with Store(board, listeners=[listeners]) as store:
        for number in (1, 2, 3):
            store.dispatch(Asked(number))
            await rest()
    assert heard == [1, 2, 3]


async def test_b174_a_listener_that_was_removed_may_not_bring_itself_back_twice() -> None:
    """Behaviour 174: stopping from inside lets the present runs finish."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        if action.number == 3:
            fx.stop_listening()
        with noting_cancellation(notes):
            await fx.sleep(5)

    async with Store(board, listeners=[listeners]) as store:
        for number in (1, 2, 3, 4):
            store.dispatch(Asked(number))
            await rest()
        await rest(10)
    assert notes == ["done"] * 3


async def test_b175_a_listener_may_cancel_its_other_runs() -> None:
    """Behaviour 175: the newest goes on alone; other listeners are not touched."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        fx.cancel_others()
        try:
            await fx.sleep(5)
            notes.append(f"{action.number} done")
        except asyncio.CancelledError:
            notes.append(f"{action.number} cancelled")
            raise

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        await fx.sleep(3)
        notes.append(f"bystander {action.number}")

    async with Store(board, listeners=[listeners]) as store:
        for number in (1, 2, 3):
            store.dispatch(Asked(number))
            await rest()
        await rest(10)
    assert [note for note in notes if "bystander" not in note] == [
        "1 cancelled",
        "2 cancelled",
        "3 done",
    ]
    assert [note for note in notes if "bystander" in note] == [f"bystander {n}" for n in (1, 2, 3)]


async def test_b175_a_listener_may_cancel_itself() -> None:
    """Behaviour 175: it goes on to its next await and no further; the next action is heard."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        fx.cancel()
        notes.append(f"{action.number} goes on")
        with noting_cancellation(notes):
            await asyncio.sleep(5)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        await rest(10)
        store.dispatch(Asked(2))
        await rest(10)
    assert notes == ["1 goes on", "cancelled", "2 goes on", "cancelled"]
