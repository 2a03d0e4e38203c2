"""A log written under one Python, hash seed, locale and time zone is good under every other.

What belongs here: machines that differ, and logs that go between them.  What does not: which values
a log holds, which `travelling_log` says; digests of single values.  ``REFOLD_OTHER_PYTHONS`` may
name more interpreters that have refold installed, separated as in ``PATH``.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from pyrsistent import PDeque, PMap, PSet, PVector

from tests.replay.travelling_log import CHECKED, Values
from tests.strategies.typed_values import SCALARS

ROOT: Final = Path(__file__).parents[2]

OTHER_PYTHONS: Final = [
    one for one in os.environ.get("REFOLD_OTHER_PYTHONS", "").split(os.pathsep) if one
]

FOREIGN_TEXT: Final = "bavul-İğ🎈"
"""Part of a log's path that neither ASCII nor ISO 8859-9 can write."""

VARYING: Final = re.compile(rb'("log_id":"|"id":"|"cause":"|"at_ms":|"crc":")[0-9a-f]+')
"""What two recordings of the same run may differ in: ids, times, and the checksum over them."""


@attrs.frozen
class Machine:
    """What a process finds around it."""

    seed: str = "0"
    locale: str = "C.UTF-8"
    time_zone: str = "UTC"
    python: str = sys.executable

    def run(self, locales: Path, what: str, *logs: Path) -> str:
        """Do something to logs on this machine, and return what it prints."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LC_")},
            "LC_ALL": self.locale,
            "LOCPATH": str(locales),
            "TZ": self.time_zone,
            "PYTHONHASHSEED": self.seed,
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
        }
        done = subprocess.run(
            [self.python, "-m", "tests.replay.travelling_log", what, *map(os.fsencode, logs)],
            capture_output=True,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode()


HOME: Final = Machine()

SAME_PYTHON: Final = {
    "hash seed": Machine(seed="12345"),
    "ascii": Machine(seed="1", locale="C", time_zone="Asia/Kathmandu"),
    "turkish utf-8": Machine(seed="2", locale="tr_TR.UTF-8", time_zone="America/St_Johns"),
    "turkish iso-8859-9": Machine(seed="random", locale="tr_TR.ISO-8859-9", time_zone="XYZ-13:45"),
}

PYTHONS: Final = [
    pytest.param(
        Machine("random", "C", "Asia/Kathmandu", python),
        id=python,
        marks=pytest.mark.skipif(
            not OTHER_PYTHONS, reason="REFOLD_OTHER_PYTHONS names no other Python"
        ),
    )
    for python in OTHER_PYTHONS or ["none"]
]

MACHINES: Final = [*(pytest.param(one, id=name) for name, one in SAME_PYTHON.items()), *PYTHONS]

UNLIKE_HOME: Final = [pytest.param(SAME_PYTHON["turkish iso-8859-9"], id="turkish"), *PYTHONS]


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the Turkish locales, as far as this machine can make them."""
    folder = tmp_path_factory.mktemp("locales")
    localedef = shutil.which("localedef")
    for encoding in ("UTF-8", "ISO-8859-9"):
        if localedef is not None:
            target = folder / f"tr_TR.{encoding}"
            command = [localedef, "-f", encoding, "-i", "tr_TR", str(target)]
            subprocess.run(command, capture_output=True, check=False)
    return folder


@pytest.fixture
def machine(request: pytest.FixtureRequest, locales: Path) -> Machine:
    """Return the machine of a parameter, if its locale can be had here."""
    chosen: Machine = request.param
    if chosen.locale.startswith("tr_TR") and not (locales / chosen.locale).is_dir():
        pytest.skip(f"this machine cannot make the locale {chosen.locale}")
    return chosen


@pytest.fixture(scope="module")
def home_logs(tmp_path_factory: pytest.TempPathFactory, locales: Path) -> tuple[Path, Path]:
    """Return a log in a file and one in segments, recorded at home."""
    folder = tmp_path_factory.mktemp("home")
    logs = (folder / f"{FOREIGN_TEXT}.jsonl", folder / FOREIGN_TEXT)
    HOME.run(locales, "record", *logs)
    return logs


def on_each(machines: list[Any]) -> pytest.MarkDecorator:
    """Let a test run on each machine."""
    return pytest.mark.parametrize("machine", machines, indirect=True)


@on_each(MACHINES)
def test_a_log_verifies_on_another_machine(
    locales: Path, home_logs: tuple[Path, Path], machine: Machine
) -> None:
    """What was recorded at home has the same digests and states there."""
    assert machine.run(locales, "verify", *home_logs) == f"{CHECKED} 260\n" * 2


@on_each(MACHINES)
def test_a_log_of_another_machine_verifies_at_home(
    tmp_path: Path, locales: Path, home_logs: tuple[Path, Path], machine: Machine
) -> None:
    """What was recorded there has the same digests here; its bytes differ in ids and times only."""
    logs = (tmp_path / f"{FOREIGN_TEXT}.jsonl", tmp_path / FOREIGN_TEXT)
    machine.run(locales, "record", *logs)
    assert HOME.run(locales, "verify", *logs) == f"{CHECKED} 260\n" * 2
    assert masked(logs[0]) == masked(home_logs[0])


@on_each(UNLIKE_HOME)
def test_a_log_is_gone_on_with_on_another_machine(
    tmp_path: Path, locales: Path, home_logs: tuple[Path, Path], machine: Machine
) -> None:
    """A run that moves to another machine and back is one log, which verifies on both."""
    logs = (tmp_path / "moved.jsonl", tmp_path / "moved")
    shutil.copy(home_logs[0], logs[0])
    shutil.copytree(home_logs[1], logs[1])
    machine.run(locales, "resume", *logs)
    HOME.run(locales, "resume", *logs)
    assert HOME.run(locales, "verify", *logs) == f"{CHECKED} 780\n" * 2
    assert machine.run(locales, "verify", *logs) == f"{CHECKED} 780\n" * 2


def test_the_log_in_segments_has_some(home_logs: tuple[Path, Path]) -> None:
    """There are closed and compressed segments, so that they travel, too."""
    assert {path.suffix for path in home_logs[1].iterdir()} == {".gz", ".jsonl"}


def test_masking_leaves_what_was_recorded(home_logs: tuple[Path, Path]) -> None:
    """Only short parts of the lines are left out of the comparison."""
    whole, compared = home_logs[0].read_bytes(), masked(home_logs[0])
    assert len(compared) > 0.95 * len(whole)


def test_every_kind_of_value_travels() -> None:
    """The run has each type of field that a log can hold."""
    hints = typing.get_type_hints(Values, include_extras=True).values()
    kinds = {typing.get_origin(each) or each for each in hints} | set(hints)
    assert kinds >= {*SCALARS, tuple, frozenset, PVector, PDeque, PSet, PMap}


@functools.cache
def masked(log: Path) -> bytes:
    """Return the bytes of a log without its ids, times and checksums."""
    return VARYING.sub(rb"\1", log.read_bytes())
