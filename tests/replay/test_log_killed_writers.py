"""Writers killed at random moments: nothing that was acknowledged is lost, and the log goes on.

What belongs here: ``kill -9`` of a process that records with ``sync="always"``, again and again on
one log, which a new one follows so that reading it stays cheap.  20 times by default, 200 times
with the Hypothesis profile ``full``.

One process imports everything once and then forks each writer, because what is tried is the
writing and not the start of Python.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import attrs
import pytest
from hypothesis import settings

from refold.errors import LogLockedError
from refold.replay.canonical_digest import state_digest
from refold.replay.log_keyframes import latest_keyframe
from refold.replay.replay import replay
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import (
    ENVIRONMENT,
    close_store,
    recorded_values,
    resume_store,
)

if TYPE_CHECKING:
    from collections.abc import Generator

KILLS_PER_LOG = 20
"""Kills after which a new log is begun."""

FORK_WRITERS_THAT_GO_ON = """
import itertools, os, sys, traceback
from pathlib import Path
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.recorded_runs import recorded_values, resume_store

def tell(text):
    os.write(1, f"{text}\\n".encode())

def go_on_until_killed(path):
    first = len(recorded_values(path)) + 1 if path.exists() else 1
    store, _ = resume_store(
        path, sync="always", segment_bytes=3000, compress=True, keyframe_every=20
    )
    for number in itertools.count(first):
        store.dispatch(ReadingTaken("north", float(number), 1))
        tell(number)

for line in sys.stdin:
    writer = os.fork()
    if writer == 0:
        tell(f"writer {os.getpid()}")
        try:
            go_on_until_killed(Path(line.strip()))
        finally:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(writer, 0)
    tell(f"killed {os.WTERMSIG(status)}")
"""


@attrs.frozen
class Writers:
    """A process that forks writers, one at a time."""

    commands: IO[str]
    """Takes the path of a log, one a line."""

    told: IO[str]
    """What the process and its writers say."""

    def begin(self, log: Path) -> int:
        """Let a writer go on with a log; return its process id."""
        self.commands.write(f"{log}\n")
        self.commands.flush()
        word, process_id = self.told.readline().split()
        assert word == "writer"
        return int(process_id)

    def next_acknowledged(self) -> int:
        """Wait until the writer says that an action is on disk; return its number."""
        return int(self.told.readline())

    def rest_acknowledged(self) -> list[int]:
        """Wait until the writer is dead; return what it acknowledged before."""
        lines = list(iter(self.told.readline, f"killed {signal.SIGKILL.value}\n"))
        return [int(line) for line in lines]


@contextmanager
def forked_writers() -> Generator[Writers]:
    """Run the process that forks."""
    with subprocess.Popen(
        [sys.executable, "-c", FORK_WRITERS_THAT_GO_ON],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Writers(process.stdin, process.stdout)
        process.stdin.close()
    assert process.returncode == 0


def run_and_kill(writers: Writers, log: Path, chance: random.Random) -> list[int]:
    """Let a writer go on with the log, kill it, and return what it acknowledged."""
    process_id = writers.begin(log)
    acknowledged = [writers.next_acknowledged() for _ in range(chance.randrange(1, 60))]
    until = time.perf_counter() + chance.random() / 500
    while time.perf_counter() < until:  # anywhere in what a dispatch does
        pass
    os.kill(process_id, signal.SIGKILL)
    return acknowledged + writers.rest_acknowledged()


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """After each kill the log has every acknowledged action, in order, and goes on behind it."""
    seed = random.randrange(1 << 32)  # noqa: S311  # told when it fails
    chance = random.Random(seed)  # noqa: S311
    kills = 200 if settings().max_examples >= 1000 else 20
    with forked_writers() as writers:
        for kill in range(kills):
            log = tmp_path / f"log{kill // KILLS_PER_LOG}"
            acknowledged = run_and_kill(writers, log, chance)
            values = recorded_values(log)
            assert len(values) >= acknowledged[-1], f"seed {seed}"
            assert values == [float(number) for number in range(1, len(values) + 1)], f"seed {seed}"
    for log in tmp_path.glob("log?*"):
        if log.is_dir():
            check_that_it_goes_on(log)


def check_that_it_goes_on(log: Path) -> None:
    """Go on with a log; check that it is one run, and each of its keyframes a state of it."""
    store, _ = resume_store(log)
    close_store(store)
    timeline = replay(log, make_observatory())
    timeline.verify()
    assert len({one.id for one in timeline.records}) == timeline.head
    keyframes = [latest_keyframe(log, seq) for seq in range(timeline.head + 1)]
    for keyframe in keyframes:
        assert keyframe is None or keyframe.digest == state_digest(timeline.at(keyframe.seq))


def test_a_killed_writer_frees_the_lock(tmp_path: Path) -> None:
    """While a writer lives, another is refused and told its process; once killed, it is not."""
    log = tmp_path / "log"
    with forked_writers() as writers:
        process_id = writers.begin(log)
        assert writers.next_acknowledged() == 1
        with pytest.raises(LogLockedError, match=f"process {process_id} on ") as caught:
            resume_store(log)
        assert caught.value.pid == process_id
        assert caught.value.host
        os.kill(process_id, signal.SIGKILL)
        writers.rest_acknowledged()
    assert (tmp_path / "log.lock").exists()
    store, _ = resume_store(log)
    close_store(store)
    assert not (tmp_path / "log.lock").exists()
