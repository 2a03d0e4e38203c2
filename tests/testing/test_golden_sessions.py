"""`check_golden` and `golden_sessions`: recorded sessions as tests of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from refold.testing.golden_sessions import check_golden, golden_sessions
from tests.replay.bank_with_bugs import Bank, Deposited, Frozen, Opened, Withdrawn, make_bank
from tests.replay.golden_bank import accept_session, record_session

if TYPE_CHECKING:
    from pathlib import Path

DEPOSIT = [Opened("a"), Deposited("a", 50), Withdrawn("a", 150)]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Return the log of an accepted session."""
    log = tmp_path / "run.jsonl"
    record_session(log, DEPOSIT)
    accept_session(log)
    return log


def test_an_accepted_session_passes(session: Path) -> None:
    """Under the reducer that it was accepted with; a plain function is a reducer, too."""
    check_golden(session, make_bank())
    check_golden(str(session), make_bank().__call__)


def test_a_session_that_was_not_accepted_passes_by_its_digests(tmp_path: Path) -> None:
    """What was recorded is enough for a reducer that did not change, and fails another."""
    log = tmp_path / "run.jsonl"
    record_session(log, DEPOSIT)
    check_golden(log, make_bank())
    with pytest.raises(AssertionError, match="from what was recorded; nothing was accepted yet"):
        check_golden(log, make_bank("large sums are not checked"))


def test_a_failure_says_where_and_what(session: Path) -> None:
    """Slices, the first record, the values, and how the change is accepted."""
    with pytest.raises(AssertionError) as caught:
        check_golden(session, make_bank("large sums are not checked"))
    assert str(caught.value).splitlines() == [
        f"{session} is not golden (differs): 2 slices differ from what was accepted",
        "  accounts first differs at seq 3",
        "    accounts['a']: 50 -> -100",
        "  should_hold first differs at seq 3",
        "    should_hold: 50 -> -100",
        f"if that is as it should be: refold golden {session} --accept",
    ]


def test_many_differences_are_cut(tmp_path: Path) -> None:
    """A failure stays readable, and says how much is left out."""
    log = tmp_path / "run.jsonl"
    record_session(log, [Opened(f"{number:02}") for number in range(20)])
    accept_session(log)
    with pytest.raises(AssertionError, match=r"\.\.\. and 8 more\n"):
        check_golden(log, lambda state, _action: state or Bank())


def test_what_the_reducer_raises_is_the_cause(tmp_path: Path) -> None:
    """The failure has the reducer's exception behind it, with its traceback."""
    log = tmp_path / "run.jsonl"
    record_session(log, [*DEPOSIT, Frozen("a"), Withdrawn("a", 1)])
    with pytest.raises(AssertionError, match=r"\(failed\): ZeroDivisionError: a") as caught:
        check_golden(log, make_bank("raises when frozen"))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_all_sessions_of_a_folder_are_given(session: Path) -> None:
    """In order, for a parametrised test."""
    other = session.with_name("a.jsonl")
    record_session(other, DEPOSIT)
    assert (
        golden_sessions(session.parent) == golden_sessions(str(session.parent)) == [other, session]
    )


def test_a_folder_that_lacks_a_session_is_refused(session: Path, tmp_path: Path) -> None:
    """No log at all, or an accepted one that is gone: there is no test that could fail."""
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match="holds no log"):
        golden_sessions(empty)
    record_session(tmp_path / "b.jsonl", DEPOSIT)
    session.unlink()
    with pytest.raises(FileNotFoundError, match="was accepted, but its log is gone"):
        golden_sessions(tmp_path)
