"""`refold peer`: a peer in a process of its own, as a person starts, reads and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from refold import replay
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.relay_server import RelayServer
from refold.reducers.peer_network import PeerNetworkState, peer_network_reducer
from refold.selectors.peer_activity import select_activity_events
from tests.examples.programs import Program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

COMMAND = (sys.executable, "-W", "error", "-m", "refold", "peer")
ENVIRONMENT = os.environ | {"COLUMNS": "80", "PYTHONUNBUFFERED": "1"}
NOT_HERE = "192.0.2.1"
"""An address that no machine has: it is for documentation only."""

EVIL = "\x1b]0;pwned\x07\x1b[31mred\x9b2J\u202e\r\nsecond line"
"""A nickname that sets the title, colours, clears, turns the text around and forges a line."""


@asynccontextmanager
async def peer(*arguments: object) -> AsyncGenerator[Program]:
    """Run a peer until the block is left, at which it is killed if it runs still."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    started = Program(process)
    try:
        yield started
    finally:
        await started.end(signal.SIGKILL)


@asynccontextmanager
async def json_peer(*arguments: object) -> AsyncGenerator[tuple[Program, dict[str, Any]]]:
    """Run a peer that prints JSON; give it, and what it says first."""
    async with peer("--json", *arguments) as started:
        yield started, json.loads(await started.line())


async def next_event(program: Program, type_: str) -> dict[str, Any]:
    """Return the next event of a type."""
    while True:
        event: dict[str, Any] = json.loads(await program.line())
        if event["type"] == type_:
            return event


def state_at_end(log: Path) -> PeerNetworkState:
    """Fold a log again, compare the digests, and return the last state."""
    timeline = replay(log, peer_network_reducer)
    timeline.verify()
    return timeline.go_to_end()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_a_peer_says_who_and_where_it_is_and_ends_well(ending: signal.Signals) -> None:
    """It prints its id and its addresses; Ctrl-C and SIGTERM end it with status 0, in silence."""
    async with peer("--name", "ann") as ann:
        first, second = await ann.line(), await ann.line()
        assert first.startswith("this peer: 12D3KooW")
        own = first.removeprefix("this peer: ")
        assert second.strip().startswith("/ip4/127.0.0.1/tcp/")
        assert second.strip().endswith(f"/ws/p2p/{own}")
        assert await ann.end(ending) == (0, "", "")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_json_is_one_object_per_event(ending: signal.Signals) -> None:
    """--json prints who and where it is as an object, and ends with status 0 as well."""
    async with json_peer() as (ann, started):
        assert started["type"] == "started"
        assert started["peer_id"].startswith("12D3KooW")
        (address,) = started["addresses"]
        assert address.endswith(f"/ws/p2p/{started['peer_id']}")
        assert await ann.end(ending) == (0, "", "")


async def test_two_peers_find_each_other_connect_and_leave() -> None:
    """With --connect a peer dials all that appear; each end tells how, and when the other left."""
    async with (
        RelayServer() as relay,
        json_peer("--relay", relay.url, "--name", "ann") as (ann, about_ann),
    ):
        async with json_peer("--relay", relay.url, "--name", "bob", "--connect") as (
            bob,
            about_bob,
        ):
            connecting = await next_event(bob, "info")
            assert connecting["message"] == "Connecting to ann..."
            for one, other, name in ((ann, about_bob, "bob"), (bob, about_ann, "ann")):
                joined = await next_event(one, "peer_joined")
                assert joined["peer_id"] == other["peer_id"]
                assert joined["message"] == f"Connected to {name}... via direct"
                assert isinstance(joined["number"], int)
                assert isinstance(joined["at_ms"], int)
            assert (await bob.end(signal.SIGTERM))[0] == 0
        left = await next_event(ann, "peer_left")
        assert left["peer_id"] == about_bob["peer_id"]
        assert left["message"].startswith("Disconnected from bob...")
        assert await ann.end(signal.SIGINT) == (0, "", "")


async def test_a_nickname_cannot_command_the_terminal() -> None:
    """What a peer calls itself is printed escaped, on a line of its own event only."""
    async with (
        RelayServer() as relay,
        peer("--relay", relay.url, "--name", "ann") as ann,
    ):
        await ann.line_with("p2p-circuit")
        async with json_peer("--relay", relay.url, "--name", EVIL, "--connect") as (evil, _):
            await next_event(evil, "peer_joined")
            joined = await ann.line_with("Connected to")
        left = await ann.line_with("Disconnected from")
        for line in (joined, left):
            assert line.isprintable(), line
            assert "\\x1b]0;pwned\\x07" in line
        assert joined.endswith("second line... via direct")
        assert await ann.end(signal.SIGINT) == (0, "", "")


async def test_a_nickname_cannot_command_the_table_on_a_terminal() -> None:
    """On a terminal there is a table that lives; a nickname is escaped there, too."""
    ours, theirs = os.openpty()
    async with RelayServer() as relay:
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, "--relay", relay.url, "--name", "ann"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=asyncio.subprocess.PIPE,
            env=ENVIRONMENT | {"TERM": "xterm", "COLUMNS": "200", "LINES": "50"},
        )
        shown = b""
        os.close(theirs)
        try:
            async with json_peer("--relay", relay.url, "--name", EVIL, "--connect") as (evil, _):
                await next_event(evil, "peer_joined")
                async with asyncio.timeout(15):
                    while b"Connected to" not in shown:
                        shown += await asyncio.to_thread(os.read, ours, 65_536)
            os.kill(process.pid, signal.SIGINT)
            with contextlib.suppress(OSError):  # EIO: the other end is closed
                while more := await asyncio.to_thread(os.read, ours, 65_536):
                    shown += more
            _, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            os.close(ours)
    assert (process.returncode, errors) == (0, b"")
    assert b"pwned" in shown
    for command in (b"\x1b]0;pwned", b"\x07", "\x9b".encode(), "\u202e".encode()):
        assert command not in shown


async def test_a_recorded_peer_can_be_replayed(tmp_path: Path) -> None:
    """--record writes every action; the log folds to the same digests and tells the same story."""
    log = tmp_path / "bob.jsonl"
    async with (
        RelayServer() as relay,
        json_peer("--relay", relay.url, "--name", "ann") as (ann, about_ann),
    ):
        options = ("--relay", relay.url, "--name", "bob", "--connect", "--record", log)
        async with json_peer(*options) as (bob, about_bob):
            await next_event(bob, "peer_joined")
            await next_event(ann, "peer_joined")
            assert (await bob.end(signal.SIGINT))[0] == 0
    state = state_at_end(log)
    assert state.peers.own_peer_id == about_bob["peer_id"]
    assert not state.peers.is_running
    events = select_activity_events(state.activity)
    assert [event.type for event in events] == ["info", "peer_joined", "peer_left"]
    assert {event.peer_id for event in events} == {about_ann["peer_id"]}


async def test_a_peer_whose_relay_is_away_runs_all_the_same() -> None:
    """A relay that does not answer costs no more than a few seconds: it may come back."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with json_peer("--relay", f"ws://127.0.0.1:{port}") as (ann, started):
        assert len(started["addresses"]) == 2
        assert (await ann.end(signal.SIGINT))[:2] == (0, "")


async def test_an_identity_file_is_made_once_and_kept(tmp_path: Path) -> None:
    """--identity: the same file is the same peer, and only its owner may read it."""
    path = tmp_path / "ann.pem"
    seen: list[str] = []
    for _ in range(2):
        async with json_peer("--identity", path) as (ann, started):
            seen.append(started["peer_id"])
            assert (await ann.end(signal.SIGINT))[0] == 0
    assert seen == [PeerIdentity.load_or_create(path).peer_id] * 2
    assert path.stat().st_mode & 0o777 == 0o600


# --- what is refused ------------------------------------------------------------------------------


def refused(*arguments: object, folder: Path) -> str:
    """Run what cannot begin; return the text of the error, which is all there is."""
    outcome = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
        env=ENVIRONMENT,
        cwd=folder,
    )
    assert (outcome.returncode, outcome.stdout) == (2, ""), outcome.stderr
    first, *more = outcome.stderr.splitlines()
    assert first.startswith("refold: ")
    assert more in ([], ["try: refold peer --help"])
    return first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "-1"], ["--port", "-1"]),
        (["--port", "70000"], ["--port", "70000"]),
        (["--port", "soon"], ["--port", "soon"]),
        (["--relay"], ["--relay"]),
        (["--relay", "http://127.0.0.1:4001"], ["http://127.0.0.1:4001", "ws://HOST:PORT"]),
        (["--relay", "nonsense"], ["nonsense", "ws://HOST:PORT"]),
        (["--relay", "ws://127.0.0.1:99999"], ["99999"]),
        (["--relay", "ws://127.0.0.1:4001/path"], ["path"]),
        (["--webrtc"], ["--webrtc", "--relay"]),
        (["--host", NOT_HERE], [NOT_HERE, "--host"]),
        (["--name", "x" * 20_000], ["name"]),
        (["--colour"], ["--colour"]),
        (["a word"], ["a word"]),
    ],
)
def test_a_bad_option_is_refused_with_what_to_do(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    """One line on stderr that names the option and what is expected, status 2, nothing else."""
    said = refused(*arguments, folder=tmp_path)
    assert all(word in said for word in words)
    assert len(said) < 400


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    """Where another program listens, the port is named and another one asked for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        said = refused("--port", port, folder=tmp_path)
    assert str(port) in said
    assert "--port" in said


@pytest.mark.parametrize("kind", ["nonsense", "a folder", "in no folder", "readable by others"])
def test_an_identity_that_is_none_is_refused(tmp_path: Path, kind: str) -> None:
    """A file without a key, a folder, a place that is not there, a key that others may read."""
    path = tmp_path / "ann.pem"
    match kind:
        case "nonsense":
            path.write_text("no key")
            path.chmod(0o600)
        case "a folder":
            path.mkdir()
        case "in no folder":
            path = tmp_path / "nowhere" / "ann.pem"
        case _:
            PeerIdentity.load_or_create(path)
            path.chmod(0o644)
    assert "ann.pem" in refused("--identity", path, folder=tmp_path)


def test_a_log_is_never_overwritten(tmp_path: Path) -> None:
    """--record on a file that is there is refused, and the file stays as it is."""
    log = tmp_path / "taken.jsonl"
    log.write_text("something else\n")
    assert "taken.jsonl" in refused("--record", log, folder=tmp_path)
    assert log.read_text() == "something else\n"
