"""`run_demo`: live through all steps, then replay what was recorded.

What belongs here: joining hub, client, steps and display.  What does not: any of them.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from refold.commands.demo_application import DemoState, demo_root
from refold.commands.demo_client import DemoClient
from refold.commands.demo_hub import DemoHub
from refold.commands.demo_report import DemoReport
from refold.commands.demo_steps import LIVE_STEPS, Scene
from refold.errors import LogError
from refold.reducers.connection import ConnectionState, ConnectionStatus
from refold.replay.replay import replay

if TYPE_CHECKING:
    from refold.commands.demo_display import DemoDisplay
    from refold.commands.demo_report import StepReport

__all__ = ["run_demo"]

_ALLOWED: Final = {
    ConnectionStatus.DISCONNECTED: {ConnectionStatus.CONNECTING},
    ConnectionStatus.CONNECTING: {
        ConnectionStatus.CONNECTED,
        ConnectionStatus.RECONNECTING,
        ConnectionStatus.DISCONNECTED,
    },
    ConnectionStatus.CONNECTED: {ConnectionStatus.RECONNECTING, ConnectionStatus.DISCONNECTED},
    ConnectionStatus.RECONNECTING: {ConnectionStatus.CONNECTED, ConnectionStatus.DISCONNECTED},
}
"""The changes of status that a connection may make."""

_SPARE_SECONDS: Final = 10.0
"""What the live steps may take beyond the time that was asked for, when things go wrong."""

_STEPS: Final = len(LIVE_STEPS) + 1


async def run_demo(log: Path, display: DemoDisplay, seconds: float) -> DemoReport:
    """Run the demo.

    Args:
        log: where to record.
        display: is told what happens.
        seconds: about how long the live steps take together; they take what they need.

    Raises:
        LogExistsError: there is a log at the path.
        LogWriteError: it cannot be created.
    """
    report = DemoReport(str(log))
    async with DemoHub() as hub:
        client = DemoClient(hub.url, log)
        display.say(f"hub:    {hub.url}")
        display.say(f"log:    {log}")
        with display.live():
            await _live(Scene(hub, client), report, display, seconds)
    with report.step("the log is replayed") as step:
        display.step_begins(_STEPS, _STEPS, step.title)
        report.records = _check_replay(log, client.state, step)
    display.step_ended(step)
    return report


async def _live(scene: Scene, report: DemoReport, display: DemoDisplay, seconds: float) -> None:
    """Go through the live steps, each lingering until its share of the time is over."""
    store, loop = scene.client.store, asyncio.get_running_loop()
    store.subscribe(lambda: display.state_changed(store.state))
    store.subscribe(lambda new, old: _note(scene, display, new, old), select=_connection)
    async with scene.client:
        began = loop.time()
        deadline = began + seconds + _SPARE_SECONDS
        for number, (title, act) in enumerate(LIVE_STEPS, start=1):
            with report.step(title) as step:
                display.step_begins(number, _STEPS, title)
                try:
                    async with asyncio.timeout_at(deadline):
                        await act(scene, step)
                except TimeoutError:
                    step.check("the step ended in time", held=False)
                await asyncio.sleep(began + number * seconds / len(LIVE_STEPS) - loop.time())
            display.step_ended(step)


def _note(scene: Scene, display: DemoDisplay, new: ConnectionState, old: ConnectionState) -> None:
    if new.error_count > old.error_count and new.last_error is not None:
        scene.failures.append(new.last_error)
    display.connection_changed(new, old)


def _check_replay(log: Path, live: DemoState, step: StepReport) -> int:
    """Fold the log again and compare; return how many records it has."""
    try:
        timeline = replay(log, demo_root)
        timeline.verify()
        states = [timeline.at(0), *(state for _, state in timeline.states())]
    except LogError as error:
        step.check("the log is whole and its digests are equal", held=False, found=error)
        return 0
    step.check(f"all {timeline.head} actions were folded again", timeline.head > 0)
    step.check("the digests are equal", held=True)
    step.check("the replayed state equals the live one", states[-1] == live)
    statuses = [state.connection.status for state in states]
    moves = [(a, b) for a, b in pairwise(statuses) if a is not b]
    wrong = [f"{a.value} to {b.value}" for a, b in moves if b not in _ALLOWED[a]]
    step.check(f"{len(moves)} changes of status came in an allowed order", not wrong, wrong)
    return timeline.head


def _connection(state: DemoState) -> ConnectionState:
    return state.connection
