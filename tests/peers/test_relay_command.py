"""`refold relay`: where it says it listens, what it shows, and how it stops."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from refold.commands.relay import relay
from refold.commands.report_error import CommandError
from tests.peers.transport_scene import SECONDS, registered, running_program

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMAND = """
import sys
from refold.commands.relay import relay
sys.exit(relay(port=0, json=sys.argv[1] == "json"))
"""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_where_it_listens_and_stops_cleanly(stop: signal.Signals) -> None:
    """Peers register at the printed url; Ctrl-C and SIGTERM end it with status 0."""
    async with running_program(_COMMAND, "lines") as program:
        assert program.stdout is not None
        async with asyncio.timeout(SECONDS):
            first = (await program.stdout.readline()).decode().split()
            assert first[0] == "relay:"
            async with registered(first[1]):
                program.send_signal(stop)
                rest = (await program.stdout.read()).decode()
            assert await program.wait() == 0
        assert rest.splitlines()[-1] == "stopped with 1 listener, 0 circuits, 0 presences"
        assert "\x1b" not in rest


async def test_json_is_one_object_at_either_end() -> None:
    """The first has the url, the last the counts."""
    async with running_program(_COMMAND, "json") as program:
        assert program.stdout is not None
        async with asyncio.timeout(SECONDS):
            first = json.loads(await program.stdout.readline())
            assert first["event"] == "listening"
            assert first["url"].startswith("ws://127.0.0.1:")
            program.send_signal(signal.SIGTERM)
            last = json.loads(await program.stdout.read())
        assert last == {
            "event": "stopped",
            "listeners": 0,
            "circuits": 0,
            "presences": 0,
            "sockets": 0,
        }


async def test_a_terminal_shows_the_counts_as_they_are() -> None:
    """The line changes when a peer registers, and when it leaves."""
    ours, theirs = pty.openpty()
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _COMMAND,
        "lines",
        stdout=theirs,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(theirs)
    try:
        async with asyncio.timeout(SECONDS):
            said = await _read_until(ours, lambda text: "0 listeners" in text)
            url = said.split("relay: ")[1].split()[0].removesuffix("\x1b[0m")
            async with registered(url):
                await _read_until(ours, lambda text: "1 listener," in text)
            await _read_until(ours, lambda text: "0 listeners" in text)
            program.send_signal(signal.SIGINT)
            assert await program.wait() == 0
    finally:
        os.close(ours)


async def _read_until(descriptor: int, is_enough: Callable[[str], bool]) -> str:
    """Return what a terminal was sent until it is enough."""
    text = ""
    while not is_enough(text):
        text += (await asyncio.to_thread(os.read, descriptor, 4096)).decode()
    return text


def test_a_port_that_is_taken_is_an_error_in_words() -> None:
    """It names the port, and says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"port {port}: .*; give another --port"):
            relay(port=port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_cannot_be_one_is_refused(port: int) -> None:
    """--port is 0 to 65535."""
    with pytest.raises(CommandError, match="--port expects 0 to 65535"):
        relay(port=port)
