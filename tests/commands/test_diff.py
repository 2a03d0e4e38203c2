"""`refold diff`: where two states differ, of one log or at the ends of two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from refold.actions.action import Action, action
from refold.middleware.record import record
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.commands.help_example import run_help_example
from tests.commands.shop_application import SHOP, record_run

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

APP = ["--app", f"{SHOP}:root"]


@attrs.frozen
class Note:
    """A text and how often it changed."""

    text: str = ""
    changes: int = 0


@action("tests_of_diff/text_written")
class TextWritten(Action):
    """A text was written."""

    text: str


notes = Reducer(Note())


@notes.on(TextWritten)
def _(state: Note, action: TextWritten) -> Note:
    """Keep the text."""
    return Note(action.text, state.changes + 1)


plain = Reducer.of(lambda state, action: getattr(action, "text", state), "")
"""Its whole state is a text."""


def test_the_parts_that_differ_are_listed(run_command: RunCommand, shop_log: Path) -> None:
    """A title with the count, then each path with what stood there and what stands there."""
    outcome = run_command("diff", shop_log, 1, 3, *APP)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines == [
        f"reducer: --app {SHOP}:root",
        "the states after the records 1 and 3 differ in 2 parts",
        "  cart.counts['apple']: 1 -> 2",
        "  cart.counts['pear']: (absent) -> 1",
    ]


def test_the_order_of_the_two_counts(run_command: RunCommand, shop_log: Path) -> None:
    """The first record given is the old side, and without a second one the last is the new one."""
    back = run_command("diff", shop_log, 3, 2, *APP).lines
    assert back[1:] == [
        "the states after the records 3 and 2 differ in 1 part",
        "  cart.counts['apple']: 2 -> 1",
    ]
    assert "  cart.counts['apple']: 1 -> 2" in run_command("diff", shop_log, 2, *APP).lines
    same = run_command("diff", shop_log, 2, 2, *APP)
    assert (same.status, same.lines[-1]) == (0, "the states after the records 2 and 2 are equal")


async def test_values_that_do_not_fit_stand_below_each_other(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """On 80 columns both values get a line of their own and are cut; control characters are shown.

    With --json they are whole.
    """
    long = "\x1b[31m" + "x" * 100
    store = Store(notes, middleware=[record(tmp_path / "run.jsonl")])
    store.dispatch(TextWritten(long))
    await store.aclose()
    arguments = ["diff", tmp_path / "run.jsonl", 0, "--app", f"{__name__}:notes"]
    outcome = run_command(*arguments)
    assert outcome.lines[2:] == [
        "  text:",
        "    - ''",
        r"    + '\x1b[31m" + "x" * 64 + "…",
        "  changes: 0 -> 1",
    ]
    assert max(map(len, outcome.lines[1:])) == 80
    changes = json.loads(run_command(*arguments, "--json").out)["changes"]
    assert changes[0] == {"path": "text", "old": "''", "new": repr(long)}


async def test_a_whole_state_is_called_state(run_command: RunCommand, tmp_path: Path) -> None:
    """Where there are no parts, the path is the word state."""
    store = Store(plain, middleware=[record(tmp_path / "run.jsonl")])
    store.dispatch(TextWritten("a"))
    await store.aclose()
    outcome = run_command("diff", tmp_path / "run.jsonl", 0, 1, "--app", f"{__name__}:plain")
    assert outcome.lines[-1] == "  state: '' -> 'a'"


def test_json_is_one_object(run_command: RunCommand, shop_log: Path) -> None:
    """--json names the log, the two records, and each change."""
    value = json.loads(run_command("diff", shop_log, 0, 1, *APP, "--json").out)
    assert list(value) == ["log_id", "a", "b", "changes"]
    assert (value["a"], value["b"]) == (0, 1)
    assert value["changes"] == [{"path": "cart.counts['apple']", "old": "(absent)", "new": "1"}]


@pytest.mark.parametrize("records", [(0, 4), (4, 0), (-1, 2)])
def test_a_record_that_is_not_there_is_refused(
    run_command: RunCommand, shop_log: Path, records: tuple[int, int]
) -> None:
    """Status 2, and which records there are."""
    outcome = run_command("diff", shop_log, *records, *APP)
    assert (outcome.status, outcome.out) == (2, "")
    assert "its records are 1 to 3" in outcome.err


async def test_a_log_without_records_has_only_its_start(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Its start can be compared with itself; another record is refused."""
    await record_run(tmp_path / "run.jsonl", [])
    assert run_command("diff", tmp_path / "run.jsonl", 0, *APP).status == 0
    outcome = run_command("diff", tmp_path / "run.jsonl", 1, *APP)
    assert outcome.status == 2
    assert "it has no records" in outcome.err


@pytest.mark.parametrize("log", ["torn_log", "damaged_log"])
def test_damage_behind_both_records_is_not_in_the_way(
    run_command: RunCommand, request: pytest.FixtureRequest, log: str
) -> None:
    """Status 0 before the damage; 1 and its place if it is reached; the end is the last whole."""
    path = request.getfixturevalue(log)
    assert run_command("diff", path, 0, 1, *APP).status == 0
    behind = run_command("diff", path, 1, 3, *APP)
    assert (behind.status, behind.out) == (1, "")
    assert "the lines before it are whole" in behind.err
    to_the_end = run_command("diff", path, 0, *APP)
    assert to_the_end.status == 1
    assert f"records 0 and {2 if log == 'torn_log' else 1} differ" in to_the_end.lines[1]
    assert "the lines before it are whole" in to_the_end.err


async def test_two_logs_are_compared_at_their_ends(
    run_command: RunCommand, shop_log: Path, tmp_path: Path
) -> None:
    """The first record that is another action is shown, then the states' difference: status 1."""
    await record_run(tmp_path / "other.jsonl", ["apple", "plum", "apple"])
    outcome = run_command("diff", shop_log, tmp_path / "other.jsonl", *APP)
    assert (outcome.status, outcome.err) == (1, "")
    assert outcome.lines[1:] == [
        "the first other action is record 2",
        '  - tests_of_commands/put_article_into_cart article="pear" count=1',
        '  + tests_of_commands/put_article_into_cart article="plum" count=1',
        "the states at the ends, after the records 3 and 3, differ in 2 parts",
        "  cart.counts['pear']: 1 -> (absent)",
        "  cart.counts['plum']: (absent) -> 1",
    ]
    value = json.loads(run_command("diff", shop_log, tmp_path / "other.jsonl", *APP, "--json").out)
    assert list(value) == ["log_ids", "heads", "same_start", "first_difference", "changes"]
    assert (value["heads"], value["same_start"], len(value["changes"])) == ([3, 3], True, 2)
    assert [one["payload"]["article"] for one in value["first_difference"]] == ["pear", "plum"]


async def test_a_shorter_log_ends_where_the_other_goes_on(
    run_command: RunCommand, shop_log: Path, tmp_path: Path
) -> None:
    """A log that is the beginning of another differs from it, and says so."""
    await record_run(tmp_path / "short.jsonl", ["apple", "pear"])
    outcome = run_command("diff", tmp_path / "short.jsonl", shop_log, *APP)
    assert outcome.status == 1
    assert outcome.lines[1:3] == [
        "the first other action is record 3",
        "  - the log ends before it",
    ]
    value = json.loads(run_command("diff", tmp_path / "short.jsonl", shop_log, *APP, "--json").out)
    assert value["first_difference"][0] is None


async def test_runs_of_the_same_actions_are_alike(
    run_command: RunCommand, shop_log: Path, tmp_path: Path
) -> None:
    """Two logs, recorded apart, with the same actions: status 0 and no difference."""
    await record_run(tmp_path / "again.jsonl", ["apple", "pear", "apple"])
    outcome = run_command("diff", shop_log, tmp_path / "again.jsonl", *APP)
    assert outcome.status == 0
    assert outcome.lines[1:] == [
        "all 3 actions are the same",
        "the states at the ends, after the records 3 and 3, are equal",
    ]
    value = json.loads(run_command("diff", shop_log, tmp_path / "again.jsonl", *APP, "--json").out)
    assert (value["first_difference"], value["changes"]) == (None, [])


async def test_logs_with_other_starts_are_not_alike(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Although one action makes the states equal, the logs began apart: status 1."""
    for name, start in {"one": Note("a", 0), "two": Note("b", 0)}.items():
        store = Store(notes, state=start, middleware=[record(tmp_path / f"{name}.jsonl")])
        store.dispatch(TextWritten("same"))
        await store.aclose()
    logs = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    outcome = run_command("diff", *logs, "--app", f"{__name__}:notes")
    assert outcome.status == 1
    assert outcome.lines[1:3] == [
        "the logs start from different states",
        "the only action is the same",
    ]


async def test_two_logs_are_compared_as_far_as_they_are_whole(
    run_command: RunCommand, torn_log: Path, tmp_path: Path
) -> None:
    """What is whole is the same, yet a torn log is not well: status 1, and the tear."""
    await record_run(tmp_path / "short.jsonl", ["apple", "pear"])
    outcome = run_command("diff", tmp_path / "short.jsonl", torn_log, *APP)
    assert (outcome.status, outcome.lines[1]) == (1, "all 2 actions are the same")
    assert "torn after 12 bytes" in outcome.err


def test_what_cannot_be_compared_is_refused(run_command: RunCommand, shop_log: Path) -> None:
    """A log and a record behind a second log, no such log, no such reducer: status 2 and why."""
    for arguments, words in {
        (shop_log, shop_log, 3, *APP): "leave 3 out",
        (shop_log, "pear", *APP): "there is no pear",
        ("none.jsonl", 1, 2, *APP): "there is no none.jsonl",
        (shop_log, 1, 2): "no reducer is named",
        (shop_log, 1, 2, "--app", f"{SHOP}:NUMBER"): "is 3, expected a Reducer",
    }.items():
        outcome = run_command("diff", *arguments)
        assert (outcome.status, outcome.out) == (2, "")
        assert words in outcome.err


def test_a_reducer_that_raises_is_named(run_command: RunCommand, shop_log: Path) -> None:
    """Status 1, and the record at which it raised; before it nothing is in the way."""
    arguments = ["--app", f"{SHOP}:raising_root"]
    assert run_command("diff", shop_log, 0, 0, *arguments).status == 0
    outcome = run_command("diff", shop_log, 0, 2, *arguments)
    assert (outcome.status, outcome.out) == (1, "")
    assert "raised while replaying seq 1" in outcome.err


async def test_the_example_of_the_help_runs(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the help shows can be copied."""
    outcome = await run_help_example(run_command, "diff", monkeypatch)
    assert outcome.status == 0
    assert outcome.lines[1] == "the states after the records 3 and 12 differ in 3 parts"


async def test_a_trimmed_log_is_compared_with_the_whole_one(
    run_command: RunCommand, shop_log: Path, tmp_path: Path
) -> None:
    """The records that both have are compared, by their numbers; 1 is no record of the trimmed."""
    short = tmp_path / "short.jsonl"
    assert run_command("compact", shop_log, *APP, "--before", 3, "--output", short).status == 0
    for logs in ([shop_log, short], [short, shop_log]):
        outcome = run_command("diff", *logs, *APP)
        assert outcome.status == 0
        assert outcome.lines[1] == "the only action is the same"
    assert run_command("diff", short, 2, 3, *APP).lines[2:] == ["  cart.counts['apple']: 1 -> 2"]
    outcome = run_command("diff", short, 1, 3, *APP)
    assert outcome.status == 2
    assert "its records are 3 to 3" in outcome.err
