"""The debugger as `examples/README.md` shows it: its screen, and its command in a terminal.

What belongs here: that page's section, and a terminal of its own.  What does not: the recorded
session, see `test_connectome_realtime`.
"""

from __future__ import annotations

import asyncio
import os
import pty
import sys
import termios
from pathlib import Path

import pytest

from tests.examples.programs import program
from tests.examples.stepper_scene import (
    NOWHERE,
    HandClock,
    new_session,
    skip_without_textual,
    stepper,
)
from tests.examples.test_examples_readme import blocks
from tests.house.checkout import CHECKOUT

CLIENT = "connectome_stepper/client.py"


async def test_the_screen_is_drawn_as_shown(tmp_path: Path) -> None:
    """The page's screen is what nine presses of Next lead to, 0.4 s apart."""
    clock = HandClock()
    async with stepper(new_session(clock=clock), tmp_path) as scene:
        for _ in range(9):
            clock.seconds += 0.4
            await scene.press("n")
        assert await scene.screen() == blocks("text")[3]


async def read_until(master: int, words: bytes) -> bytes:
    """Return what a program wrote to its terminal, up to where these words are in it."""
    loop = asyncio.get_running_loop()
    written = bytearray()
    found = loop.create_future()

    def read() -> None:
        written.extend(os.read(master, 65_536))
        if words in written and not found.done():
            found.set_result(None)

    loop.add_reader(master, read)
    try:
        await found
    finally:
        loop.remove_reader(master)
    return bytes(written)


@pytest.mark.parametrize("last_key", [b"q", b"\x03"])
async def test_the_shown_command_runs_in_a_terminal(tmp_path: Path, last_key: bytes) -> None:
    """Started by its path it draws, takes keys, records, and ends with q as with Ctrl-C."""
    skip_without_textual()
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    log = tmp_path / "session.jsonl"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", str(CHECKOUT / "examples" / CLIENT)),
        *("--url", NOWHERE, "--record", str(log), "--exports", str(tmp_path)),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    try:
        await read_until(master, b"quit")
        os.write(master, b"nn")
        assert b"Traceback" not in await read_until(master, b"POST")
        os.write(master, last_key)
        ending = asyncio.ensure_future(
            read_until(master, b"\x1b[?1049l")
        )  # the screen is given back
        assert await process.wait() == 0
        await ending
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(slave)
        os.close(master)
    assert log.read_text(encoding="utf-8").count("commit_step_release") == 2


@pytest.mark.parametrize("arguments", [(), ("--record", __file__ + "/run.jsonl")])
async def test_without_a_terminal_it_says_so_in_one_line(arguments: tuple[str, ...]) -> None:
    """A pipe gets no escape codes, but what to do."""
    skip_without_textual()
    async with program(CLIENT, "--url", NOWHERE, *arguments) as tried:
        status, out, errors = await tried.finish()
    assert (status, out) == (2, "")
    assert errors.splitlines()[-1].endswith("this is a program for a terminal; run it in one")
