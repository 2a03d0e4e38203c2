"""Errors of listeners beside the numbered behaviours: of `on_error`, of forks, at the end.

What belongs here: what goes wrong while something else goes wrong.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Any

import pytest

from refold.middleware.listeners import Listeners
from refold.store.store import Store
from tests.listeners.listener_scene import Asked, Board, Noted, Troubles, board, rest

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.effect import Effect

pytestmark = pytest.mark.looptime


class ReportFailedError(Exception):
    """What a function that is told of errors raises."""


def failing_report(_error: Exception, _raised_by: str, _name: str) -> None:
    """Fail to report."""
    raise ReportFailedError


async def test_an_error_in_on_error_is_logged_with_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither error is lost, the dispatcher and the other listeners hear of none."""
    listeners = Listeners(Board, on_error=failing_report)
    heard: list[Action] = []

    def has_inverse(action: Any) -> bool:
        return bool(1 / action.number > 0)

    @listeners.on(has_inverse)
    async def _(_action: Action, _fx: Effect[Board]) -> None:
        raise AssertionError

    @listeners.on(Asked)
    async def _(_action: Asked, _fx: Effect[Board]) -> None:
        raise ZeroDivisionError

    listeners.add(Asked, lambda action, _fx: heard.append(action))
    with caplog.at_level(logging.ERROR):
        async with Store(board, listeners=[listeners]) as store:
            store.dispatch(Asked(0))
            await rest()
    assert heard == [Asked(0)]
    assert "ReportFailedError" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_on_error_may_dispatch() -> None:
    """What is told of an error may put it into the state."""
    listeners = Listeners(
        Board, on_error=lambda error, _by, _name: store.dispatch(Noted(repr(error)))
    )

    @listeners.on(Asked)
    async def _(_action: Asked, _fx: Effect[Board]) -> None:
        raise ZeroDivisionError

    async with Store(board, listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert store.state.texts == ("ZeroDivisionError()",)


async def test_an_error_while_being_cancelled_is_reported() -> None:
    """A ``finally`` that raises is no cancellation any more."""
    troubles = Troubles()

    @troubles.listeners.on(Asked, policy="latest")
    async def _(action: Asked, fx: Effect[Board]) -> None:
        try:
            await fx.sleep(100)
        finally:
            if action.number == 1:
                raise ZeroDivisionError

    async with Store(board, listeners=[troubles.listeners]) as store:
        for number in (1, 2):
            store.dispatch(Asked(number))
            await rest()
    assert [error for _, error, _ in troubles.errors] == ["ZeroDivisionError()"]


@pytest.mark.parametrize("auto_join", [True, False])
async def test_a_fork_that_fails_unawaited_is_reported_once(*, auto_join: bool) -> None:
    """An error in a fork is reported once nobody can await it any more."""
    troubles = Troubles()

    @troubles.listeners.on(Asked)
    async def answer(_action: Asked, fx: Effect[Board]) -> None:  # pyright: ignore[reportUnusedFunction]
        fork = fx.fork(lambda: 1 / 0, auto_join=auto_join)
        await fx.sleep(1)
        assert troubles.errors == []
        del fork

    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest(5)
    assert troubles.errors == [("effect", "ZeroDivisionError('division by zero')", "answer")]


async def test_a_run_without_end_hears_of_each_lost_fork() -> None:
    """Errors of forks that nobody kept are reported while the run goes on."""
    troubles = Troubles()

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        while True:
            fx.fork(lambda: 1 / 0)
            await fx.sleep(1)

    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest(4.5)
        assert len(troubles.errors) == 5


async def test_a_fork_that_fails_awaited_is_not_reported() -> None:
    """Whoever awaited the fork has its error as a value."""
    troubles = Troubles()

    @troubles.listeners.on(Asked)
    async def _(_action: Asked, fx: Effect[Board]) -> None:
        await fx.fork(lambda: 1 / 0)

    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest()
    assert troubles.errors == []


async def test_a_predicate_that_changes_the_listeners_harms_nobody() -> None:
    """Adding and removing while listeners are being chosen counts from the next action on."""
    troubles = Troubles()
    heard: list[str] = []

    def late(_action: Asked, _fx: Effect[Board]) -> None:
        heard.append("late")

    def question(_action: Action) -> bool:
        troubles.listeners.add(Asked, late)
        return False

    troubles.listeners.add(question, late)
    troubles.listeners.add(Asked, lambda _action, _fx: heard.append("first"))
    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest()
        assert "first" in heard
        heard.clear()
        store.dispatch(Asked())
        await rest()
    assert sorted(heard) == ["first", "late"]
    assert troubles.errors == []


async def test_a_return_value_harms_nobody() -> None:
    """A listener may return something, and a plain function an awaitable, which is awaited."""
    troubles = Troubles()
    notes: list[str] = []

    async def later() -> str:
        await asyncio.sleep(1)
        notes.append("awaited")
        return "ignored"

    troubles.listeners.add(Asked, lambda _action, _fx: later())
    troubles.listeners.add(Asked, lambda _action, _fx: 7)
    async with Store(board, listeners=[troubles.listeners]) as store:
        store.dispatch(Asked())
        await rest(5)
    gc.collect()
    assert notes == ["awaited"]
    assert troubles.errors == []
