"""Digests and logs are the same in every process: whatever its hash seed and Python version.

What belongs here: processes of their own.  ``REFOLD_OTHER_PYTHONS`` may name more interpreters that
have refold installed, separated as in ``PATH``.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

OTHER_PYTHONS = [one for one in os.environ.get("REFOLD_OTHER_PYTHONS", "").split(os.pathsep) if one]

PRINT_DIGESTS = """
import datetime, json, sys
from decimal import Decimal
from uuid import UUID
from pyrsistent import pmap, pset, pvector
from refold.middleware.record import record
from refold.replay.canonical_digest import canonical_digest, state_digest
from refold.store.store import Store
from tests.strategies.log_lines import json_lines
from tests.strategies.observatory_actions import *
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_states import *
from tests.strategies.typed_values import Box, Colour, Flags, Mixed, Pair, Rank, Tree, Word
from pathlib import Path

words = [f"word {number}" for number in range(100)]
zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
values = [
    float("inf"), -float("inf"), float("nan"), -0.0, 0.1, 5e-324, 10**80, -(2**64), True, None,
    "\\ud800", "caf\\u00e9", b"\\x00\\xff", frozenset(words), pset(words),
    pmap({word: word[::-1] for word in words}), frozenset({1, "1", b"1", 1.5, None}),
    pmap({(1, frozenset(words)): pvector([frozenset(words[:5])])}),
    datetime.datetime(2020, 2, 29, 1, 2, 3, 4, tzinfo=zone), datetime.datetime(1, 1, 1),
    datetime.date(9999, 12, 31), datetime.time(1, 2, 3, 4), datetime.time(0, tzinfo=zone),
    datetime.timedelta(days=-1, microseconds=1), Decimal("1E+30"), Decimal("-Infinity"),
    Decimal("NaN"), UUID(int=7), Colour.RED, Colour.NONE, Word.YES, Rank.HIGH, Mixed.TEXT,
    Flags.A, Flags.A | Flags.B, Pair(-0.0, None), Tree(1.0, pvector([Tree(), Tree(2.0)])),
    Box(frozenset(words), "label"), frozenset({Colour.RED, Word.YES, Rank.HIGH, UUID(int=1)}),
]
log = Path(sys.argv[1])
store = Store(make_observatory(), middleware=[record(log)])
for number in range(300):
    store.dispatch(InstrumentAdded(words[number % 90], UUID(int=number), b"", frozenset(words)))
    store.dispatch(ReadingTaken(words[number % 90], number / 7, number + 1))
    store.dispatch(SessionMarked(Phase.SETUP, pmap({word: number for word in words})))
lines = json_lines(log)
print(json.dumps({
    "values": [canonical_digest(value) for value in values],
    "state": state_digest(store.state),
    "start": lines[0]["start_digest"],
    "payloads": [line["payload"] for line in lines[1:]],
    "digests": [line["digest"] for line in lines[1:]],
}))
"""


def run(python: str, log: Path, seed: str) -> dict[str, Any]:
    """Return what an interpreter prints of digests under a hash seed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [python, "-c", PRINT_DIGESTS, str(log)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


@functools.cache
def expected(folder: Path) -> dict[str, Any]:
    """Return what this interpreter prints under the seed 0."""
    return run(sys.executable, folder / "seed-0.jsonl", "0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for logs."""
    return tmp_path_factory.mktemp("logs")


@pytest.mark.parametrize("seed", ["1", "12345", "random"])
def test_digests_do_not_depend_on_the_hash_seed(folder: Path, seed: str) -> None:
    """Values, states and whole recorded runs have the same digests under every hash seed."""
    assert run(sys.executable, folder / f"seed-{seed}.jsonl", seed) == expected(folder)


@pytest.mark.skipif(not OTHER_PYTHONS, reason="REFOLD_OTHER_PYTHONS names no other Python")
@pytest.mark.parametrize("python", OTHER_PYTHONS or ["none"])
def test_digests_do_not_depend_on_the_python_version(folder: Path, python: str) -> None:
    """Another interpreter gives the same digests and writes the same payloads."""
    log = folder / f"other-{OTHER_PYTHONS.index(python)}.jsonl"
    assert run(python, log, "random") == expected(folder)
