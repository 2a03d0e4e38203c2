"""What a recording says of what listeners dispatched: their name, and the record they answered.

What belongs here: ``cause``, ``origin``, and that a replay runs nobody.  What does not: cause and
origin without listeners (`tests/replay/test_cause_and_origin`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from refold.middleware.listeners import Listeners
from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.dispatch_context import (
    DispatchContext,
    current_dispatch_context,
    dispatching_as,
    handling,
)
from refold.store.store import Store
from tests.listeners.listener_scene import Answered, Asked, Board, Counted, Noted, board, rest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from refold.actions.action import Action
    from refold.middleware.effect import Effect

pytestmark = pytest.mark.looptime

Line = tuple[str, str, int | None]
"""A record's action, who dispatched it, and the seq of its cause."""


@pytest.fixture(autouse=True)
def outside_any_dispatch() -> Iterator[None]:
    """Let each test begin where nothing is being handled."""
    before = current_dispatch_context()
    handling(DispatchContext())
    yield
    handling(before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a log that is not there yet."""
    return tmp_path / "run.jsonl"


def lines(path: Path) -> list[Line]:
    """Return what a log says of each record."""
    records = list(replay(path, board).records)
    seqs = {one.id: one.seq for one in records}
    return [
        (
            one.name.partition("/")[2],
            one.origin.rpartition(".")[2],
            None if one.cause is None else seqs[one.cause],
        )
        for one in records
    ]


async def test_the_origin_is_the_listeners_qualified_name(path: Path) -> None:
    """The origin is ``listener:`` and the function's qualified name."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def answer(_action: Asked, fx: Effect[Board]) -> None:
        fx.dispatch(Answered())

    async with Store(board, middleware=[record(path)], listeners=[listeners]) as store:
        store.dispatch(Asked())
        await rest()
    asked, answered = replay(path, board).records
    assert answered.origin == f"listener:{answer.__qualname__}"
    assert answered.cause == asked.id
    assert asked.origin == "app"


async def test_everything_that_a_run_dispatches_answers_its_action(path: Path) -> None:
    """At once, after awaits, after a take, in forks and at its end, by ``fx`` and by the store."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def answer(_action: Asked, fx: Effect[Board]) -> None:  # pyright: ignore[reportUnusedFunction]
        async def beside() -> None:
            fx.dispatch(Noted("fork"))
            await fx.sleep(0.1)
            store.dispatch(Noted("fork after await"))

        try:
            fx.dispatch(Noted("at once"))
            await fx.sleep(1)
            store.dispatch(Noted("after await"))
            await fx.fork(beside)
            await fx.take(Counted)
            fx.dispatch(Noted("after take"))
            with store.transaction():
                fx.dispatch(Noted("in a"))
                fx.dispatch(Noted("transaction"))
            await asyncio.create_task(foreign())
            await fx.sleep(100)
        finally:
            fx.dispatch(Noted("at the end"))

    async def foreign() -> None:
        store.dispatch(Noted("in a task"))

    async with Store(board, middleware=[record(path)], listeners=[listeners]) as store:
        store.dispatch(Counted())
        store.dispatch(Asked())
        await rest(5)
        store.dispatch(Counted())
        await rest()
    assert store.state.texts[-1] == "at the end"
    found = lines(path)
    assert [line for line in found if line[0] != "noted"] == [
        ("counted", "app", None),
        ("asked", "app", None),
        ("counted", "app", None),
    ]
    noted = [line for line in found if line[0] == "noted"]
    assert noted == [("noted", "answer", 2)] * 9
    assert len(store.state.texts) == 9


async def test_a_chain_of_answers_names_each_link(path: Path) -> None:
    """A listener that answers a listener's action names that action."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def first(_action: Asked, fx: Effect[Board]) -> None:  # pyright: ignore[reportUnusedFunction]
        fx.dispatch(Answered())

    @listeners.on(Answered)
    async def second(_action: Answered, fx: Effect[Board]) -> None:  # pyright: ignore[reportUnusedFunction]
        fx.dispatch(Counted())

    async with Store(board, middleware=[record(path)], listeners=[listeners]) as store:
        store.dispatch(Asked())
        store.dispatch(Noted("between"))
        await rest()
        store.dispatch(Noted("after"))
    assert lines(path) == [
        ("asked", "app", None),
        ("noted", "app", None),
        ("answered", "first", 1),
        ("counted", "second", 3),
        ("noted", "app", None),
    ]


@pytest.mark.parametrize("policy", ["debounce", "throttle"])
async def test_a_run_that_began_later_answers_its_own_action(path: Path, policy: Any) -> None:
    """A run that waited names the action it is for, whatever came between."""
    listeners = Listeners(Board)

    @listeners.on(Asked, policy=policy, seconds=5)
    async def answer(action: Asked, fx: Effect[Board]) -> None:  # pyright: ignore[reportUnusedFunction]
        fx.dispatch(Answered(action.number))

    async with Store(board, middleware=[record(path)], listeners=[listeners]) as store:
        for number in (1, 2):
            store.dispatch(Asked(number))
            await rest(0.5)
        store.dispatch(Noted("between"))
        await rest(20)
    asked_second = 3 if policy == "throttle" else 2
    assert [line for line in lines(path) if line[0] == "answered"][-1] == (
        "answered",
        "answer",
        asked_second,
    )


async def test_the_dispatchers_origin_is_not_inherited(path: Path) -> None:
    """A listener that answers a service's action is named itself, and the service afterwards."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def answer(_action: Asked, fx: Effect[Board]) -> None:  # pyright: ignore[reportUnusedFunction]
        fx.dispatch(Answered())

    async with Store(board, middleware=[record(path)], listeners=[listeners]) as store:
        with dispatching_as("service:clock"):
            store.dispatch(Asked())
            await rest()
            store.dispatch(Counted())
        store.dispatch(Counted())
    assert [origin for _, origin, _ in lines(path)] == [
        "service:clock",
        "answer",
        "service:clock",
        "app",
    ]


async def test_runs_for_a_transaction_answer_it(path: Path) -> None:
    """Each run names the last record of the transaction, as all do who answer it."""
    listeners = Listeners(Board)

    @listeners.on(Asked)
    async def answer(action: Asked, fx: Effect[Board]) -> None:  # pyright: ignore[reportUnusedFunction]
        fx.dispatch(Answered(action.number))

    async with Store(board, middleware=[record(path)], listeners=[listeners]) as store:
        store.dispatch(Noted("before"))
        with store.transaction():
            store.dispatch(Asked(1))
            store.dispatch(Asked(2))
            store.dispatch(Noted("last"))
        await rest()
    found = lines(path)
    assert [origin for name, origin, _ in found if name == "answered"] == ["answer", "answer"]
    assert [cause for name, _, cause in found if name == "answered"] == [4, 4]


async def test_a_replay_runs_no_listener(path: Path) -> None:
    """Folding a recording, looking at it and going on with it runs nobody for what was."""
    listeners = Listeners(Board)
    heard: list[Action] = []

    @listeners.on(lambda _action: True)
    async def _(action: Action, _fx: Effect[Board]) -> None:
        heard.append(action)

    async with Store(board, middleware=[record(path)], listeners=[listeners]) as store:
        for number in range(3):
            store.dispatch(Asked(number))
        await rest()
    assert len(heard) == 3
    timeline = replay(path, board)
    assert timeline.at(3) == store.state
    timeline.verify()
    again = Store(
        board,
        state=timeline.at(3),
        middleware=[record(path, resume=True)],
        listeners=[listeners],
    )
    async with again:
        await rest()
        assert len(heard) == 3
        again.dispatch(Asked(7))
        await rest()
    assert heard[3:] == [Asked(7)]
