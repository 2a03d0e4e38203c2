"""What listeners cost the others: ``python bench/listener_load.py`` prints the worst gap of a beat.

While a store is busy with listeners, another task wants to run every 10 ms.  Told is the longest
that it had to wait beyond that, by the clock and in CPU time of the loop's thread; on a machine
that others use, only the second is the store's own doing.  Takes 10 s.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import attrs
from rich import box
from rich.console import Console
from rich.table import Table

from refold import Action, Effect, Listeners, Reducer, Store, action

__all__ = ["main"]

_BEAT_SECONDS: Final = 0.01
_GOAL_MS: Final = 50.0
_FOLLOWING: Final = 100_000
_LISTENERS: Final = 10_000
_BREATH: Final = 1_000
"""Dispatches between two awaits of a listener that lets others run."""


@attrs.frozen
class Sum:
    """How much was added."""

    value: int = 0


@action("listener_load/begun")
class Begun(Action):
    """The work began."""


@action("listener_load/added")
class Added(Action):
    """One was added."""


@action("listener_load/answered")
class Answered(Action):
    """Whoever waited need wait no longer."""


@attrs.define
class Beat:
    """How late a task was that wanted to run every 10 ms."""

    worst_ms: float = 0.0
    """By the clock."""

    worst_cpu_ms: float = 0.0
    """CPU time of this thread between two beats, beyond 10 ms; waiting costs none."""

    async def go_on(self) -> None:
        """Beat until cancelled."""
        while True:
            at, cpu = time.perf_counter(), time.thread_time()
            try:
                await asyncio.sleep(_BEAT_SECONDS)
            finally:  # the last one too, which may be the latest
                late = time.perf_counter() - at - _BEAT_SECONDS
                self.worst_ms = max(self.worst_ms, late * 1000)
                busy = time.thread_time() - cpu - _BEAT_SECONDS
                self.worst_cpu_ms = max(self.worst_cpu_ms, busy * 1000)


@attrs.frozen
class Finding:
    """One line of the table."""

    name: str
    beat: Beat
    seconds: float
    has_goal: bool

    def holds(self) -> bool:
        """Tell whether nobody waited too long because of the store."""
        return not self.has_goal or self.beat.worst_cpu_ms <= _GOAL_MS


def new_sum() -> Reducer[Sum]:
    """Return the reducer."""
    reducer = Reducer(Sum())

    @reducer.on(Added)
    def _(state: Sum, _action: Added) -> Sum:
        return Sum(state.value + 1)

    return reducer


@asynccontextmanager
async def beating(beat: Beat) -> AsyncGenerator[None]:
    """Let a task beat beside a block."""
    task = asyncio.create_task(beat.go_on())
    await asyncio.sleep(5 * _BEAT_SECONDS)
    try:
        yield
        await asyncio.sleep(5 * _BEAT_SECONDS)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(store: Store[Sum], value: int) -> None:
    """Wait until so much was added."""
    done = asyncio.Event()
    unsubscribe = store.subscribe(
        lambda new, _old: done.set() if new else None, select=lambda state: state.value >= value
    )
    await done.wait()
    unsubscribe()


async def chain(beat: Beat) -> None:
    """A listener answers each action by the next."""
    listeners = Listeners(Sum)

    @listeners.on(Added)
    async def _(_action: Added, fx: Effect[Sum]) -> None:
        if fx.state.value < _FOLLOWING:
            fx.dispatch(Added())

    async with beating(beat), Store(new_sum(), listeners=[listeners]) as store:
        store.dispatch(Added())
        await until(store, _FOLLOWING)


async def one_run(beat: Beat, breath: int | None, *, is_heard: bool = False) -> None:
    """One run dispatches all, and lets others run after so many; never if None."""
    listeners = Listeners(Sum)

    @listeners.on(Begun)
    async def _(_action: Begun, fx: Effect[Sum]) -> None:
        for number in range(_FOLLOWING):
            fx.dispatch(Added())
            if breath is not None and not number % breath:
                await fx.sleep(0)

    if is_heard:
        listeners.add(Added, _ignore)
    async with beating(beat), Store(new_sum(), listeners=[listeners]) as store:
        store.dispatch(Begun())
        await until(store, _FOLLOWING)


async def many_listeners(beat: Beat) -> None:
    """One action begins the runs of many listeners, each of which answers."""
    listeners = Listeners(Sum)
    for _ in range(_LISTENERS):
        listeners.add(Begun, lambda _action, fx: fx.dispatch(Added()))
    async with Store(new_sum(), listeners=[listeners]) as store, beating(beat):
        store.dispatch(Begun())
        await until(store, _LISTENERS)


async def many_takes(beat: Beat) -> None:
    """One action answers many runs that wait for it."""
    listeners = Listeners(Sum)

    @listeners.on(Begun)
    async def _(_action: Begun, fx: Effect[Sum]) -> None:
        await fx.take(Answered)
        fx.dispatch(Added())

    async with Store(new_sum(), listeners=[listeners]) as store:
        for number in range(_LISTENERS):
            store.dispatch(Begun())
            if not number % _BREATH:
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        async with beating(beat):
            store.dispatch(Answered())
            await until(store, _LISTENERS)


async def leaving(beat: Beat) -> None:
    """The store is left while many runs wait."""
    listeners = Listeners(Sum)

    @listeners.on(Begun)
    async def _(_action: Begun, fx: Effect[Sum]) -> None:
        await fx.take(Answered)

    async with beating(beat), Store(new_sum(), listeners=[listeners]) as store:
        for number in range(_LISTENERS):
            store.dispatch(Begun())
            if not number % _BREATH:
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        beat.worst_ms = beat.worst_cpu_ms = 0.0


def main() -> int:
    """Print the table.

    Returns:
        0; 1 if a beat was later than the goal.
    """
    argparse.ArgumentParser(description="Measure what listeners cost the others.").parse_args()
    findings = [
        _measure("chain of 100,000 answers", chain),
        _measure("one run of 100,000, a sleep(0) in 1,000", lambda b: one_run(b, _BREATH)),
        _measure("the same, each heard", lambda b: one_run(b, _BREATH, is_heard=True)),
        _measure("10,000 listeners of one action", many_listeners),
        _measure("10,000 takes of one action", many_takes),
        _measure("leaving with 10,000 runs", leaving),
        _measure("one run of 100,000, never waits", lambda b: one_run(b, None), goal=False),
    ]
    _print_table(findings)
    return 0 if all(finding.holds() for finding in findings) else 1


def _ignore(_action: Action, _fx: Effect[Sum]) -> None:
    """Hear an action and do nothing."""


def _measure(name: str, work: Callable[[Beat], Awaitable[None]], *, goal: bool = True) -> Finding:
    beat = Beat()
    begun = time.perf_counter()

    async def run() -> None:
        await work(beat)

    asyncio.run(run())
    return Finding(name, beat, time.perf_counter() - begun, goal)


def _print_table(findings: list[Finding]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("work", no_wrap=True)
    for heading in ("wait, ms", "CPU, ms", "goal", "all, s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("holds", no_wrap=True)
    for finding in findings:
        verdict = "[green]yes[/green]" if finding.holds() else "[bold red]no[/bold red]"
        table.add_row(
            finding.name,
            f"{finding.beat.worst_ms:.0f}",
            f"{finding.beat.worst_cpu_ms:.0f}",
            f"≤ {_GOAL_MS:g}" if finding.has_goal else "",
            f"{finding.seconds:.1f}",
            verdict if finding.has_goal else "",
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
