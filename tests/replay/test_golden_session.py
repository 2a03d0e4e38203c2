"""`judge_session`: one recorded session, under the reducer of today."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.replay.action_codec import encode_state
from refold.replay.canonical_digest import state_digest
from refold.replay.golden_difference import WHOLE_STATE
from refold.replay.golden_folder import golden_path
from refold.replay.golden_outcome import GoldenFileError, read_golden, write_golden
from refold.replay.golden_paths import PathDifference
from refold.replay.golden_session import Judgement, judge_session
from tests.replay.aging_application import FIRST, SECOND, load_application
from tests.replay.bank_with_bugs import (
    Bank,
    DayEnded,
    Deposited,
    Frozen,
    Opened,
    Withdrawn,
    fold_bank,
    make_bank,
    random_session,
)
from tests.replay.golden_bank import (
    BUGS,
    accept_session,
    differing_slices,
    record_session,
    sessions,
)
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_states import START
from tests.strategies.observatory_strategies import runs

if TYPE_CHECKING:
    from refold.actions.action import Action

DEPOSIT = [Opened("a"), Deposited("a", 300), Withdrawn("a", 200)]


@given(sessions)
def test_a_session_is_golden_under_the_reducer_that_recorded_it(actions: list[Action]) -> None:
    """It is new at first and, once accepted, the same."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.jsonl"
        record_session(log, actions)
        assert accept_session(log).verdict == "new"
        assert judge_session(log, make_bank()).verdict == "same"


@given(runs)
def test_values_of_every_kind_are_golden(actions: list[Action]) -> None:
    """What a log can hold, an accepted file can: it comes back the same."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.jsonl"
        record_session(log, actions, make_observatory())
        outcome = accept_session(log, make_observatory()).outcome
        assert outcome is not None
        state = functools.reduce(make_observatory(), actions, START)
        assert outcome.state == json.loads(json.dumps(encode_state(state)))
        assert judge_session(log, make_observatory()).verdict == "same"


@given(sessions, st.sampled_from(BUGS))
def test_exactly_the_slices_whose_states_differ_are_named(actions: list[Action], bug: str) -> None:
    """A changed reducer: each slice that a naive fold of both finds, and since when; no other."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.jsonl"
        record_session(log, actions)
        accepted = accept_session(log).outcome
        assert accepted is not None
        expected = differing_slices(actions, bug, [one.seq for one in accepted.checkpoints])
        judgement = judge_session(log, make_bank(bug))
        found = {
            one.slice: (one.equal_until, one.differs_at, one.differs_at_end)
            for one in judgement.slices
        }
        assert found == expected
        assert list(found) == sorted(found)
        assert judgement.verdict == ("differs" if expected else "same")
        assert all(bool(one.paths) == one.differs_at_end for one in judgement.slices)
        accept_session(log, make_bank(bug))
        assert judge_session(log, make_bank(bug)).verdict == "same"


@given(sessions, st.sampled_from(BUGS))
def test_without_an_accepted_file_the_recorded_digests_are_the_truth(
    actions: list[Action], bug: str
) -> None:
    """A session that was never accepted differs if it leads to another state than was recorded."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.jsonl"
        record_session(log, actions)
        judgement = judge_session(log, make_bank(bug))
        expected = differing_slices(actions, bug, [0, len(actions)])
        assert {one.slice for one in judgement.slices} == set(expected)
        assert judgement.verdict == ("differs" if expected else "new")


@given(sessions, st.sampled_from(BUGS))
def test_what_was_accepted_wins_over_what_was_recorded(actions: list[Action], bug: str) -> None:
    """After an intended change is accepted, the reducer that recorded is the one that differs."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.jsonl"
        record_session(log, actions)
        was = accept_session(log, make_bank(bug)).verdict
        assert judge_session(log, make_bank(bug)).verdict == "same"
        if was == "differs":
            assert judge_session(log, make_bank()).verdict == "differs"


def test_a_long_session_is_located_between_two_of_a_handful_of_checkpoints(tmp_path: Path) -> None:
    """Of 3,000 records 17 states are kept as digests, and only the last one with its values."""
    actions, bug, log = random_session(5, 3_000), BUGS[1], tmp_path / "run.jsonl"
    record_session(log, actions)
    accept_session(log)
    accepted = read_golden(golden_path(log).read_bytes())
    assert [one.seq for one in accepted.checkpoints] == [3_000 * step // 16 for step in range(17)]
    assert accepted.checkpoints[-1].digest == state_digest(fold_bank(actions, make_bank()))
    first = differing_slices(actions, bug, range(3_001))["accounts"][1]
    found = judge_session(log, make_bank(bug)).slices[0]
    assert found.slice == "accounts"
    assert found.equal_until is not None
    assert found.differs_at is not None
    assert found.equal_until < first <= found.differs_at


def test_the_values_of_a_difference_are_told(tmp_path: Path) -> None:
    """The path as `changed_paths` writes it, what was accepted, and what was found."""
    log = tmp_path / "run.jsonl"
    record_session(log, [*DEPOSIT, Withdrawn("a", 150)])
    accept_session(log)
    accounts, should_hold = judge_session(log, make_bank("large sums are not checked")).slices
    (path,) = accounts.paths
    assert (path.path, path.accepted, path.today) == ("accounts['a']", 100, -50)
    assert (accounts.where, should_hold.slice) == ("first differs at seq 4", "should_hold")


def _days(opened: int) -> Reducer[Bank]:
    """Return a reducer that sets the days when an account is opened, and when one ends."""
    bank = Reducer(Bank())
    bank.on(Opened)(lambda state, _action: evolve(state, days=opened))
    bank.on(DayEnded)(lambda state, _action: evolve(state, days=1))
    return bank


def test_a_difference_that_heals_is_a_difference(tmp_path: Path) -> None:
    """States that differ in between and are equal at the end are not what was accepted."""
    log = tmp_path / "run.jsonl"
    record_session(log, [DayEnded(), Opened("a"), DayEnded()], _days(1))
    accept_session(log, _days(1))
    judgement = judge_session(log, _days(7))
    (found,) = judgement.slices
    assert (judgement.verdict, found.slice, found.paths) == ("differs", "days", ())
    assert found.where == "first differs at seq 2, is equal again at the end"


def test_a_state_without_fields_differs_as_a_whole(tmp_path: Path) -> None:
    """A root that is a plain number is one slice without a name."""
    log = tmp_path / "run.jsonl"
    ones, twos = Reducer(0), Reducer(0)
    ones.on(Opened)(lambda state, _action: state + 1)
    twos.on(Opened)(lambda state, _action: state + 2)
    record_session(log, [Opened("a")] * 3, ones)
    accept_session(log, ones)
    (found,) = judge_session(log, twos).slices
    assert (found.slice, found.equal_until, found.differs_at) == (WHOLE_STATE, 0, 1)
    assert found.paths == (PathDifference("state", 3, 6),)


def test_a_log_without_records_is_golden(tmp_path: Path) -> None:
    """A session in which nothing happened leads to its start state."""
    log = tmp_path / "run.jsonl"
    record_session(log, [])
    assert accept_session(log).verdict == "new"
    assert judge_session(log, make_bank()).verdict == "same"


def test_a_log_in_a_folder_is_a_session(tmp_path: Path) -> None:
    """A folder of segments is judged as one log, with one accepted file beside it."""
    log = tmp_path / "run"
    record_session(log, DEPOSIT)
    accept_session(log)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run.golden.json"]
    assert judge_session(log, make_bank()).verdict == "same"


def test_a_log_that_was_recorded_anew_differs(tmp_path: Path) -> None:
    """Another log by the name, even with the same actions, is told and not compared by slices."""
    log = tmp_path / "run.jsonl"
    record_session(log, DEPOSIT)
    accept_session(log)
    log.unlink()
    record_session(log, DEPOSIT)
    judgement = judge_session(log, make_bank("interest from nowhere"))
    assert (judgement.verdict, judgement.slices) == ("differs", ())
    assert "was accepted, but this is log" in judgement.reason


def test_values_changed_by_hand_differ_from_those_found(tmp_path: Path) -> None:
    """The file is compared as a whole, so it cannot say other values than its digests."""
    log = tmp_path / "run.jsonl"
    record_session(log, DEPOSIT)
    accept_session(log)
    file = golden_path(log)
    file.write_bytes(file.read_bytes().replace(b'"a": 100', b'"a": 101'))
    (found,) = judge_session(log, make_bank()).slices
    assert found.paths == (PathDifference("accounts['a']", 101, 100),)
    assert "written otherwise" in found.where


def test_a_file_in_another_layout_is_the_same(tmp_path: Path) -> None:
    """What a formatter did to the file is no difference."""
    log = tmp_path / "run.jsonl"
    record_session(log, DEPOSIT)
    accept_session(log)
    file = golden_path(log)
    file.write_text(json.dumps(json.loads(file.read_bytes()), indent=7))
    assert judge_session(log, make_bank()).verdict == "same"


def test_a_file_with_other_checkpoints_differs_without_slices(tmp_path: Path) -> None:
    """Where today has no checkpoint nothing is compared, and the rest is the same."""
    log = tmp_path / "run.jsonl"
    record_session(log, [DayEnded()] * 64)
    accept_session(log)
    file = golden_path(log)
    file.write_bytes(file.read_bytes().replace(b'"4 ', b'"5 '))
    judgement = judge_session(log, make_bank())
    assert (judgement.verdict, judgement.slices) == ("differs", ())
    assert judgement.reason == "the accepted file says the same in another way"


def test_a_torn_log_is_damaged(tmp_path: Path) -> None:
    """A log whose writer died in a line, or that was changed, has no outcome to accept."""
    log = tmp_path / "run.jsonl"
    record_session(log, DEPOSIT)
    whole = log.read_bytes()
    for text in (whole[:-90], whole.replace(b"300", b"301"), b"no log\n", b""):
        log.write_bytes(text)
        judgement = judge_session(log, make_bank())
        assert (judgement.verdict, judgement.outcome) == ("damaged", None)


def test_a_reducer_that_raises_is_the_judgement(tmp_path: Path) -> None:
    """The exception is kept, with the record at which it was raised."""
    log = tmp_path / "run.jsonl"
    record_session(log, [*DEPOSIT, Frozen("a"), Withdrawn("a", 1)])
    judgement = judge_session(log, make_bank("raises when frozen"))
    assert judgement.verdict == "failed"
    assert isinstance(judgement.error, ZeroDivisionError)
    assert "raised while replaying seq 5" in judgement.error.__notes__[0]


def test_an_accepted_file_that_cannot_be_read_is_the_judgement(tmp_path: Path) -> None:
    """Nothing is folded, and the file is named."""
    log = tmp_path / "run.jsonl"
    record_session(log, DEPOSIT)
    golden_path(log).write_text("<<<<<<< ours")
    judgement = judge_session(log, make_bank())
    assert (judgement.verdict, judgement.outcome) == ("failed", None)
    assert isinstance(judgement.error, GoldenFileError)
    assert "run.jsonl.golden.json" in str(judgement.error)


def _aging(text: str, log: Path) -> Judgement:
    return judge_session(log, load_application(text).root)


def test_an_older_log_is_read_by_upcasters_or_not_at_all(tmp_path: Path) -> None:
    """A log of version 1 needs an upcaster under version 2; one of version 2 needs that program."""
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    for log, text in ((old, FIRST), (new, SECOND)):
        application = load_application(text)
        record_session(log, [application.Ordered("pear")], application.root)
    without = SECOND.replace('@upcaster("aging/ordered", from_version=1)', "")
    assert _aging(without, old).verdict == _aging(FIRST, new).verdict == "failed"
    assert "upcaster" in str(_aging(without, old).error)
    assert "update the application" in str(_aging(FIRST, new).error)
    upcast = _aging(SECOND, old)  # its state class has a field more, so its digests are others
    assert (upcast.verdict, [one.slice for one in upcast.slices]) == ("differs", ["lines"])
    assert upcast.outcome is not None
    golden_path(old).write_bytes(write_golden(upcast.outcome))
    assert _aging(SECOND, old).verdict == "same"
