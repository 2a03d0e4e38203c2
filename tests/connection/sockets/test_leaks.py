"""What is left after a connection has ended: rule 50."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.connection.sockets.faults import FATAL_FAULTS, RETRIED_FAULTS
from tests.connection.sockets.peers import chatters, peer
from tests.connection.sockets.running import FAST, HASTY, eventually, open_descriptors, running
from tests.connection.sockets.test_silence import never_reads

NEVER_ANSWERS = {"silent", "byte by byte"}

FAULTS = {**RETRIED_FAULTS, **FATAL_FAULTS, "chatty": chatters, "never reads": never_reads}


@pytest.mark.parametrize("name", FAULTS)
async def test_rule_50_nothing_is_left_after_any_fault(name: str) -> None:
    """A connection whose store was left has no task and no descriptor, whatever the peer did."""
    options = HASTY if name in NEVER_ANSWERS else FAST
    async with peer(FAULTS[name]) as server:
        async with running(server.url, options=options) as scene:  # what is made once is made now
            await scene.until(lambda state: state.status != "disconnected")
        await server.stop()
        await eventually(lambda: not server.wires, 5)
        tasks, descriptors = asyncio.all_tasks(), open_descriptors()
        async with running(server.url, options=options) as scene:
            for _ in range(50):
                scene.connection.send("x" * 60_000)
            await scene.until(lambda state: state.total_connects or state.error_count)
        await server.stop()
        await eventually(lambda: asyncio.all_tasks() <= tasks, 5)
        await eventually(lambda: open_descriptors() <= descriptors, 5)
    gc.collect()  # what was forgotten unclosed warns now, and warnings are errors


def test_rule_50_three_hundred_kills_leak_nothing() -> None:
    """300 connections that are broken leave no task, no descriptor and no warning in a process."""
    program = [sys.executable, "-X", "dev", "-W", "error", "-m"]
    done = subprocess.run(
        [*program, "tests.connection.sockets.leak_cycles"],
        capture_output=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": ""},
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout
