"""`refold verify`: whether logs are whole, and lead to the very states that were recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from refold.commands.demo_application import demo_root
from refold.commands.demo_ticker import OrderPlaced
from refold.middleware.record import record
from refold.store.store import Store
from tests.commands.help_example import run_help_example
from tests.commands.shop_application import SHOP, record_run
from tests.strategies.log_lines import json_lines, reseal

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

APP = ["--app", f"{SHOP}:root"]
OTHER = ["--app", f"{SHOP}:other_root"]


def count_digests(log: Path) -> int:
    """Return how many digests stand in a log: that of the start, of records, of the end."""
    return 1 + sum(line["digest"] is not None for line in json_lines(log)[1:])


async def test_a_log_that_leads_where_it_led_is_well(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Status 0; it is told how many digests were compared, in the middle and at the ends."""
    log = tmp_path / "run.jsonl"
    await record_run(log, ["apple", "pear"] * 300)
    outcome = run_command("verify", log, *APP)
    assert (outcome.status, outcome.err) == (0, "")
    count = count_digests(log)
    assert count >= 4  # the start, two of 600 records, the end
    assert outcome.out == f"{log}: all {count} digests are equal\n"


async def test_several_logs_are_verified_at_once(run_command: RunCommand, tmp_path: Path) -> None:
    """One line for each, in the order given; the demo's own needs no reducer."""
    logs = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for log in logs:
        store = Store(demo_root, middleware=[record(log)])
        store.dispatch(OrderPlaced(1))
        await store.aclose()
    outcome = run_command("verify", *logs)
    assert outcome.status == 0
    assert [line.partition(": all ")[0] for line in outcome.lines] == [str(log) for log in logs]


def test_a_mismatch_names_the_record_the_path_and_what_to_do(
    run_command: RunCommand, shop_log: Path
) -> None:
    """Status 1; the record itself is shown, and both digests are told."""
    outcome = run_command("verify", shop_log, *OTHER)
    assert outcome.status == 1
    assert outcome.lines[0].startswith(f"{shop_log}: NOT VERIFIED, the state after record 3 ")
    assert "differs in ShopState.cart" in outcome.lines[0]
    assert outcome.lines[3].startswith("  3   +2.000 s:delivery tests_of_commands/put_article")
    assert outcome.lines[4].startswith("to do: verify it with the program that recorded it.")
    assert max(map(len, outcome.lines[1:])) <= 80
    assert "was recorded" in outcome.err
    assert "was found" in outcome.err


def test_a_start_that_differs_has_no_record(run_command: RunCommand, shop_log: Path) -> None:
    """A start state that is not the one its digest was of: status 1, and no record is shown."""

    def forge_the_digest(lines: list[dict[str, Any]]) -> None:
        lines[0]["start_digest"] = f"{0:032}|cart={0:08}"

    reseal(shop_log, forge_the_digest)
    outcome = run_command("verify", shop_log, *APP)
    assert outcome.status == 1
    assert "NOT VERIFIED, the state after record 0 differs in ShopState.cart" in outcome.lines[0]
    assert outcome.lines[1].startswith("to do: ")
    value = json.loads(run_command("verify", shop_log, *APP, "--json").out)
    mismatch = value["logs"][0]["mismatch"]
    assert (mismatch["seq"], mismatch["record"]) == (0, None)
    assert mismatch["expected"].startswith("0000")


def test_json_is_one_object_for_all_logs(
    run_command: RunCommand, shop_log: Path, tmp_path: Path
) -> None:
    """--json lists the logs; a mismatch has its record whole."""
    value = json.loads(run_command("verify", shop_log, *APP, "--json").out)
    assert value["holds"] is True
    assert value["logs"][0].pop("log_id")
    assert value["logs"] == [
        {
            "log": str(shop_log),
            "verified": True,
            "digests_compared": count_digests(shop_log),
            "mismatch": None,
            "problem": None,
        }
    ]
    outcome = run_command("verify", shop_log, tmp_path / "none.jsonl", *OTHER, "--json")
    value = json.loads(outcome.out)
    assert (outcome.status, value["holds"]) == (2, False)
    different, missing = value["logs"]
    assert different["verified"] is missing["verified"] is False
    assert list(different["mismatch"]) == ["seq", "path", "expected", "found", "record"]
    assert different["mismatch"]["record"]["payload"] == {"article": "apple", "count": 1}
    assert (missing["log_id"], missing["mismatch"]) == (None, None)
    assert "there is no" in missing["problem"]


async def test_a_bad_log_does_not_hide_the_others(
    run_command: RunCommand, damaged_log: Path, tmp_path: Path
) -> None:
    """Every log is verified and named; the worst status counts."""
    good = tmp_path / "good.jsonl"
    await record_run(good, ["apple"])
    outcome = run_command("verify", damaged_log, good, *APP)
    assert outcome.status == 1
    assert outcome.lines[0] == f"{damaged_log}: NOT VERIFIED, it is not whole, see below"
    assert outcome.lines[1].startswith(f"{good}: all ")
    assert outcome.err.startswith(f"refold: {damaged_log}: run.jsonl, line 3 (seq 2)")
    outcome = run_command("verify", damaged_log, tmp_path / "none.jsonl", good, *APP)
    assert (outcome.status, len(outcome.lines)) == (2, 3)


@pytest.mark.parametrize(
    ("log", "words"), [("torn_log", "is torn after 12 bytes"), ("damaged_log", "line 3 (seq 2)")]
)
def test_a_log_that_is_not_whole_is_not_verified(
    run_command: RunCommand, request: pytest.FixtureRequest, log: str, words: str
) -> None:
    """Status 1; the damage is named once, and no path is put before it when there is one log."""
    path = request.getfixturevalue(log)
    outcome = run_command("verify", path, *APP)
    assert outcome.status == 1
    assert outcome.lines == [f"{path}: NOT VERIFIED, it is not whole, see below"]
    assert outcome.err.startswith("refold: run.jsonl, line ")
    assert outcome.err.count(words) == 1


def test_a_reducer_that_raises_is_named(run_command: RunCommand, shop_log: Path) -> None:
    """Status 1, and the record at which it raised."""
    outcome = run_command("verify", shop_log, "--app", f"{SHOP}:raising_root")
    assert outcome.status == 1
    assert outcome.lines == [f"{shop_log}: NOT VERIFIED, see below"]
    assert "raised while replaying seq 1" in outcome.err


def test_what_cannot_be_folded_is_refused(run_command: RunCommand, shop_log: Path) -> None:
    """No log, no such log, no reducer, no such reducer: status 2 and why."""
    for arguments, words in {
        (): "LOG",
        ("none.jsonl", *APP): "there is no none.jsonl",
        (shop_log,): "no reducer is named",
        (shop_log, "--app", f"{SHOP}:nothing"): "has no nothing",
    }.items():
        outcome = run_command("verify", *arguments)
        assert outcome.status == 2
        assert words in outcome.err


async def test_the_example_of_the_help_runs(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the help shows can be copied."""
    outcome = await run_help_example(run_command, "verify", monkeypatch)
    assert outcome.status == 0
    assert outcome.out.startswith("run.jsonl: all ")
