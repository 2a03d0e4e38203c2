"""Property: under every policy the runs are those of the table in ``docs/listeners.md``.

What belongs here: the table as five small functions, and random schedules.  What does not: the
policies by example (`tests/behaviours/test_listener_fork_behaviours`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refold.middleware.listeners import Listeners
from refold.store.store import Store
from tests.listeners.listener_scene import Asked, Board, board, rest
from tests.listeners.virtual_loop import run_in_virtual_time

if TYPE_CHECKING:
    from refold.middleware.effect import Effect

Schedule = list[tuple[int, int]]
"""For each action the milliseconds at which it comes, and how long its run works."""

SECONDS_MS: Final = 3_037
"""Time of debounce and throttle.  Actions come at whole seconds: no two things coincide."""


@attrs.frozen(order=True)
class Run:
    """One run: of which action, from when to when in milliseconds, and whether it finished."""

    number: int
    began_ms: int
    ended_ms: int
    finished: bool = True


def every(schedule: Schedule) -> list[Run]:
    """Begin another run beside those that are on."""
    return [Run(number, at, at + work) for number, (at, work) in enumerate(schedule)]


def latest(schedule: Schedule) -> list[Run]:
    """Cancel the run that is on; of several in one step only the last begins."""
    runs: list[Run] = []
    for number, (at, work) in enumerate(schedule):
        cancelled_at = schedule[number + 1][0] if number + 1 < len(schedule) else at + work + 1
        if cancelled_at == at:
            continue
        finished = cancelled_at > at + work
        runs.append(Run(number, at, at + work if finished else cancelled_at, finished))
    return runs


def leading(schedule: Schedule) -> list[Run]:
    """Ignore what comes while a run is on."""
    runs: list[Run] = []
    for number, (at, work) in enumerate(schedule):
        if not runs or runs[-1].ended_ms < at:
            runs.append(Run(number, at, at + work))
    return runs


def debounce(schedule: Schedule) -> list[Run]:
    """Begin a run when nothing more came for so long, and cancel the one before it."""
    quiet = [
        (number, at + SECONDS_MS, work)
        for number, (at, work) in enumerate(schedule)
        if number + 1 == len(schedule) or schedule[number + 1][0] > at + SECONDS_MS
    ]
    began = latest([(at, work) for _, at, work in quiet])
    return [attrs.evolve(run, number=quiet[run.number][0]) for run in began]


def throttle(schedule: Schedule) -> list[Run]:
    """Wait until so long has passed since the last beginning; only the last one waits."""
    runs: list[Run] = []
    waiting: tuple[int, int] | None = None
    for number, (at, work) in [*enumerate(schedule), (-1, (10**9, 0))]:
        free_at = runs[-1].began_ms + SECONDS_MS if runs else 0
        if waiting is not None and free_at < at:
            runs.append(Run(waiting[0], free_at, free_at + waiting[1]))
            waiting, free_at = None, free_at + SECONDS_MS
        if number < 0:
            break
        if free_at <= at:
            runs.append(Run(number, at, at + work))
        else:
            waiting = number, work
    return runs


MODELS: Final = {
    "every": every,
    "latest": latest,
    "leading": leading,
    "debounce": debounce,
    "throttle": throttle,
}


def new_schedule(steps: list[tuple[int, int]]) -> Schedule:
    """Return a schedule from gaps and lengths of work in whole seconds."""
    schedule: Schedule = []
    at = 0
    for gap, work in steps:
        at += gap * 1000
        schedule.append((at, work * 1000 + 501 if work else 0))
    return schedule


async def runs_of(policy: Any, schedule: Schedule) -> list[Run]:
    """Return the runs of a real listener."""
    listeners = Listeners(Board)
    runs: list[Run] = []
    loop = asyncio.get_running_loop()
    start = loop.time()

    def now_ms() -> int:
        return round((loop.time() - start) * 1000)

    seconds = SECONDS_MS / 1000 if policy in {"debounce", "throttle"} else None

    @listeners.on(Asked, policy=policy, seconds=seconds)
    async def _(action: Asked, fx: Effect[Board]) -> None:
        began = now_ms()
        finished = False
        try:
            if schedule[action.number][1]:
                await fx.sleep(schedule[action.number][1] / 1000)
            finished = True
        finally:
            runs.append(Run(action.number, began, now_ms(), finished))

    async with Store(board, listeners=[listeners]) as store:
        for number, (at, _work) in enumerate(schedule):
            if at > now_ms():
                await rest(at / 1000 - (loop.time() - start))
            store.dispatch(Asked(number))
        await rest(1000)
    return sorted(runs)


steps = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 6)), max_size=12)


@pytest.mark.parametrize("policy", MODELS)
@given(steps)
@example([(0, 0), (0, 0), (0, 0)])
@example([(0, 6), (1, 6), (0, 0), (3, 1), (3, 0)])
def test_the_runs_are_those_of_the_model(policy: str, steps: list[tuple[int, int]]) -> None:
    """Random actions and lengths of work give the runs of the table, with their very times."""
    schedule = new_schedule(steps)
    assert run_in_virtual_time(runs_of(policy, schedule)) == MODELS[policy](schedule)
