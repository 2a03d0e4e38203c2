"""Several sets on one store, one set on several stores, and what flows from dispatch to run.

What belongs here: who hears what from which store.  What does not: the end of a store.
"""

from __future__ import annotations

import asyncio
import warnings
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from refold.errors import NotAnActionError, RefoldWarning, StoreClosedError
from refold.middleware.listener_commands import AddListener, ClearListeners, RemoveListener
from refold.middleware.listeners import Listeners
from refold.store.store import Store
from tests.listeners.listener_scene import Answered, Asked, Board, Counted, Noted, board, rest

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.effect import Effect
    from refold.store.middleware import Dispatch

pytestmark = pytest.mark.looptime


async def test_a_dispatch_before_the_store_is_entered_warns_once() -> None:
    """What a listener would have heard warns the first time; other actions never do."""
    listeners = Listeners(Board)
    heard: list[Action] = []
    listeners.add(Asked, lambda action, _fx: heard.append(action))
    store = Store(board, listeners=[listeners])
    store.dispatch(Counted())
    with pytest.warns(RefoldWarning, match="async with"):
        store.dispatch(Asked(1))
    store.dispatch(Asked(2))
    assert store.state.asked == 2
    async with store:
        store.dispatch(Asked(3))
        await rest()
    assert heard == [Asked(3)]


def test_the_warning_points_at_the_dispatch() -> None:
    """The warning's line is the program's own."""
    listeners = Listeners(Board)
    listeners.add(Asked, lambda _action, _fx: None)
    store = Store(board, listeners=[listeners])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        store.dispatch(Asked())
    (warning,) = caught
    assert warning.filename == __file__


async def test_several_sets_hear_the_same_store() -> None:
    """Each set's listeners run with their own extra."""
    first, second = Listeners(Board, extra="first"), Listeners(Board, extra="second")
    heard: list[object] = []

    def hear(_action: Action, fx: Effect[Board]) -> None:
        heard.append(fx.extra)

    first.add(Asked, hear)
    second.add(Asked, hear)
    async with Store(board, listeners=[first, second]) as store:
        store.dispatch(Asked())
        await rest()
    assert sorted(map(str, heard)) == ["first", "second"]


async def test_commands_reach_every_set_of_the_store() -> None:
    """A listener is added to one set only, and found in whichever it is; clearing empties all."""
    first, second = Listeners(Board), Listeners(Board)
    heard: list[str] = []

    def hear(_action: Action, _fx: Effect[Board]) -> None:
        heard.append("added")

    def hear_in_second(_action: Action, _fx: Effect[Board]) -> None:
        heard.append("second")

    second.add(Asked, hear_in_second)
    async with Store(board, listeners=[first, second]) as store:
        unsubscribe = store.dispatch(AddListener(Asked, hear))
        store.dispatch(Asked())
        await rest()
        assert sorted(heard) == ["added", "second"]
        heard.clear()
        assert store.dispatch(RemoveListener(Asked, hear_in_second))
        assert not store.dispatch(RemoveListener(Asked, hear_in_second))
        store.dispatch(Asked())
        await rest()
        assert heard == ["added"]
        heard.clear()
        assert unsubscribe()
        store.dispatch(AddListener(Asked, hear))
        store.dispatch(ClearListeners())
        store.dispatch(Asked())
        await rest()
    assert heard == []


async def test_a_command_for_a_store_without_listeners_is_an_error() -> None:
    """Nobody would obey, so it is refused like anything that is no action."""
    store = Store(board)
    with pytest.raises(NotAnActionError, match="ClearListeners"):
        store.dispatch(ClearListeners())


async def test_a_closed_store_obeys_no_command() -> None:
    """A store that was left refuses commands as it refuses actions."""
    async with Store(board, listeners=[Listeners(Board)]) as store:
        pass
    with pytest.raises(StoreClosedError):
        store.dispatch(AddListener(Asked, lambda _action, _fx: None))


async def test_one_set_serves_several_stores() -> None:
    """A run knows its own store; what the program adds to the set later is heard in all."""
    listeners = Listeners(Board)
    heard: list[int] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        fx.dispatch(Counted(action.number))

    async with (
        Store(board, listeners=[listeners]) as one,
        Store(board, listeners=[listeners]) as two,
    ):
        one.dispatch(Asked(1))
        two.dispatch(Asked(10))
        await rest()
        assert (one.state.count, two.state.count) == (1, 10)
        listeners.add(Counted, lambda action, _fx: heard.append(action.by))
        one.dispatch(Asked(2))
        two.dispatch(Asked(20))
        await rest()
        assert sorted(heard) == [2, 20]
        listeners.clear()
        one.dispatch(Asked(3))
        two.dispatch(Asked(30))
        await rest()
    assert (one.state.count, two.state.count) == (3, 30)


async def test_commands_touch_their_own_store_only() -> None:
    """Adding, removing and clearing by a command changes what that one store hears."""
    listeners = Listeners(Board)
    heard: list[tuple[str, int]] = []

    def hear(action: Asked, _fx: Effect[Board]) -> None:
        heard.append(("declared", action.number))

    def hear_added(action: Asked, _fx: Effect[Board]) -> None:
        heard.append(("added", action.number))

    listeners.add(Asked, hear)
    async with (
        Store(board, listeners=[listeners]) as one,
        Store(board, listeners=[listeners]) as two,
    ):

        async def heard_by_both() -> list[tuple[str, int]]:
            heard.clear()
            one.dispatch(Asked(1))
            two.dispatch(Asked(2))
            await rest()
            return sorted(heard)

        one.dispatch(AddListener(Asked, hear_added))
        assert await heard_by_both() == [("added", 1), ("declared", 1), ("declared", 2)]
        assert one.dispatch(RemoveListener(Asked, hear))
        assert await heard_by_both() == [("added", 1), ("declared", 2)]
        two.dispatch(ClearListeners())
        assert await heard_by_both() == [("added", 1)]
    async with Store(board, listeners=[listeners]) as three:
        heard.clear()
        three.dispatch(Asked(3))
        await rest()
    assert heard == [("declared", 3)]


async def test_stopping_from_inside_touches_the_own_store_only() -> None:
    """`fx.stop_listening` in one store leaves the other listening."""
    listeners = Listeners(Board)
    heard: list[int] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        heard.append(action.number)
        if action.number == 1:
            fx.stop_listening()

    async with (
        Store(board, listeners=[listeners]) as one,
        Store(board, listeners=[listeners]) as two,
    ):
        for first, second in ((1, 2), (1, 2)):
            one.dispatch(Asked(first))
            two.dispatch(Asked(second))
            await rest()
    assert heard == [1, 2, 2]


async def test_leaving_one_store_leaves_the_runs_of_the_other() -> None:
    """Runs end with their own store."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        try:
            await fx.sleep(5)
            notes.append(f"{action.number} done")
        except asyncio.CancelledError:
            notes.append(f"{action.number} cancelled")
            raise

    async with Store(board, listeners=[listeners]) as outer:
        async with Store(board, listeners=[listeners]) as inner:
            outer.dispatch(Asked(1))
            inner.dispatch(Asked(2))
            await rest()
        await rest(10)
    assert notes == ["2 cancelled", "1 done"]


request: ContextVar[str] = ContextVar("request", default="none")


@pytest.mark.parametrize("policy", ["every", "latest", "leading", "debounce", "throttle"])
async def test_the_dispatchers_context_reaches_the_run(policy: Any) -> None:
    """A context variable has in the run and its forks the value that it had at the dispatch."""
    listeners = Listeners(Board)
    seen: list[str] = []
    seconds = 3 if policy in {"debounce", "throttle"} else None

    @listeners.on(Asked, policy=policy, seconds=seconds)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        seen.append(request.get())
        request.set("changed inside")
        await fx.fork(lambda: seen.append(request.get()))

    async def serve(name: str) -> None:
        request.set(name)
        store.dispatch(Asked())

    async with Store(board, listeners=[listeners]) as store:
        for name in ("one", "two"):
            await asyncio.create_task(serve(name))
            await rest(10)
    assert seen == ["one", "changed inside", "two", "changed inside"]
    assert request.get() == "none"


async def test_a_chain_of_ten_thousand_answers_needs_no_stack() -> None:
    """A listener that dispatches its own trigger begins each run from the loop."""
    listeners = Listeners(Board)

    @listeners.on(Counted)
    async def _(_action: Counted, fx: Effect[Board]) -> None:
        if fx.state.count < 10_000:
            fx.dispatch(Counted())

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Counted())
        async for count in store.changes(lambda state: state.count):
            if count == 10_000:
                break
    assert store.state.count == 10_000


async def test_what_a_subscriber_dispatches_does_not_blur_the_states() -> None:
    """An action keeps its own states although a subscriber dispatched before listeners ran."""
    listeners = Listeners(Board)
    asked: list[tuple[Action, int, int]] = []
    ran: list[tuple[Action, int]] = []

    def question(action: Action, state: Board, old_state: Board) -> bool:
        asked.append((action, old_state.count, state.count))
        return True

    listeners.add(question, lambda action, fx: ran.append((action, fx.original_state.count)))
    async with Store(board, listeners=[listeners]) as store:
        store.subscribe(
            lambda new, _old: new == 1 and store.dispatch(Counted(5)),
            select=lambda state: state.count,
        )
        store.dispatch(Counted(1))
        await rest()
    assert asked == [(Counted(1), 0, 1), (Counted(5), 1, 6)]
    assert ran == [(Counted(1), 0), (Counted(5), 1)]


async def test_batched_actions_are_heard_at_once() -> None:
    """A batch delays subscribers, not listeners."""
    listeners = Listeners(Board)
    heard: list[Action] = []
    listeners.add(Counted, lambda action, _fx: heard.append(action))
    async with Store(board, listeners=[listeners], batch=[Counted], batch_seconds=60) as store:
        for by in (1, 2):
            store.dispatch(Counted(by))
        await rest()
        assert heard == [Counted(1), Counted(2)]


async def test_dispatches_from_another_thread_are_heard() -> None:
    """`dispatch_threadsafe` begins runs as any dispatch does."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        fx.dispatch(Noted("heard"))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch_threadsafe(Asked())
        await rest()
        assert store.state.texts == ("heard",)


async def test_what_an_action_became_on_its_way_is_heard() -> None:
    """A middleware that replaces an action replaces it for listeners; one it stops is not heard."""
    listeners = Listeners(Board)
    heard: list[Action] = []
    listeners.add(lambda _action: True, lambda action, _fx: heard.append(action))

    def changing(_store: Any, next_dispatch: Dispatch) -> Dispatch:
        def handle(action: Action, /) -> Action:
            if isinstance(action, Noted):
                return action
            return next_dispatch(Answered(7) if isinstance(action, Asked) else action)

        return handle

    async with Store(board, middleware=[changing], listeners=[listeners]) as store:
        for one in (Asked(7), Noted("stopped"), Counted()):
            store.dispatch(one)
        await rest()
    assert heard == [Answered(7), Counted()]
