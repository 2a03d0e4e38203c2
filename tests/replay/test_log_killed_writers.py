"""Writers killed at random moments: nothing that was acknowledged is lost, and the log goes on.

What belongs here: ``kill -9`` of a process that records with ``sync="always"``, again and again on
one log.  20 times by default, 200 times with the Hypothesis profile ``full``.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings

from refold.errors import LogLockedError
from refold.replay.replay import replay
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import (
    ENVIRONMENT,
    close_store,
    recorded_values,
    resume_store,
)

GO_ON_UNTIL_KILLED = """
import itertools, sys
from pathlib import Path
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.recorded_runs import recorded_values, resume_store

path = Path(sys.argv[1])
first = len(recorded_values(path)) + 1 if path.exists() else 1
store, _ = resume_store(path, sync="always", segment_bytes=3000, compress=True)
for number in itertools.count(first):
    store.dispatch(ReadingTaken("north", float(number), 1))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def run_and_kill(log: Path, chance: random.Random) -> list[int]:
    """Let a writer go on with the log, kill it, and return what it acknowledged."""
    with subprocess.Popen(
        [sys.executable, "-c", GO_ON_UNTIL_KILLED, str(log)],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(chance.randrange(1, 60))]
        until = time.perf_counter() + chance.random() / 500
        while time.perf_counter() < until:  # anywhere in what a dispatch does
            pass
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines(keepends=True)
    return [int(line) for line in lines if line.endswith("\n")]


@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """After each kill the log has every acknowledged action, in order, and goes on behind it."""
    log = tmp_path / "log"
    seed = random.randrange(1 << 32)  # noqa: S311  # told when it fails
    chance = random.Random(seed)  # noqa: S311
    for _ in range(200 if settings().max_examples >= 1000 else 20):
        acknowledged = run_and_kill(log, chance)
        values = recorded_values(log)
        assert acknowledged, f"seed {seed}"
        assert len(values) >= acknowledged[-1], f"seed {seed}"
        assert values == [float(number) for number in range(1, len(values) + 1)], f"seed {seed}"
    store, _ = resume_store(log)
    close_store(store)
    timeline = replay(log, make_observatory())
    timeline.verify()
    assert len({one.id for one in timeline.records}) == timeline.head
    assert len({replay(log, make_observatory()).header.log_id}) == 1


def test_a_killed_writer_frees_the_lock(tmp_path: Path) -> None:
    """While a writer lives, another is refused and told its process; once killed, it is not."""
    log = tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, "-c", GO_ON_UNTIL_KILLED, str(log)],
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"1\n"
        with pytest.raises(LogLockedError, match=f"process {writer.pid} on ") as caught:
            resume_store(log)
        assert caught.value.pid == writer.pid
        assert caught.value.host
        writer.send_signal(signal.SIGKILL)
        writer.stdout.read()
    assert (tmp_path / "log.lock").exists()
    store, _ = resume_store(log)
    close_store(store)
    assert not (tmp_path / "log.lock").exists()
