"""`refold blame`: the record that last changed a part of the state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refold.middleware.record import record
from refold.store.store import Store
from tests.commands.answering_shop import record_answers
from tests.commands.help_example import run_help_example
from tests.commands.shop_application import SHOP, record_run
from tests.commands.test_diff import plain

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

APP = ["--app", f"{SHOP}:root"]
APPLES = "cart.counts['apple']"


async def test_the_record_its_change_and_its_causes_are_shown(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """The record, the value before and after it, and what led to it, on 80 columns."""
    await record_answers(tmp_path / "run.jsonl")
    outcome = run_command("blame", tmp_path / "run.jsonl", "cart.counts['pear']", *APP)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines == [
        f"reducer: --app {SHOP}:root",
        "record 3 was the last to change cart.counts['pear']",
        "  cart.counts['pear']: (absent) -> 1",
        "record 3, below the one that led to it",
        "seq  seconds origin action",
        '  2   +1.000 app    tests_of_commands/put_article_into_cart article="apple" cou…',
        '  3   +2.000 app    └─ tests_of_commands/put_article_into_cart article="pear" c…',
    ]


def test_a_larger_part_tells_what_of_it_changed(run_command: RunCommand, shop_log: Path) -> None:
    """Of a part with parts, those are listed that the record changed; state is all of it."""
    for path in ("cart", "cart.counts", "state"):
        outcome = run_command("blame", shop_log, path, *APP)
        assert outcome.lines[1:3] == [
            f"record 3 was the last to change {path}",
            f"  {APPLES}: 1 -> 2",
        ]


async def test_each_path_that_diff_prints_is_understood(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Quotes, dots and brackets in a key lead to the part they stand for."""
    articles = ["a'b", 'a"b', "a.b", "a]b['c", "\n", "é"]
    log = tmp_path / "run.jsonl"
    await record_run(log, articles)
    changes = json.loads(run_command("diff", log, 0, *APP, "--json").out)["changes"]
    assert len(changes) == len(articles)
    for change in changes:
        value = json.loads(run_command("blame", log, change["path"], *APP, "--json").out)
        assert value["changes"] == [change]


def test_at_asks_as_of_an_earlier_record(run_command: RunCommand, shop_log: Path) -> None:
    """--at ignores what happened later; the blamed record may be that one itself."""
    for at, seq in {1: 1, 2: 1, 3: 3}.items():
        value = json.loads(run_command("blame", shop_log, APPLES, *APP, "--at", at, "--json").out)
        assert (value["at"], value["changed_by"]) == (at, seq)


def test_a_part_that_never_changed_is_no_error(run_command: RunCommand, shop_log: Path) -> None:
    """Status 0; it is told what stands there since the start."""
    arguments = ["blame", shop_log, "cart.counts", *APP, "--at", 0]
    outcome = run_command(*arguments)
    assert outcome.status == 0
    assert outcome.lines[1:] == [
        "no record up to 0 changed cart.counts; since the start it is pmap({})"
    ]
    value = json.loads(run_command(*arguments, "--json").out)
    assert (value["changed_by"], value["records"], value["value"]) == (None, [], "pmap({})")


def test_json_is_one_object(run_command: RunCommand, shop_log: Path) -> None:
    """--json has the change, the value as of the end, and the whole records that led to it."""
    value = json.loads(run_command("blame", shop_log, APPLES, *APP, "--json").out)
    assert value.pop("log_id")
    assert [record["seq"] for record in value.pop("records")] == [3]
    assert value == {
        "path": APPLES,
        "at": 3,
        "changed_by": 3,
        "changes": [{"path": APPLES, "old": "1", "new": "2"}],
        "value": "2",
        "problem": None,
    }


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("cart.count", "no field 'count' in CartState"),
        ("cart.counts['aple']", "no state up to record 3 has cart.counts['aple']"),
        ("carts", "no field 'carts' in ShopState"),
        ("cart..counts", "is no path from its character 5 on"),
        ("zzz", "no field 'zzz'"),
    ],
)
def test_a_path_that_no_state_has_is_refused(
    run_command: RunCommand, shop_log: Path, path: str, words: str
) -> None:
    """Status 2, what is wrong with it, and the nearest paths that there are."""
    outcome = run_command("blame", shop_log, path, *APP)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    nearest = outcome.err.strip().rpartition("the nearest there are: ")[2].split(", ")
    expected = {"cart.counts['aple']": APPLES, "carts": "cart", "zzz": "cart"}
    assert nearest[0] == expected.get(path, "cart.counts")


async def test_a_state_without_parts_has_nothing_near(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Where the whole state is a text, a path into it is refused, and state is asked for."""
    log = tmp_path / "plain.jsonl"
    await Store(plain, middleware=[record(log)]).aclose()
    app = ["--app", "tests.commands.test_diff:plain"]
    outcome = run_command("blame", log, "text", *app)
    assert (outcome.status, outcome.out) == (2, "")
    assert "nearest" not in outcome.err
    assert "since the start it is ''" in run_command("blame", log, "state", *app).out


def test_what_cannot_be_asked_is_refused(run_command: RunCommand, shop_log: Path) -> None:
    """No such record, log or reducer: status 2 and why."""
    for arguments, words in {
        (shop_log, APPLES, *APP, "--at", 4): "its records are 1 to 3",
        (shop_log, APPLES, *APP, "--at", -1): "its records are 1 to 3",
        ("none.jsonl", APPLES, *APP): "there is no none.jsonl",
        (shop_log, APPLES): "no reducer is named",
        (shop_log, APPLES, "--app", "nowhere:root"): "there is no module nowhere",
    }.items():
        outcome = run_command("blame", *arguments)
        assert (outcome.status, outcome.out) == (2, "")
        assert words in outcome.err


@pytest.mark.parametrize(("log", "last"), [("torn_log", 2), ("damaged_log", 1)])
def test_what_is_whole_of_a_log_is_asked(
    run_command: RunCommand, request: pytest.FixtureRequest, log: str, last: int
) -> None:
    """The answer is as of the last whole record, with status 1 and the damage; --at hides it."""
    path = request.getfixturevalue(log)
    outcome = run_command("blame", path, "cart", *APP, "--json")
    value = json.loads(outcome.out)
    assert (outcome.status, value["at"], value["changed_by"]) == (1, last, last)
    assert "the lines before it are whole" in outcome.err
    assert "the lines before it are whole" in value["problem"]
    assert run_command("blame", path, "cart", *APP, "--at", 1).status == 0
    behind = run_command("blame", path, "cart", *APP, "--at", 3)
    assert (behind.status, behind.out) == (1, "")


def test_a_reducer_that_raises_is_named(run_command: RunCommand, shop_log: Path) -> None:
    """Status 1, and the record at which it raised."""
    outcome = run_command("blame", shop_log, "cart", "--app", f"{SHOP}:raising_root")
    assert (outcome.status, outcome.out) == (1, "")
    assert "raised while replaying seq 1" in outcome.err


async def test_the_example_of_the_help_runs(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the help shows can be copied."""
    outcome = await run_help_example(run_command, "blame", monkeypatch)
    assert outcome.status == 0
    assert outcome.lines[1] == f"record 13 was the last to change {APPLES}"


def test_a_trimmed_log_is_asked_from_its_start(run_command: RunCommand, shop_log: Path) -> None:
    """What was changed before the first record that is kept was changed by none that is."""
    assert run_command("compact", shop_log, *APP, "--before", 3).status == 0
    assert run_command("blame", shop_log, APPLES, *APP).lines[2] == f"  {APPLES}: 1 -> 2"
    outcome = run_command("blame", shop_log, "cart.counts['pear']", *APP)
    assert outcome.status == 0
    assert (
        outcome.lines[1] == "no record up to 3 changed cart.counts['pear']; since the start it is 1"
    )
