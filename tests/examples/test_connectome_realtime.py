"""The debugger's realtime mode: a real feed server, killed in the middle, and a recorded session.

What belongs here: `examples/connectome_stepper` with its server in a process of its own.  What does
not: its keys one by one, see `test_connectome_stepper`.
"""

from __future__ import annotations

import signal
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.connectome_stepper.feed import FlowEventMessage
from examples.connectome_stepper.feed_server import make_events
from examples.connectome_stepper.make_session import make_session
from examples.connectome_stepper.store import root
from refold import replay
from refold.actions.message import wire_type_of
from refold.replay.canonical_digest import state_digest
from refold.selectors.ledger_export import parse_ledger_jsonl
from tests.examples.programs import Server, program, state_when
from tests.examples.stepper_scene import NOWHERE, new_session, stepper
from tests.examples.test_examples_readme import blocks, run_shown

if TYPE_CHECKING:
    from examples.connectome_stepper.store import ConnectomeState

SCRIPT = "connectome_stepper/feed_server.py"


def is_fed(state: ConnectomeState, at_least: int) -> bool:
    """Tell whether a link is open and so many events came in all."""
    return state.connection.status == "connected" and len(state.ledger.ledger) >= at_least


def runs_in(state: ConnectomeState) -> list[str]:
    """Return which runs of the server the events came from, in the ledger's order."""
    ids = [event.id for event in state.ledger.ledger if event.id and "-" in event.id]
    return [run for run, _ in groupby(id.partition("-")[0] for id in ids)]  # noqa: A001


async def test_events_go_on_when_a_killed_feed_is_back(tmp_path: Path) -> None:
    """The ledger outlives its feed, says so and goes on; the recorded session is sound."""
    server = Server(SCRIPT, ("--every", 0.05))
    check = blocks("sh")[3].splitlines()[-1]
    log = tmp_path / check.split()[2]
    async with server.running():
        session = make_session(server.url, log)
        opened = stepper(session, tmp_path)
        scene = await opened.__aenter__()
        await scene.press("m")
        await state_when(session.store, lambda s: is_fed(s, 20))
        assert "reconnects: 0" in await scene.screen()
    lost = await state_when(session.store, lambda s: s.connection.status == "reconnecting")
    assert "reconnecting" in await scene.screen()
    wanted = len(lost.ledger.ledger) + 20
    async with server.running():
        state = await state_when(session.store, lambda s: is_fed(s, wanted))
        screen = await scene.screen()
        await scene.press("m", "n", "e")
        await opened.__aexit__(None, None, None)
    assert "reconnects: 1" in screen
    assert "health OK" in screen
    assert len(runs_in(state)) == 2
    assert list(state.ledger.ledger)[: len(lost.ledger.ledger)] == list(lost.ledger.ledger)
    assert [e.arrival_index for e in state.ledger.ledger] == list(range(len(state.ledger.ledger)))
    text = (tmp_path / f"ledger_{state.ledger.session_id}.jsonl").read_text(encoding="utf-8")
    assert parse_ledger_jsonl(text).events == tuple(session.store.state.ledger.ledger)
    timeline = replay(log, root)
    timeline.verify()
    assert state_digest(timeline.at(timeline.head)) == state_digest(session.store.state)
    checked = run_shown(check, tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.count("holds") == 6


async def test_the_mode_decides_whether_there_is_a_connection(tmp_path: Path) -> None:
    """The key m connects and resets the focus; again, and the link is closed and the script on."""
    server = Server(SCRIPT, ("--every", 0.05))
    async with server.running(), stepper(new_session(server.url), tmp_path) as scene:
        store = scene.session.store
        await scene.press("n", "n")
        assert store.state.connection.total_connects == 0
        await scene.press("m", "n")
        state = await state_when(store, lambda s: is_fed(s, 8))
        assert (state.ledger.mode, state.ledger.cursor) == ("realtime", 0)
        await scene.press("m")
        await state_when(store, lambda s: s.connection.status == "disconnected")
        known = len(scene.ledger.ledger)
        await scene.press("n")
        assert (len(scene.ledger.ledger), scene.ledger.cursor) == (known + 1, 1)
        ids = [event.id for event in scene.ledger.ledger]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("key", ["p", "space"])
async def test_a_pinned_or_held_view_stands_still_while_events_come(
    tmp_path: Path, key: str
) -> None:
    """The focus stays where it was, all events are kept, and it follows them again afterwards."""
    server = Server(SCRIPT, ("--every", 0.05))
    async with server.running(), stepper(new_session(server.url), tmp_path) as scene:
        store = scene.session.store
        await scene.press("m")
        await state_when(store, lambda s: is_fed(s, 3))
        await scene.press(key)
        kept, known = scene.ledger.active_focus, len(scene.ledger.ledger)
        await state_when(store, lambda s: is_fed(s, known + 6))  # all nodes come by
        assert scene.ledger.active_focus == kept
        await scene.press(key)
        await state_when(store, lambda s: s.ledger.active_focus != kept)


async def test_without_a_feed_the_screen_says_why(tmp_path: Path) -> None:
    """Realtime mode waits for a server, and the script works meanwhile."""
    async with stepper(new_session(NOWHERE), tmp_path) as scene:
        await scene.press("m")
        await state_when(scene.session.store, lambda s: s.connection.status == "reconnecting")
        assert "Connection refused" in await scene.screen()
        await scene.press("m", "n")
        assert scene.ledger.cursor == 1


async def test_a_bad_argument_of_the_feed_is_told_in_one_line() -> None:
    """What cannot be used is named, and nothing is served."""
    async with program(SCRIPT, "--every", "0") as tried:
        status, _, errors = await tried.finish()
    assert status == 2
    assert errors.splitlines()[-1].endswith("--every must be more than 0 seconds, got 0")


async def test_ctrl_c_ends_the_feed_without_a_traceback() -> None:
    """Whoever runs it stops it like this."""
    server = Server(SCRIPT, ())
    async with server.running() as served:
        assert await served.end(signal.SIGINT) == (0, "", "")


def test_server_and_client_mean_the_same_message() -> None:
    """The server's events have the declared type, and no two runs share an id."""
    first, second = (list(islice(make_events(1, run), 9)) for run in ("a", "b"))
    assert {event["type"] for event in first} == {wire_type_of(FlowEventMessage)}
    assert [event["label"] for event in first] == [event["label"] for event in second]
    assert not {event["id"] for event in first} & {event["id"] for event in second}
