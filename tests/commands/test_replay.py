"""`refold replay`: the state that a log leads to, and whether it is the recorded one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refold.commands.demo_application import DemoState, demo_root
from refold.commands.demo_ticker import OrderPlaced
from refold.middleware.record import record
from refold.replay.action_codec import decode_state, encode_state
from refold.replay.checked_line import FIRST_CHECKSUM, open_line, seal_line
from refold.replay.log_segments import list_segments
from refold.store.store import Store
from tests.commands.shop_application import SHOP, ShopState, record_run
from tests.commands.trimmed_shop_log import record_trimmed_run

if TYPE_CHECKING:
    from tests.commands.conftest import RunCommand

APP = ["--app", f"{SHOP}:root"]


def test_the_last_state_is_shown_readably(run_command: RunCommand, shop_log: Path) -> None:
    """Without --to the state at the end is shown, one entry per line, and digests are not read."""
    outcome = run_command("replay", shop_log, *APP)
    assert outcome.status == 0
    assert outcome.lines[:2] == [
        f"reducer: --app {SHOP}:root",
        "digests: not compared (--verify compares them)",
    ]
    assert outcome.lines[2].startswith("state after record 3 of log ")
    assert outcome.lines[3:] == ["  cart:", "    counts:", "      apple: 2", "      pear:  1"]


async def test_json_holds_the_state_as_the_log_would_encode_it(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """The state of --json decodes to the state that was live."""
    live = await record_run(tmp_path / "run.jsonl", ["apple", "pear"])
    outcome = run_command("replay", tmp_path / "run.jsonl", *APP, "--json", "--verify")
    value = json.loads(outcome.out)
    assert value["state"] == encode_state(live)
    assert decode_state(value["state"], ShopState) == live
    assert (value["seq"], value["verified"], value["problems"]) == (2, True, [])


def test_any_record_can_be_stopped_after(run_command: RunCommand, shop_log: Path) -> None:
    """--to N shows the state after record N, and 0 the start state."""
    for seq, counts in enumerate([{}, {"apple": 1}, {"apple": 1, "pear": 1}]):
        outcome = run_command("replay", shop_log, *APP, "--json", "--to", seq)
        assert json.loads(outcome.out)["state"]["cart"]["counts"] == counts


def test_a_record_that_is_not_there_is_refused(run_command: RunCommand, shop_log: Path) -> None:
    """--to below 0 or behind the end: status 2, and where the log ends."""
    for seq, words in {"-1": "0 (the start) or more", "4": "ends at seq 3"}.items():
        outcome = run_command("replay", shop_log, *APP, "--to", seq)
        assert (outcome.status, outcome.out) == (2, "")
        assert words in outcome.err


def test_verify_says_how_many_digests_are_equal(run_command: RunCommand, shop_log: Path) -> None:
    """--verify compares the start, the digests of records and that of the end."""
    outcome = run_command("replay", shop_log, *APP, "--verify")
    assert outcome.status == 0
    assert re.fullmatch(r"digests: all \d are equal", outcome.lines[1])


def test_another_reducer_is_a_mismatch(run_command: RunCommand, shop_log: Path) -> None:
    """A reducer that counts differently: status 1, the slice and the stretch of records."""
    outcome = run_command("replay", shop_log, "--app", f"{SHOP}:other_root", "--verify")
    assert outcome.status == 1
    assert outcome.lines[1] == "digests: NOT VERIFIED, see below"
    assert "ShopState.cart" in outcome.err
    assert "after seq 0 and up to seq 3" in outcome.err


def test_a_reducer_that_raises_is_named_without_a_traceback(
    run_command: RunCommand, shop_log: Path
) -> None:
    """What the reducer raises: status 1, its type, its text, its line and the record."""
    outcome = run_command("replay", shop_log, "--app", f"{SHOP}:raising_root")
    assert (outcome.status, outcome.out) == (1, "")
    assert "ValueError: out of stock" in outcome.err
    assert "shop_application.py, line" in outcome.err
    assert "raised while replaying seq 1" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("verify", [[], ["--verify"]])
def test_a_damaged_log_is_folded_up_to_the_damage(
    run_command: RunCommand, damaged_log: Path, verify: list[str]
) -> None:
    """The state before the damage is shown, the damage is named, and the status is 1."""
    outcome = run_command("replay", damaged_log, *APP, "--json", *verify)
    value = json.loads(outcome.out)
    assert outcome.status == 1
    assert (value["seq"], value["state"]["cart"]["counts"]) == (1, {"apple": 1})
    assert value["verified"] is (False if verify else None)
    assert "line 3 (seq 2)" in outcome.err
    assert "line 3 (seq 2)" in value["problems"][0]


def test_a_record_before_the_damage_can_be_reached(
    run_command: RunCommand, damaged_log: Path
) -> None:
    """Damage behind the record asked for is not in the way."""
    assert run_command("replay", damaged_log, *APP, "--to", "1").status == 0
    assert run_command("replay", damaged_log, *APP, "--to", "2").status == 1


@pytest.mark.parametrize("verify", [[], ["--verify"]])
def test_a_torn_log_is_folded_to_its_last_whole_record(
    run_command: RunCommand, torn_log: Path, verify: list[str]
) -> None:
    """The state before the torn line is shown, the tear is named once, and the status is 1."""
    outcome = run_command("replay", torn_log, *APP, "--json", *verify)
    assert outcome.status == 1
    assert json.loads(outcome.out)["seq"] == 2
    assert outcome.err.count("is torn after 12 bytes") == 1


def test_an_application_that_lacks_an_action_is_refused(
    run_command: RunCommand, shop_log: Path
) -> None:
    """An action that nobody declares: status 2, its name, and the advice to give --app."""
    shop_log.write_bytes(_resealed(shop_log, b"put_article", b"get_article"))
    outcome = run_command("replay", shop_log, *APP)
    assert outcome.status == 2
    assert "tests_of_commands/get_article_into_cart" in outcome.err


def test_without_a_reducer_the_log_of_an_application_is_refused(
    run_command: RunCommand, shop_log: Path
) -> None:
    """No reducer is guessed from a log: the three ways to name one are told."""
    outcome = run_command("replay", shop_log)
    assert (outcome.status, outcome.out) == (2, "")
    for words in ("tests_of_commands/put_article", "--app", "REFOLD_APP", "[tool.refold]"):
        assert words in outcome.err


async def test_a_log_of_the_demo_needs_no_reducer(run_command: RunCommand, tmp_path: Path) -> None:
    """A log whose state and actions are all the demo's is folded by the demo's root."""
    store = Store(demo_root, middleware=[record(tmp_path / "run.jsonl")])
    store.dispatch(OrderPlaced(1))
    await store.aclose()
    outcome = run_command("replay", tmp_path / "run.jsonl", "--verify", "--json")
    assert outcome.status == 0
    assert decode_state(json.loads(outcome.out)["state"], DemoState) == store.state


@pytest.mark.parametrize("start", ["three", 3])
def test_an_empty_log_is_not_taken_for_the_demo_s(
    run_command: RunCommand, tmp_path: Path, start: object
) -> None:
    """A log without records is the demo's only if its start state is."""
    path = tmp_path / "run.jsonl"
    Store(lambda state, _action: state, state=start, middleware=[record(path)])
    assert "is no log of the demo; give --app" in run_command("replay", path).err


async def test_a_trimmed_log_is_folded_from_its_first_record_on(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """Of a log whose beginning is gone the states are what they were, under the same seqs."""
    path = tmp_path / "run"
    first = await record_trimmed_run(path, 9)
    for seq in (first - 1, first, 9):
        value = json.loads(run_command("replay", path, *APP, "--json", "--to", seq).out)
        assert (value["seq"], value["state"]["cart"]["counts"]) == (seq, {"apple": seq})
    outcome = run_command("replay", path, *APP, "--verify")
    assert outcome.status == 0
    assert outcome.lines[2].startswith("state after record 9 of log ")


async def test_a_record_that_was_trimmed_is_refused(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """--to before the start of a trimmed log: status 2, and where the start is."""
    first = await record_trimmed_run(tmp_path / "run", 9)
    outcome = run_command("replay", tmp_path / "run", *APP, "--to", first - 2)
    assert (outcome.status, outcome.out) == (2, "")
    assert f"the log was trimmed and its first record is {first}" in outcome.err


async def test_damage_in_a_later_header_shows_the_state_before_it(
    run_command: RunCommand, tmp_path: Path
) -> None:
    """A segment whose header is damaged: the last state before it, of a trimmed log, too."""
    path = tmp_path / "run"
    await record_trimmed_run(path, 9)
    last = list_segments(path)[-1]
    last.path.write_bytes(last.path.read_bytes().replace(b"start_state", b"xtart_state"))
    outcome = run_command("replay", path, *APP, "--json")
    value = json.loads(outcome.out)
    assert outcome.status == 1
    assert value["seq"] == (last.first_seq or 0) - 1
    assert value["state"]["cart"]["counts"] == {"apple": value["seq"]}
    assert "line 1 (the header)" in value["problems"][0]


def _resealed(path: Path, old: bytes, new: bytes) -> bytes:
    """Return the log with every occurrence replaced, as if it had been written so."""
    lines: list[bytes] = []
    before = after = FIRST_CHECKSUM
    for line in path.read_bytes().splitlines(keepends=True):
        value, before = open_line(line, before)
        changed = json.loads(json.dumps(value).encode().replace(old, new))
        sealed, after = seal_line(changed, after)
        lines.append(sealed)
    return b"".join(lines)
