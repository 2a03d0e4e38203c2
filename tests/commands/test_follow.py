"""`refold follow`: the records of a log that a program of its own writes.

What belongs here: the command, in a process of its own, until it is interrupted.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.replay.log_segments import segment_name
from refold.store.store import Store
from tests.commands.shop_application import SHOP, PutArticleIntoCart
from tests.commands.shop_application import root as shop_root
from tests.strategies.recorded_runs import ENVIRONMENT, close_store

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

WRITE = """
import sys
from pathlib import Path
from refold.middleware.record import record
from refold.store.store import Store
from tests.commands.shop_application import PutArticleIntoCart, root
from tests.strategies.recorded_runs import close_store

recorder = record(Path(sys.argv[1]), segment_bytes=4000, compress=True)
store = Store(root, middleware=[recorder])
for number in range(1, 301):
    store.dispatch(PutArticleIntoCart(f"article {number}"))
close_store(store)
"""


@attrs.frozen
class Follower:
    """A running ``refold follow``."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """Wait for its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def lines(self, count: int) -> list[str]:
        """Wait for so many lines."""
        return [self.line() for _ in range(count)]

    def interrupt(self) -> tuple[int, str]:
        """Send what Ctrl-C sends; return its status and what it said on stderr."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate()
        return self.process.returncode, err


@contextmanager
def following(log: Path, *arguments: str) -> Generator[Follower]:
    """Run the command beside the test; whatever happens, it ends with the block."""
    command = "import sys; from refold.commands.main import main; sys.argv[0] = 'refold'; main()"
    with subprocess.Popen(
        [sys.executable, "-c", command, "follow", str(log), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "COLUMNS": "80"},
    ) as process:
        try:
            yield Follower(process)
        finally:
            process.kill()


def make_store(path: Path) -> Store[Any]:
    """Return a store that records with one second between two actions."""
    clock = iter(range(1_800_000_000, 1_900_000_000))
    return Store(shop_root, middleware=[timestamps(lambda: next(clock)), record(path)])


def test_records_are_shown_as_they_come(tmp_path: Path) -> None:
    """The last ten stand below the columns of ``refold show``; each later one comes by itself."""
    path = tmp_path / "run.jsonl"
    store = make_store(path)
    for number in range(12):
        store.dispatch(PutArticleIntoCart("a", number))
    with following(path) as follower:
        assert follower.line().endswith(f" in {path}, until Ctrl-C")
        assert follower.line() == "   seq    seconds origin         cause action"
        for seq in range(3, 13):
            name = "tests_of_commands/put_article_into_cart"
            start = f"{seq:>6} {f'+{seq - 1}.000':>10} app                  {name}"
            assert follower.line().startswith(start)
        for seq in range(13, 20):
            store.dispatch(PutArticleIntoCart("b"))
            assert follower.line().split()[0] == str(seq)
        assert follower.interrupt() == (130, "refold: interrupted\n")
    close_store(store)


@pytest.mark.parametrize("name", ["run.jsonl", "log"])
def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path, name: str) -> None:
    """With --wait, nothing that is recorded later is missed, from the first record on."""
    path = tmp_path / name
    with following(path, "--wait", "--json", "--from", "1") as follower:
        store = make_store(path)
        for seq in range(1, 30):
            store.dispatch(PutArticleIntoCart("a"))
            assert json.loads(follower.line())["seq"] == seq
        close_store(store)
        assert follower.interrupt()[0] == 130


def test_another_process_is_followed_through_its_files(tmp_path: Path) -> None:
    """Files that are closed and compressed meanwhile are no gap."""
    path = tmp_path / "log"
    with following(path, "--wait", "--json", "--from", "1") as follower:
        written = subprocess.run(
            [sys.executable, "-c", WRITE, str(path)], env=ENVIRONMENT, check=False
        )
        assert written.returncode == 0
        seqs = [json.loads(line)["seq"] for line in follower.lines(300)]
    assert seqs == list(range(1, 301))
    assert len(list(path.glob("*.gz"))) > 5


def test_a_file_that_has_just_been_begun_is_waited_for(tmp_path: Path) -> None:
    """A writer makes the next file before its first line: meanwhile the records before stand."""
    path = tmp_path / "log"
    store = make_store(path)
    for _ in range(3):
        store.dispatch(PutArticleIntoCart("a"))
    state = store.state
    close_store(store)
    (path / segment_name(4)).touch()
    with following(path, "--json", "--from", "3") as follower:
        assert json.loads(follower.line())["seq"] == 3
        going_on = Store(shop_root, state=state, middleware=[record(path, resume=True)])
        going_on.dispatch(PutArticleIntoCart("a"))
        assert json.loads(follower.line())["seq"] == 4
        close_store(going_on)


def test_with_the_reducer_each_record_shows_what_it_changed(tmp_path: Path) -> None:
    """--app folds all that was before, and tells the changes of what is shown."""
    path = tmp_path / "run.jsonl"
    store = make_store(path)
    for number in range(5):
        store.dispatch(PutArticleIntoCart("a", number))
    with following(path, "--from", "5", "--app", f"{SHOP}:root") as follower:
        lines = follower.lines(4)
        assert lines[2].split()[0] == "5"
        assert lines[3] == "      cart.counts['a']: 6 -> 10"
    with following(path, "--json", "--from", "7", "--app", f"{SHOP}:root") as follower:
        for number in (5, 6):
            store.dispatch(PutArticleIntoCart("a", number))
        shown = json.loads(follower.line())
    close_store(store)
    assert (shown["seq"], shown["state_changes"]) == (
        7,
        [{"path": "cart.counts['a']", "old": "15", "new": "21"}],
    )


def test_many_changes_are_counted_not_listed(tmp_path: Path) -> None:
    """Below a record stand six changes at most, and how many more there are."""
    path = tmp_path / "run.jsonl"
    store = make_store(path)
    store.dispatch(PutArticleIntoCart("a"))
    with following(path, "--app", f"{SHOP}:wide_root") as follower:
        assert follower.lines(10)[-1].strip() == "... and 3 more"
    close_store(store)


def test_a_log_without_times_has_no_column_for_them(tmp_path: Path) -> None:
    """As in ``refold show``."""
    path = tmp_path / "run.jsonl"
    store: Store[Any] = Store(shop_root, middleware=[record(path)])
    store.dispatch(PutArticleIntoCart("a"))
    with following(path) as follower:
        assert follower.lines(2)[1] == "   seq origin         cause action"
    close_store(store)


def test_damage_ends_the_following(run_command: RunCommand, damaged_log: Path) -> None:
    """What is whole is shown, the damage is told, and the status is 1."""
    outcome = run_command("follow", damaged_log, "--json")
    assert outcome.status == 1
    assert [json.loads(line)["seq"] for line in outcome.lines] == [1]
    assert "line 3 (seq 2)" in outcome.err


def test_a_reducer_that_raises_ends_the_following(run_command: RunCommand, shop_log: Path) -> None:
    """The record and the error are named, without a traceback."""
    outcome = run_command("follow", shop_log, "--app", f"{SHOP}:raising_root")
    assert outcome.status == 1
    assert "out of stock" in outcome.err
    assert "seq 1" in outcome.err


def test_what_cannot_be_followed_is_refused(run_command: RunCommand, tmp_path: Path) -> None:
    """Without --wait a log must be there; a first record below 1 is none."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign.jsonl").write_text("{}\n")
    for name, words in (
        ("none.jsonl", "there is no"),
        ("empty", "holds no log"),
        ("foreign.jsonl", "no header"),
    ):
        outcome = run_command("follow", tmp_path / name)
        assert (outcome.status, outcome.out) == (2, "")
        assert words in outcome.err
    outcome = run_command("follow", tmp_path / "foreign.jsonl", "--from", "0")
    assert outcome.status == 2
    assert "1 or more, got 0" in outcome.err
