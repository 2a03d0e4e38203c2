"""Writers that are never closed, or killed: what dispatch returned for is in the log.

What belongs here: recordings in processes of their own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from refold.replay.replay import replay
from tests.strategies.observatory_reducer import make_observatory

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

WRITE_UNTIL_KILLED = """
import itertools, sys
from refold.middleware.record import record
from refold.store.store import Store
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory

store = Store(make_observatory(), middleware=[record(sys.argv[1])])
for number in itertools.count(1):
    store.dispatch(ReadingTaken("north", float(number), 1))
    print(number, flush=True)
"""

WRITE_AND_FORGET = """
import gc, sys
from refold.middleware.record import record
from refold.store.store import Store
from tests.strategies.observatory_actions import NobodyCares
from tests.strategies.observatory_reducer import make_observatory

def run(path):
    store = Store(make_observatory(), middleware=[record(path)])
    for _ in range(3):
        store.dispatch(NobodyCares())

run(sys.argv[1])
gc.collect()
kept = Store(make_observatory(), middleware=[record(sys.argv[2])])
kept.dispatch(NobodyCares())
"""


def test_a_killed_writer_loses_nothing_that_was_dispatched(tmp_path: Path) -> None:
    """After ``kill -9`` every action whose dispatch had returned is in the log, in order."""
    log = tmp_path / "run.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, str(log)],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(300)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines()
    acknowledged = [int(line) for line in lines if line.strip()]
    assert acknowledged[:300] == list(range(1, 301))
    timeline = replay(log, make_observatory())
    values = [one.payload["value"] for one in timeline.records]
    assert len(values) >= len(acknowledged)
    assert values == [float(number) for number in range(1, len(values) + 1)]
    assert timeline.at(timeline.head).totals.sum == sum(values)


def test_a_store_that_is_never_closed_leaves_no_warning(tmp_path: Path) -> None:
    """A forgotten store, and one that lives to the end, say nothing and leave whole logs."""
    logs = [tmp_path / "forgotten.jsonl", tmp_path / "kept.jsonl"]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", WRITE_AND_FORGET, *map(str, logs)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [replay(log, make_observatory()).head for log in logs] == [3, 1]
    for log in logs:
        replay(log, make_observatory()).verify()
