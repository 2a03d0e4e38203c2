"""Behaviours 183 to 187: work beside a run, and the patterns of listeners.

What belongs here: forks, and the five policies as patterns.  What does not: the policies against a
model, in `tests/listeners/test_policies_equal_naive_model.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from refold.errors import ListenerDeclarationError
from refold.middleware.fork import ForkCancelled, ForkOk, ForkRejected
from refold.middleware.listeners import Listeners
from refold.store.store import Store
from tests.listeners.listener_scene import (
    Answered,
    Asked,
    Board,
    Counted,
    Troubles,
    board,
    noting_cancellation,
    rest,
)

if TYPE_CHECKING:
    from refold.middleware.effect import Effect

pytestmark = pytest.mark.looptime


async def test_b183_a_fork_of_what_cannot_be_called_raises_at_once() -> None:
    """Behaviour 183: a number is no work, and the error says so where it was given."""
    troubles = Troubles()
    wrong: list[Any] = [7, None, "work"]

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        for one in wrong:
            with pytest.raises(ListenerDeclarationError, match="fork"):
                fx.fork(one)
        fx.dispatch(Answered())

    answered: list[object] = []
    troubles.listeners.add(Answered, lambda action, _fx: answered.append(action))
    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert answered == [Answered()]
    assert troubles.errors == []


async def test_b183_a_fork_begins_in_the_next_step() -> None:
    """Behaviour 183: what follows the fork in the same step comes first."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        fork = fx.fork(lambda: notes.append("fork"))
        notes.append("run")
        await fork

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert notes == ["run", "fork"]


@pytest.mark.parametrize("as_coroutine", [True, False])
async def test_b183_a_fork_cancelled_before_it_began_never_runs(*, as_coroutine: bool) -> None:
    """Behaviour 183: its result says that it was cancelled, and a coroutine leaves no warning."""
    listeners = Listeners(Board)
    notes: list[str] = []
    results: list[object] = []

    async def work() -> None:
        notes.append("began")

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        fork = fx.fork(work() if as_coroutine else work)
        fork.cancel()
        results.append(await fork)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert notes == []
    assert results == [ForkCancelled("cancelled")]


async def test_b184_a_result_is_a_value() -> None:
    """Behaviour 184: ok, rejected or cancelled; awaiting it, also twice, raises nothing."""
    listeners = Listeners(Board)
    results: list[object] = []
    error = ValueError("no")

    async def value() -> int:
        await asyncio.sleep(1)
        return 7

    async def fails() -> int:
        await asyncio.sleep(1)
        raise error

    def fails_plainly() -> int:
        raise error

    async def cancels_itself() -> int:
        raise asyncio.CancelledError

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        forks = [fx.fork(work) for work in (value, fails, lambda: 8, fails_plainly, cancels_itself)]
        forks.append(fx.fork(value()))
        results.extend([await fork for fork in forks])
        results.append(await forks[0])

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(10)
    assert results == [
        ForkOk(7),
        ForkRejected(error),
        ForkOk(8),
        ForkRejected(error),
        ForkCancelled("cancelled"),
        ForkOk(7),
        ForkOk(7),
    ]


async def test_b184_awaiting_a_fork_raises_if_the_run_is_cancelled() -> None:
    """Behaviour 184: the run's own cancellation goes through, and the fork is cancelled with it."""
    listeners = Listeners(Board)
    notes: list[str] = []
    effects: list[Effect[Board]] = []

    async def work() -> None:
        with noting_cancellation(notes):
            await asyncio.sleep(50)

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        effects.append(fx)
        fork = fx.fork(work)
        with noting_cancellation(notes):
            await fork

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
        effects[0].cancel()
        await rest()
        assert notes == ["cancelled", "cancelled"]


async def test_b184_one_fork_may_await_another() -> None:
    """Behaviour 184: forks of forks give their results too."""
    listeners = Listeners(Board)
    results: list[object] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        async def inner() -> str:
            await fx.sleep(1)
            return "inner"

        async def outer() -> object:
            return await fx.fork(inner)

        results.append(await fx.fork(outer))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(10)
    assert results == [ForkOk(ForkOk("inner"))]


@pytest.mark.parametrize("waits_by", ["sleep", "take", "foreign"])
@pytest.mark.parametrize("auto_join", [True, False])
async def test_b185_a_fork_is_cancelled_with_its_listener(
    waits_by: str, *, auto_join: bool
) -> None:
    """Behaviour 185: whatever it waits for, and also one that would be joined."""
    listeners = Listeners(Board)
    notes: list[str] = []
    effects: list[Effect[Board]] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        effects.append(fx)

        async def work() -> None:
            waits: dict[str, Any] = {
                "sleep": lambda: fx.sleep(50),
                "take": lambda: fx.take(Counted),
                "foreign": lambda: asyncio.sleep(50),
            }
            with noting_cancellation(notes):
                await waits[waits_by]()

        fx.fork(work, auto_join=auto_join)
        await fx.sleep(50)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
        effects[0].cancel()
        await rest()
        assert notes == ["cancelled"]


async def test_b185_a_fork_is_cancelled_by_its_own_cancel() -> None:
    """Behaviour 185: the run that began it goes on; cancelling twice or too late is harmless."""
    listeners = Listeners(Board)
    notes: list[str] = []
    results: list[object] = []

    async def work() -> None:
        with noting_cancellation(notes):
            await asyncio.sleep(50)

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        fork, done = fx.fork(work), fx.fork(lambda: 1)
        await fx.sleep(1)
        fork.cancel()
        fork.cancel()
        done.cancel()
        results.extend([await fork, await done])
        fork.cancel()
        await fx.sleep(1)
        results.append("went on")

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(10)
    assert notes == ["cancelled"]
    assert results == [ForkCancelled("cancelled"), ForkOk(1), "went on"]


async def test_b186_with_auto_join_the_listener_waits() -> None:
    """Behaviour 186: it is over only when its joined forks are; until then it is running."""
    listeners = Listeners(Board)
    notes: list[str] = []

    async def work() -> None:
        with noting_cancellation(notes):
            await asyncio.sleep(5)

    @listeners.on(Asked, policy="leading")
    async def _(action: Asked, fx: Effect[Board]) -> None:
        notes.append(f"run {action.number}")
        fx.fork(work, auto_join=True)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        await rest()
        store.dispatch(Asked(2))
        await rest(10)
        store.dispatch(Asked(3))
        await rest(10)
    assert notes == ["run 1", "done", "run 3", "done"]


async def test_b186_without_auto_join_forks_end_with_the_listener() -> None:
    """Behaviour 186: the reason says that the run was completed; of joined ones it says nothing."""
    listeners = Listeners(Board)
    notes: list[str] = []

    async def work(name: str, fx: Effect[Board]) -> None:
        try:
            await asyncio.sleep(5)
            notes.append(f"{name} done")
        except asyncio.CancelledError as error:
            notes.append(f"{name} {error} {fx.cancel_reason}")
            raise

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        fx.fork(lambda: work("joined", fx), auto_join=bool(action.number))
        fx.fork(lambda: work("left", fx))
        await fx.sleep(1)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(0))
        await rest(10)
        assert notes == ["joined completed completed", "left completed completed"]
        notes.clear()
        store.dispatch(Asked(1))
        await rest(10)
    assert notes in (
        ["left completed completed", "joined done"],
        ["joined done", "left completed completed"],
        ["left done", "joined done"],
        ["joined done", "left done"],
    )


async def test_b186_leaving_the_store_cancels_what_would_be_joined() -> None:
    """Behaviour 186: the reason is then that the store was closed."""
    listeners = Listeners(Board)
    notes: list[str] = []

    async def work() -> None:
        with noting_cancellation(notes):
            await asyncio.sleep(50)

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        fx.fork(work, auto_join=True)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert notes == ["closed"]


async def test_b186_a_joined_fork_that_fails_is_reported() -> None:
    """Behaviours 180, 186: an error in a fork that nobody awaits is not lost."""
    troubles = Troubles()

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        fx.fork(lambda: 1 / 0, auto_join=True)

    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert [raised_by for raised_by, _, _ in troubles.errors] == ["effect"]


async def three_quick_actions(policy: Any, seconds: float | None = None) -> list[str]:
    """Return what a listener of five seconds' work did for three actions within a second."""
    listeners = Listeners(Board)
    notes: list[str] = []

    @listeners.on(Asked, policy=policy, seconds=seconds)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        notes.append(f"{action.number} began")
        await fx.sleep(5)
        notes.append(f"{action.number} done")

    async with Store(board, listeners=[listeners]) as store:
        for number in (1, 2, 3):
            store.dispatch(Asked(number))
            await rest(0.25)
        await rest(30)
    return notes


async def test_b187_every_runs_for_each() -> None:
    """Behaviour 187, every: three quick actions are three runs beside each other."""
    assert await three_quick_actions("every") == [
        *[f"{n} began" for n in (1, 2, 3)],
        *[f"{n} done" for n in (1, 2, 3)],
    ]


async def test_b187_latest_does_the_work_once() -> None:
    """Behaviour 187, latest: three begin, and only the last does its work."""
    assert await three_quick_actions("latest") == [
        *[f"{n} began" for n in (1, 2, 3)],
        "3 done",
    ]


async def test_b187_latest_by_hand_does_the_work_once() -> None:
    """Behaviour 187, latest: cancelling the others and sleeping first is a debounce."""
    listeners = Listeners(Board)
    worked: list[int] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        fx.cancel_others()
        await fx.sleep(1)
        worked.append(action.number)

    async with Store(board, listeners=[listeners]) as store:
        for number in (1, 2, 3):
            store.dispatch(Asked(number))
        await rest(10)
    assert worked == [3]


async def test_b187_latest_in_one_step_begins_once() -> None:
    """Behaviour 187, latest: three actions before the loop's next step are one piece of work."""
    listeners = Listeners(Board)
    began: list[int] = []

    @listeners.on(Asked, policy="latest")
    async def _(action: Asked, fx: Effect[Board]) -> None:
        began.append(action.number)
        await fx.sleep(1)

    async with Store(board, listeners=[listeners]) as store:
        for number in (1, 2, 3):
            store.dispatch(Asked(number))
        await rest(10)
    assert began == [3]


async def test_b187_debounce_does_the_work_once() -> None:
    """Behaviour 187, debounce: only the last begins, once nothing more comes."""
    assert await three_quick_actions("debounce", 1) == ["3 began", "3 done"]


async def test_b187_leading_does_the_work_of_the_first() -> None:
    """Behaviour 187, leading: what comes while it works is ignored."""
    assert await three_quick_actions("leading") == ["1 began", "1 done"]


async def test_b187_throttle_begins_at_once_and_then_for_the_last() -> None:
    """Behaviour 187, throttle: the first at once, then the last of those that came meanwhile."""
    assert await three_quick_actions("throttle", 2) == [
        "1 began",
        "3 began",
        "1 done",
        "3 done",
    ]


async def test_b187_fork_join_works_in_parallel() -> None:
    """Behaviour 187, fork-join: the parts run beside each other, the results come in order."""
    listeners = Listeners(Board)
    results: list[object] = []
    loop = asyncio.get_running_loop()

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        async def part(seconds: float) -> float:
            await fx.sleep(seconds)
            return seconds

        begun = loop.time()
        forks = [fx.fork(part(seconds)) for seconds in (3.0, 1.0, 2.0)]
        results.extend([await fork for fork in forks])
        results.append(loop.time() - begun)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(10)
    assert results == [ForkOk(3.0), ForkOk(1.0), ForkOk(2.0), pytest.approx(3)]


async def test_b187_fork_cancel_stops_the_child_by_an_action() -> None:
    """Behaviour 187, fork-cancel: a child polls until somebody says stop."""
    listeners = Listeners(Board)
    results: list[object] = []

    @listeners.on(Asked, policy="leading")
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        async def poll() -> None:
            while True:
                await fx.sleep(1)
                fx.dispatch(Counted())

        polling = fx.fork(poll)
        await fx.take(Answered)
        polling.cancel()
        results.append(await polling)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(5.5)
        assert store.state.count == 5
        store.dispatch(Answered())
        await rest(10)
        assert store.state.count == 5
        store.dispatch(Asked())
        await rest(2.5)
        assert store.state.count == 7
    assert results == [ForkCancelled("cancelled")]
