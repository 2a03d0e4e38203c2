"""Behaviours 176 to 182: cancellation, waiting for actions and states, errors, and what is given.

What belongs here: what a run does with ``fx`` besides forks (`test_listener_fork_behaviours`).
"""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.errors import ListenerDeclarationError
from refold.middleware.listener_commands import RemoveListener
from refold.middleware.listeners import Listeners
from refold.store.store import Store
from tests.listeners.listener_scene import (
    Answered,
    Asked,
    Board,
    Counted,
    Noted,
    Troubles,
    board,
    noting_cancellation,
    rest,
)

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.effect import Effect

pytestmark = pytest.mark.looptime


def grew(_action: Action, state: Board, old_state: Board) -> bool:
    """Tell whether more is counted."""
    return state.count > old_state.count


def has_inverse(action: Any) -> bool:
    """Raise for an action of the number 0."""
    number: int = action.by if isinstance(action, Counted) else action.number
    return 1 / number > 0


async def test_b176_cancellation_comes_at_the_next_await_with_its_reason() -> None:
    """Behaviour 176: a removed run is told "cancelled", one of a store that is left "closed"."""
    listeners = Listeners(Board)
    notes: list[str] = []
    effects: list[Effect[Board]] = []

    async def work(_action: Asked, fx: Effect[Board]) -> None:
        effects.append(fx)
        assert fx.cancel_reason is None
        with noting_cancellation(notes):
            await asyncio.sleep(50)

    listeners.add(Asked, work)
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        await rest()
        effects[0].cancel()
        assert notes == []
        await rest()
        assert notes == ["cancelled"]
        store.dispatch(Asked(2))
        await rest()
    assert notes == ["cancelled", "closed"]
    assert [fx.cancel_reason for fx in effects] == ["cancelled", "closed"]


async def test_b176_a_run_that_is_over_is_completed() -> None:
    """Behaviour 176: whoever kept the ``fx`` of a run that ended is told "completed"."""
    listeners = Listeners(Board)
    effects: list[Effect[Board]] = []
    listeners.add(Asked, lambda _action, fx: effects.append(fx))
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
        (fx,) = effects
        assert fx.cancel_reason == "completed"
        with pytest.raises(asyncio.CancelledError, match="completed"):
            fx.raise_if_cancelled()
        with pytest.raises(asyncio.CancelledError, match="completed"):
            await fx.sleep(1)
        with pytest.raises(asyncio.CancelledError, match="completed"):
            await fx.take(Asked)
        fx.cancel()
        assert fx.cancel_reason == "completed"


async def test_b176_raise_if_cancelled_serves_code_that_swallows() -> None:
    """Behaviour 176: where foreign code ate the cancellation, asking raises it again."""
    listeners = Listeners(Board)
    notes: list[str] = []

    async def foreign() -> None:
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError:
            notes.append("eaten")

    async def work(_action: Asked, fx: Effect[Board]) -> None:
        fx.raise_if_cancelled()
        await foreign()
        assert fx.cancel_reason == "cancelled"
        with noting_cancellation(notes):
            fx.raise_if_cancelled()

    listeners.add(Asked, work)
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
        store.dispatch(RemoveListener(Asked, work, cancel_active=True))
        await rest()
    assert notes == ["eaten", "cancelled"]


async def test_b177_take_gives_the_action_and_both_states() -> None:
    """Behaviour 177: the taken action comes with the state after it and the one before."""
    listeners = Listeners(Board)
    taken: list[Any] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        taken.append(await fx.take(Counted))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(1000)
        store.dispatch(Noted("not this"))
        old = store.state
        counted = store.dispatch(Counted(4))
        new = store.state
        store.dispatch(Counted(5))
        await rest()
    (one,) = taken
    action, state, old_state = one
    assert action is counted
    assert state is new
    assert old_state is old
    assert (one.action, one.state, one.old_state) == (action, state, old_state)


@pytest.mark.parametrize(
    "kind",
    [
        Counted,
        "listener_scene/counted",
        Counted.matches,
        grew,
    ],
)
async def test_b177_take_waits_for_any_kind(kind: Any) -> None:
    """Behaviour 177: a take is chosen as a listener is."""
    listeners = Listeners(Board)
    taken: list[Any] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        taken.append((await fx.take(kind)).action)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
        store.dispatch(Noted("x"))
        store.dispatch(Counted(7))
        await rest()
    assert taken == [Counted(7)]


async def test_b177_take_gives_none_when_the_time_is_over() -> None:
    """Behaviour 177: the time counts from the call; an action that comes later is too late."""
    listeners = Listeners(Board)
    taken: list[tuple[Any, Any]] = []
    loop = asyncio.get_running_loop()

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        begun = loop.time()
        result = await fx.take(Counted, timeout=2.5)
        taken.append((loop.time() - begun, result))
        later = await fx.take(Counted, timeout=5)
        taken.append((loop.time() - begun, later and later.action))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(4)
        store.dispatch(Counted(2))
        await rest()
    assert taken == [(pytest.approx(2.5), None), (pytest.approx(4), Counted(2))]


async def test_b177_take_waits_from_the_moment_it_is_called() -> None:
    """Behaviour 177: an answer given before the await is not missed, nor is the listener's own."""
    listeners = Listeners(Board)
    taken: list[Any] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        answer = fx.take(Answered)
        fx.dispatch(Answered(1))
        fx.dispatch(Answered(2))
        await fx.sleep(5)
        taken.append((await answer).action)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(10)
    assert taken == [Answered(1)]


async def test_b177_the_triggering_action_is_not_taken() -> None:
    """Behaviour 177: a take of its own trigger waits for the next one."""
    listeners = Listeners(Board)
    taken: list[int] = []

    @listeners.on(Asked, policy="leading")
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        taken.append((await fx.take(Asked)).action.number)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        await rest()
        assert taken == []
        store.dispatch(Asked(2))
        await rest()
    assert taken == [2]


async def test_b177_several_takes_get_the_same_action() -> None:
    """Behaviour 177: an action answers everybody who waits for it, once."""
    listeners = Listeners(Board)
    taken: list[tuple[int, int]] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        first, second = fx.take(Counted), fx.take(Counted)
        taken.extend([(action.number, (await one).action.by) for one in (first, second)])

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        store.dispatch(Asked(2))
        await rest()
        store.dispatch(Counted(7))
        store.dispatch(Counted(8))
        await rest()
    assert sorted(taken) == [(1, 7), (1, 7), (2, 7), (2, 7)]


async def test_b177_a_take_inside_a_transaction_is_answered_at_its_commit() -> None:
    """Behaviour 177: a rolled back action answers nobody."""
    listeners = Listeners(Board)
    taken: list[int] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        taken.append((await fx.take(Counted)).action.by)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()

        def fail() -> None:
            with store.transaction():
                store.dispatch(Counted(1))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        await rest()
        assert taken == []
        with store.transaction():
            store.dispatch(Counted(2))
        await rest()
    assert taken == [2]


async def test_b178_condition_is_true_when_it_first_holds() -> None:
    """Behaviour 178: it is asked after every later action, and answers True the first time."""
    listeners = Listeners(Board)
    answers: list[tuple[bool, int]] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        answers.append((await fx.condition(lambda state: state.count >= 3), fx.state.count))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        for by in (1,) * 5:
            await rest()
            store.dispatch(Counted(by))
        await rest()
    assert answers == [(True, 3)]


async def test_b178_condition_is_false_when_the_time_is_over() -> None:
    """Behaviour 178: a condition that holds already counts only after a later action."""
    listeners = Listeners(Board)
    answers: list[tuple[bool, Any]] = []
    loop = asyncio.get_running_loop()

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        begun = loop.time()
        answer = await fx.condition(lambda state: state.count == 0, timeout=3)
        answers.append((answer, loop.time() - begun))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest(10)
        store.dispatch(Asked())
        await rest()
        store.dispatch(Noted("still none counted"))
        await rest(10)
    assert answers == [(False, pytest.approx(3)), (True, pytest.approx(1))]


async def test_b178_no_time_at_all_is_over_at_once() -> None:
    """Behaviours 177, 178: a timeout of 0 gives None and False without waiting for an action."""
    listeners = Listeners(Board)
    answers: list[object] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        answers.append(await fx.take(Counted, timeout=0))
        answers.append(await fx.condition(lambda _state: True, timeout=0))

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert answers == [None, False]


async def test_b179_errors_stop_nobody_else() -> None:
    """Behaviour 179: others run, the dispatcher sees nothing, and the next action works."""
    troubles = Troubles()
    listeners = troubles.listeners
    heard: list[Action] = []

    @listeners.on(Asked)
    async def _(_action: Asked, _fx: Effect[Board]) -> None:
        raise ZeroDivisionError

    @listeners.on(has_inverse)
    async def _(action: Action, _fx: Effect[Board]) -> None:
        heard.append(action)

    @listeners.on(Asked)
    async def _(action: Asked, _fx: Effect[Board]) -> None:
        heard.append(action)

    async with Store(board, listeners=[listeners]) as store:
        asked = store.dispatch(Asked(0))
        assert store.state.asked == 0
        await rest()
        assert heard == [asked]
        store.dispatch(Asked(1))
        await rest()
    assert heard == [Asked(0), Asked(1), Asked(1)]
    assert [raised_by for raised_by, _, _ in troubles.errors].count("predicate") == 1
    assert [raised_by for raised_by, _, _ in troubles.errors].count("effect") == 2


async def test_b179_a_predicate_that_raises_in_a_take_harms_only_its_run() -> None:
    """Behaviour 179: neither the dispatcher nor another take hears of it."""
    troubles = Troubles()
    listeners = troubles.listeners
    taken: list[object] = []

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        await fx.take(has_inverse)

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        await fx.condition(lambda state: 1 / state.count > 0)

    @listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        taken.append((await fx.take(Counted)).action)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(1))
        await rest()
        store.dispatch(Counted(0))
        await rest()
    assert taken == [Counted(0)]
    assert len(troubles.errors) == 2
    assert all("ZeroDivisionError" in error for _, error, _ in troubles.errors)


async def test_b180_sync_and_async_errors_are_reported_with_who_raised() -> None:
    """Behaviour 180: `on_error` gets the error, "effect" or "predicate", and the name."""
    troubles = Troubles()

    async def fails_at_once(_action: Asked, _fx: Effect[Board]) -> None:
        raise ValueError("at once")  # noqa: EM101, TRY003  # the text is what is looked for

    async def fails_later(_action: Asked, fx: Effect[Board]) -> None:
        await fx.sleep(1)
        raise ValueError("later")  # noqa: EM101  # the text is what is looked for

    def plain(_action: Asked, _fx: Effect[Board]) -> None:
        raise ValueError("plain")  # noqa: EM101  # the text is what is looked for

    def behind_a_wrong_question(_action: Asked, _fx: Effect[Board]) -> None:
        raise AssertionError

    def question(_action: Action) -> bool:
        raise ValueError("question")  # noqa: EM101  # the text is what is looked for

    for function in (fails_at_once, fails_later, plain):
        troubles.listeners.add(Asked, function)
    troubles.listeners.add(question, behind_a_wrong_question)
    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest(10)
    assert sorted(troubles.errors) == [
        ("effect", "ValueError('at once')", "fails_at_once"),
        ("effect", "ValueError('later')", "fails_later"),
        ("effect", "ValueError('plain')", "plain"),
        ("predicate", "ValueError('question')", "behind_a_wrong_question"),
    ]


async def test_b180_by_default_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Behaviour 180: without `on_error` they go to the log with their traceback."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def answer(_action: Asked, _fx: Effect[Board]) -> None:  # pyright: ignore[reportUnusedFunction]
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        async with Store(board, listeners=[listeners]) as store:
            store.dispatch(Asked())
            await rest()
    (line,) = caplog.records
    assert "answer" in line.getMessage()
    assert line.exc_info is not None
    assert line.exc_info[0] is ZeroDivisionError
    assert line.name.startswith("refold")


async def test_b180_a_cancellation_is_no_error() -> None:
    """Behaviour 180: neither a cancelled run nor one of a closed store is reported."""
    troubles = Troubles()

    @troubles.listeners.on(Asked, policy="latest")
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        await fx.sleep(50)

    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked(1))
        await rest()
        store.dispatch(Asked(2))
        await rest()
    assert troubles.errors == []


async def test_b181_forgotten_awaits_leave_no_warning() -> None:
    """Behaviour 181: neither a finished nor a cancelled run complains of what it never awaited."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: complaints.append(what))
    listeners = Listeners(Board)
    troubles: list[object] = []

    @listeners.on(Asked)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        fx.take(Counted)
        fx.take(has_inverse)
        fx.take(Answered, timeout=0.5)
        fx.condition(lambda state: 1 / state.count > 0)
        fx.condition(lambda state: state.count > 1, timeout=0.5)
        fx.sleep(0.5)
        fx.sleep(100)
        fx.fork(lambda: 1 / 0)
        fx.fork(asyncio.sleep(100))
        if action.number:
            await asyncio.sleep(100)

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked(0))
        store.dispatch(Asked(1))
        await rest()
        store.dispatch(Counted(0))
        await rest(10)
        gc.collect()
        store.dispatch(Asked(2))
        await rest(0.1)
    gc.collect()
    await rest()
    assert complaints == []
    assert troubles == []


@attrs.define
class Services:
    """What a program injects."""

    greeting: str


async def test_b182_extra_reaches_every_listener() -> None:
    """Behaviour 182: each run of each listener has the very object that was given."""
    services = Services("hello")
    listeners = Listeners(Board, extra=services)
    seen: list[object] = []

    listeners.add(Asked, lambda _action, fx: seen.append(fx.extra))
    listeners.add(any_kind, lambda _action, fx: seen.append(fx.extra))
    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert len(seen) == 2
    assert all(one is services for one in seen)


def any_kind(_action: Action) -> bool:
    """Match every action."""
    return True


def do_nothing(_action: Action, _fx: Effect[Board]) -> None:
    """Hear an action."""


@pytest.mark.parametrize(
    ("kinds", "options"),
    [
        ([], {}),
        ([3], {}),
        ([Board], {}),
        ([None], {}),
        ([Asked()], {}),
        ([Asked], {"policy": "sometimes"}),
        ([Asked], {"policy": "debounce"}),
        ([Asked], {"policy": "throttle"}),
        ([Asked], {"policy": "throttle", "seconds": 0}),
        ([Asked], {"policy": "debounce", "seconds": -1}),
        ([Asked], {"policy": "debounce", "seconds": float("nan")}),
        ([Asked], {"policy": "every", "seconds": 1}),
        ([Asked], {"policy": "latest", "seconds": 1}),
    ],
)
def test_b166_what_is_no_listener_is_refused(kinds: list[Any], options: dict[str, Any]) -> None:
    """Behaviour 166: a wrong kind, policy or time is refused when it is declared."""
    on: Any = Listeners(Board).on
    with pytest.raises(ListenerDeclarationError):
        on(*kinds, **options)(do_nothing)


def test_b166_what_is_no_function_is_refused() -> None:
    """Behaviour 166: a listener is something that can be called."""
    with pytest.raises(ListenerDeclarationError):
        Listeners(Board).add(Asked, "print")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
