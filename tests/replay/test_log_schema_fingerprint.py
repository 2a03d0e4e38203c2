"""The schema fingerprint in a log's headers: which application recorded what follows."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import LogDamagedError, ReplayMismatchError
from refold.middleware.record import record
from refold.reducers.reducer import Reducer
from refold.replay import recorded_schema
from refold.replay.log_reader import LogReader
from refold.replay.log_segments import list_segments
from refold.replay.recorded_schema import recorded_schema_fingerprint
from refold.replay.replay import replay
from refold.replay.schema import schema_of
from refold.store.entry import restoring_context
from refold.store.store import Store
from tests.strategies.log_lines import json_lines, reseal
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import close_store, record_readings

if TYPE_CHECKING:
    from refold.middleware.record import Recorder


@action("tests_of_recorded_schema/counted")
class Counted(Action):
    """Something was counted."""


@action("tests_of_recorded_schema/forgotten")
class Forgotten(Action):
    """What was counted is forgotten."""


@attrs.frozen
class Count:
    """How much was counted."""

    number: int = 0


def make_counter() -> Reducer[Count]:
    """Return the application as it was."""
    reducer = Reducer(Count())

    @reducer.on(Counted)
    def count(state: Count, _action: Counted) -> Count:
        """Count."""
        return Count(state.number + 1)

    return reducer


def make_newer_counter() -> Reducer[Count]:
    """Return the application as it became."""
    reducer = make_counter()

    @reducer.on(Forgotten)
    def forget(_state: Count, _action: Forgotten) -> Count:
        """Begin anew."""
        return Count()

    return reducer


class CountingStore:
    """What a recorder sees of a store that says its reducer."""

    def __init__(self, reducer: Reducer[Count], recorder: Recorder, state: Count) -> None:
        """Begin to record."""
        self.reducer = reducer
        self.state = state
        self._recorder = recorder
        self._handle = restoring_context(recorder(self, self._commit))

    def dispatch(self, action: Any, /) -> Any:
        """Send an action through the recorder."""
        return self._handle(action)

    def _commit(self, action: Any, /) -> Any:
        self.state = self.reducer(self.state, action)
        self._recorder.committed((action,))
        return action


def run(reducer: Reducer[Count], path: Path, times: int, **options: Any) -> None:
    """Go on with a log by an application, and close it."""
    state = replay(path, reducer).at(replay(path, reducer).head) if path.exists() else Count()
    recorder = record(path, resume=True, **options)
    store = CountingStore(reducer, recorder, state)
    for _ in range(times):
        store.dispatch(Counted())
    recorder.close()


def fingerprints(path: Path) -> list[str | None]:
    """Return what each header of a log says."""
    readers = [LogReader(path, from_seq=each.first_seq) for each in list_segments(path)]
    for reader in readers:
        reader.close()
    return [reader.header.schema_fingerprint for reader in readers]


OLD = schema_of(make_counter()).fingerprint
NEW = schema_of(make_newer_counter()).fingerprint


@pytest.mark.parametrize("make", [make_counter, make_newer_counter, make_observatory])
def test_it_is_the_fingerprint_of_the_schema(make: Any) -> None:
    """What is recorded is what `schema_of` says, whichever state the store was given."""
    reducer: Reducer[Any] = make()
    found = recorded_schema_fingerprint(reducer, reducer.initial)
    assert found == schema_of(reducer).fingerprint
    assert found is not None
    assert len(found) == 32


def test_a_schema_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For another store of the same classes nothing is listed, and no initial state is made."""
    listed: list[Reducer[Any]] = []

    def count_listing(reducer: Reducer[Any]) -> Any:
        listed.append(reducer)
        return schema_of(reducer)

    monkeypatch.setattr(recorded_schema, "schema_of", count_listing)
    monkeypatch.setattr(recorded_schema, "_known", {})
    made: list[int] = []

    def make_initial() -> Count:
        made.append(1)
        return Count()

    first, second = Reducer(factory=make_initial), Reducer(factory=make_initial)
    for reducer in (first, second, first):
        recorded_schema_fingerprint(reducer, Count(7))
    assert len(listed) == 1
    assert not made
    for number in range(100):  # however many there are, few are kept
        recorded_schema_fingerprint(first, attrs.make_class(f"State{number}", [], frozen=True)())
    assert len(recorded_schema._known) == 64  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # its bound


def test_a_state_without_a_schema_has_no_fingerprint() -> None:
    """What cannot be listed is left out; the log is whole without it."""

    @attrs.frozen
    class Local:
        part: Unknown  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable]  # noqa: F821  # what is meant

    assert recorded_schema_fingerprint(Reducer(0), Local(1)) is None


@pytest.mark.parametrize("name", ["run.jsonl", "log"])
def test_each_header_says_it(tmp_path: Path, name: str) -> None:
    """The header of every segment has it."""
    path = tmp_path / name
    run(make_counter(), path, 20, **({} if name.endswith("l") else {"segment_bytes": 500}))
    found = fingerprints(path)
    assert set(found) == {OLD}
    assert (len(found) > 2) == (name == "log")
    replay(path, make_counter()).verify()


def test_another_schema_goes_on_in_a_segment_of_its_own(tmp_path: Path) -> None:
    """Each header tells of its own records; the same schema goes on in the same file."""
    path = tmp_path / "log"
    for make, times in [
        (make_counter, 2),
        (make_counter, 1),
        (make_newer_counter, 0),  # begun, without a record: its header is written anew
        (make_counter, 0),
        (make_newer_counter, 2),
    ]:
        run(make(), path, times)
    assert fingerprints(path) == [OLD, NEW]
    timeline = replay(path, make_newer_counter())
    timeline.verify()
    assert timeline.at(timeline.head) == Count(5)
    assert [each.first_seq for each in list_segments(path)] == [1, 4]


def test_another_schema_goes_on_behind_a_torn_line(tmp_path: Path) -> None:
    """What a dead writer left is cut off before the new segment is begun."""
    path = tmp_path / "log"
    run(make_counter(), path, 2)
    file = path / "00000000000000000001.jsonl"
    with file.open("ab") as end:
        end.write(b'{"seq":')
    run(make_newer_counter(), path, 1)
    timeline = replay(path, make_newer_counter())
    timeline.verify()
    assert (timeline.head, fingerprints(path)) == (3, [OLD, NEW])


def test_one_file_keeps_the_fingerprint_it_began_with(tmp_path: Path) -> None:
    """A log of one file has one header, which tells of the first run."""
    path = tmp_path / "run.jsonl"
    run(make_counter(), path, 2)
    run(make_newer_counter(), path, 1)
    assert fingerprints(path) == [OLD]
    replay(path, make_newer_counter()).verify()


def test_a_state_of_another_schema_is_told_and_not_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Digests of another schema cannot be compared; of the same schema they are."""
    path = tmp_path / "log"
    run(make_counter(), path, 2)
    with pytest.raises(ReplayMismatchError):
        CountingStore(make_counter(), record(path, resume=True), Count(9))
    with caplog.at_level(logging.WARNING, logger="refold.record"):
        recorder = record(path, resume=True)
        CountingStore(make_newer_counter(), recorder, Count(9))
    recorder.close()
    assert "the application's schema is not the one that was recorded" in caplog.text


def test_a_log_without_fingerprints_reads_and_goes_on(tmp_path: Path) -> None:
    """A log of an older refold, or of a store that does not say its reducer, is as good."""
    path = tmp_path / "log"
    run(make_counter(), path, 2)
    reseal(path, lambda lines: lines[0].pop("schema_fingerprint"))
    assert fingerprints(path) == [None]
    run(make_newer_counter(), path, 1)
    assert fingerprints(path) == [None]
    assert replay(path, make_counter()).at(3) == Count(3)


def test_a_fingerprint_that_is_no_text_is_damage(tmp_path: Path) -> None:
    """A header with anything else there is refused."""
    path = tmp_path / "log"
    run(make_counter(), path, 1)
    reseal(path, lambda lines: lines[0].update(schema_fingerprint=7))
    with pytest.raises(LogDamagedError, match="the header's schema_fingerprint is no str"):
        LogReader(path)


def test_a_store_is_recorded_whether_it_says_its_reducer_or_not(tmp_path: Path) -> None:
    """The header has the fingerprint of the store's reducer, or leaves it out."""
    path = tmp_path / "log"
    record_readings(path, 1)
    told = {line.get("schema_fingerprint") for line in json_lines(path)[:1]}
    assert told <= {schema_of(make_observatory()).fingerprint, None}
    store = Store(make_counter(), middleware=[record(tmp_path / "other")])
    close_store(store)
    assert set(fingerprints(tmp_path / "other")) <= {OLD, None}
