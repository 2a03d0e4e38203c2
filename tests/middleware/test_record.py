"""`record`: what stands in a log after a run, line by line.

What belongs here: the file, its header and its envelopes.  What does not: causes and origins,
damage, and folding it again, which have their files in `tests/replay`.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import LogExistsError, LogWriteError
from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.replay.replay import replay
from refold.store.store import Store
from refold.testing.virtual_clock import VirtualClock
from tests.strategies.log_lines import file_of, json_lines, raw_lines
from tests.strategies.observatory_actions import (
    InstrumentJudged,
    InstrumentRemoved,
    NobodyCares,
    PartFailed,
    ReadingTaken,
    SessionEnded,
    SessionOpened,
)
from tests.strategies.observatory_reducer import PartFailedError, make_observatory
from tests.strategies.observatory_states import START, Fleet, Health, Observatory, Session, Totals
from tests.strategies.observatory_strategies import runs

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

ENVELOPE = [
    "seq",
    "id",
    "name",
    "version",
    "at_ms",
    "cause",
    "origin",
    "payload",
    "inputs",
    "digest",
    "crc",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a log that is not there yet."""
    return tmp_path / "run.jsonl"


def envelopes(log: Path) -> list[dict[str, Any]]:
    """Return the lines of a log but its header and the checkpoint at its end."""
    return [line for line in json_lines(log)[1:] if "checkpoint" not in line]


def names(log: Path) -> list[str]:
    """Return the wire names of the recorded actions."""
    return [envelope["name"] for envelope in envelopes(log)]


def roll_back(store: Store[Observatory], action: Action) -> None:
    """Dispatch an action in a transaction that fails after it."""
    with store.transaction():
        store.dispatch(action)
        store.dispatch(PartFailed())


async def test_each_action_is_one_line_with_exactly_the_envelope(path: Path) -> None:
    """A line is a JSON object with the fields of the envelope and its checksum, and no others."""
    async with Store(make_observatory(), middleware=[record(path)]) as store:
        store.dispatch(ReadingTaken("north", 1.5, 2))
        store.dispatch(InstrumentJudged("süd", Health.BAD, note=None, at=None))
    first, second = envelopes(path)
    assert sorted(first) == sorted(second) == sorted(ENVELOPE)
    assert first["payload"] == {"name": "north", "value": 1.5, "factor": 2}
    assert (first["seq"], first["name"], first["version"]) == (1, "observatory/reading_taken", 1)
    assert (second["seq"], second["version"]) == (2, 3)
    assert (first["at_ms"], first["cause"], first["origin"]) == (None, None, "app")
    assert first["inputs"] is None
    assert len(first["crc"]) == 8


def test_a_line_is_in_the_file_when_dispatch_returns(path: Path) -> None:
    """No action waits in memory: each is a whole line before its dispatch returns."""
    store = Store(make_observatory(), middleware=[record(path)])
    for count in range(1, 4):
        store.dispatch(NobodyCares())
        lines = raw_lines(path)
        assert len(lines) == count + 1
        assert all(line.endswith(b"\n") for line in lines)


def test_the_header_says_format_start_state_and_digests(path: Path) -> None:
    """The first line has the format's version, the start state and how digests are made."""
    Store(make_observatory(), state=START, middleware=[record(path)])
    (header,) = json_lines(path)
    assert header["refold_log"] == 1
    assert header["start_state"]["title"] == "observatory"
    assert header["start_state"]["totals"]["product"] == 1
    assert header["digest_algorithm"]
    assert header["digest_every"] <= 256
    assert header["log_id"]


def test_the_start_is_the_state_that_the_store_was_given(path: Path) -> None:
    """A log of a store made with ``state=`` is replayed from that state."""
    given_state = Observatory(
        Fleet(session=Session("Ada")), Totals(sum=float("inf"), product=2**70), "given"
    )
    Store(make_observatory(), state=given_state, middleware=[record(path)]).dispatch(NobodyCares())
    timeline = replay(path, make_observatory())
    assert timeline.at(0) == given_state
    assert timeline.at(1) == given_state


def test_a_partial_start_state_is_completed(path: Path) -> None:
    """A mapping of some slices is recorded as the whole state that the store made of it."""
    store = Store(make_observatory(), state={"totals": Totals(3.0)}, middleware=[record(path)])
    assert replay(path, make_observatory()).at(0) == store.state
    assert store.state.totals.sum == 3.0


def test_a_transaction_is_one_line(path: Path) -> None:
    """All actions of a transaction stand in one line, each with its own seq and id."""
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(NobodyCares())
    with store.transaction():
        store.dispatch(SessionOpened("Ada"))
        with store.transaction():
            store.dispatch(ReadingTaken("north", 1.0, 1))
        store.dispatch(SessionEnded())
    store.dispatch(NobodyCares())
    _, before, entry, after = json_lines(path)
    assert sorted(entry) == ["actions", "crc"]
    assert [sorted(one) for one in entry["actions"]] == [sorted({*ENVELOPE} - {"crc"})] * 3
    assert [one["seq"] for one in [before, *entry["actions"], after]] == [1, 2, 3, 4, 5]
    assert len({one["id"] for one in [before, *entry["actions"], after]}) == 5


def test_a_transaction_of_one_action_replays_like_any_other(path: Path) -> None:
    """A transaction with a single action leaves one record."""
    store = Store(make_observatory(), middleware=[record(path)])
    with store.transaction():
        store.dispatch(SessionOpened("Ada"))
    timeline = replay(path, make_observatory())
    assert timeline.head == 1
    assert timeline.at(1) == store.state


def test_what_is_rolled_back_leaves_nothing(path: Path) -> None:
    """Neither a failed transaction nor an empty one leaves a line, nor a failed one inside."""
    store = Store(make_observatory(), middleware=[record(path)])
    with pytest.raises(PartFailedError):
        roll_back(store, SessionOpened("lost"))
    with store.transaction():
        pass
    with store.transaction():
        store.dispatch(SessionOpened("kept"))
        with pytest.raises(PartFailedError):
            roll_back(store, SessionEnded())
    assert names(path) == ["observatory/session_opened"]
    timeline = replay(path, make_observatory())
    assert timeline.at(timeline.head) == store.state


def test_an_action_whose_reducer_raised_is_not_recorded(path: Path) -> None:
    """A failed action leaves no line, and the numbers go on without a gap."""
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(NobodyCares())
    with pytest.raises(PartFailedError):
        store.dispatch(PartFailed())
    store.dispatch(NobodyCares())
    assert [one["seq"] for one in envelopes(path)] == [1, 2]
    assert names(path) == ["observatory/nobody_cares"] * 2


def test_an_action_that_no_handler_wanted_is_recorded(path: Path) -> None:
    """What reached the reducer is recorded, although it changed nothing."""
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(NobodyCares(2.0))
    store.dispatch(InstrumentRemoved("not there"))
    assert names(path) == ["observatory/nobody_cares", "observatory/instrument_removed"]


def replace_and_stop(_store: StoreAPI[Observatory], next_dispatch: Dispatch) -> Dispatch:
    """Double what is read, and stop every end of a session."""

    def handle(action: Action, /) -> Action:
        match action:
            case ReadingTaken(name=name, value=value):
                return next_dispatch(ReadingTaken(name, value, 2))
            case SessionEnded():
                return action
            case _:
                return next_dispatch(action)

    return handle


@given(run=runs, position=st.integers(0, 2))
def test_the_position_of_record_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, run: list[Action], position: int
) -> None:
    """Wherever it is listed, it records what reached the reducer, replaced and stamped."""
    path = tmp_path_factory.mktemp("logs") / "run.jsonl"
    chain: list[Middleware[Any]] = [replace_and_stop, timestamps(VirtualClock(1.0))]
    chain.insert(position, record(path))
    store = Store(make_observatory(), middleware=chain)
    for action in run:
        store.dispatch(action)
    expected = [action for action in run if not isinstance(action, SessionEnded)]
    found = envelopes(path)
    assert [one["name"] for one in found] == [action.wire_name for action in expected]
    assert all(one["at_ms"] is not None for one in found)
    assert {one["payload"]["factor"] for one in found if "factor" in one["payload"]} <= {2}


def test_ids_are_unique_within_and_across_writers(tmp_path: Path) -> None:
    """No two records have one id, be they of one log or of two."""
    logs = [tmp_path / "left.jsonl", tmp_path / "right.jsonl"]
    for log in logs:
        store = Store(make_observatory(), middleware=[record(log)])
        for _ in range(10):
            store.dispatch(NobodyCares())
    ids = [one["id"] for log in logs for one in envelopes(log)]
    assert len(set(ids)) == len(ids) == 20
    assert len({json_lines(log)[0]["log_id"] for log in logs}) == 2


async def test_a_digest_stands_at_least_every_256_records(path: Path) -> None:
    """Between two digests are at most 256 records, transactions included."""
    async with Store(make_observatory(), middleware=[record(path)]) as store:
        for _ in range(300):
            store.dispatch(NobodyCares())
        with store.transaction():
            for _ in range(200):
                store.dispatch(NobodyCares())
        for _ in range(100):
            store.dispatch(NobodyCares())
    records = replay(path, make_observatory()).records
    marks = [0, *(one.seq for one in records if one.digest is not None), 600]
    assert len(records) == 600
    assert max(later - earlier for earlier, later in itertools.pairwise(marks)) <= 256


async def test_the_last_record_of_a_closed_log_has_a_digest(path: Path) -> None:
    """Closing the store gives the last record the digest of the state after it."""
    async with Store(make_observatory(), middleware=[record(path)]) as store:
        store.dispatch(ReadingTaken("north", 1.0, 1))
        store.dispatch(ReadingTaken("north", 2.0, 1))
    assert replay(path, make_observatory()).records[-1].digest is not None


@pytest.mark.parametrize("name", ["log", "deep/er/log", "dotted.name", "log.json"])
def test_a_path_that_does_not_end_in_jsonl_is_a_folder(tmp_path: Path, name: str) -> None:
    """Any path but one ending in ``.jsonl`` becomes a folder with a segment in it."""
    folder = tmp_path / name
    store = Store(make_observatory(), middleware=[record(folder)])
    store.dispatch(SessionOpened("Ada"))
    assert folder.is_dir()
    assert file_of(folder).suffix == ".jsonl"
    assert replay(folder, make_observatory()).at(1) == store.state
    assert replay(file_of(folder), make_observatory()).at(1) == store.state


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    """Both `record` and `replay` take a string."""
    path = str(tmp_path / "run.jsonl")
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(SessionOpened("Ada"))
    assert replay(path, make_observatory()).at(1) == store.state


def test_every_line_is_plain_json(path: Path) -> None:
    """Infinities, not-a-numbers and huge integers stand in strict JSON, without NaN or Infinity."""
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(ReadingTaken("\u2028\n", float("inf"), 10**80))
    store.dispatch(NobodyCares(float("nan")))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for line in raw_lines(path):
        json.loads(line, parse_constant=refuse)
    assert len(raw_lines(path)) == 3


@pytest.mark.parametrize("name", ["run.jsonl", "run"])
def test_an_existing_log_is_not_overwritten(tmp_path: Path, name: str) -> None:
    """A log that is there is left as it is, and the error says what to do."""
    path = tmp_path / name
    Store(make_observatory(), middleware=[record(path)]).dispatch(NobodyCares())
    before = file_of(path).read_bytes()
    with pytest.raises(LogExistsError, match="overwrite it; choose another path") as caught:
        Store(make_observatory(), middleware=[record(path)])
    assert str(path) in str(caught.value)
    assert file_of(path).read_bytes() == before


def test_one_recorder_is_for_one_store(path: Path) -> None:
    """The middleware that records one store cannot record another."""
    recorder = record(path)
    store = Store(make_observatory(), middleware=[recorder])
    with pytest.raises(LogWriteError, match="another store"):
        Store(make_observatory(), middleware=[recorder])
    store.dispatch(SessionOpened("Ada"))
    assert replay(path, make_observatory()).at(1) == store.state
