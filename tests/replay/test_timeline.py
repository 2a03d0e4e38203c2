"""`replay` and `Timeline`: folding a log to any of its states, and noticing when it goes astray.

What belongs here: examples of what the properties leave open.  What does not: damage to the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import LogError, PayloadError
from refold.middleware.record import record
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.replay.log_reader import LogReader
from refold.replay.replay import replay
from refold.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@attrs.frozen
class Counter:
    """A number."""

    value: int = 0


@attrs.frozen
class Label:
    """A text."""

    text: str = ""


@attrs.frozen
class Desk:
    """A counter and a label."""

    counter: Counter = Counter()
    label: Label = Label()


@attrs.frozen
class DeskWithLateLabel:
    """A counter, and a label that comes with its reducer."""

    counter: Counter
    label: Label


@action("timeline/counted")
class Counted(Action):
    """Something was counted."""

    by: int = 1


@action("timeline/labelled")
class Labelled(Action):
    """A text was given."""

    text: str


def make_counter(factor: int = 1) -> Reducer[Counter]:
    """Return a counter that multiplies what it adds."""
    counter = Reducer(Counter())

    @counter.on(Counted)
    def _(state: Counter, action: Counted) -> Counter:
        return Counter(state.value + factor * action.by)

    return counter


def make_label() -> Reducer[Label]:
    """Return a label."""
    label = Reducer(Label())

    @label.on(Labelled)
    def _(_state: Label, action: Labelled) -> Label:
        return Label(action.text)

    return label


def make_desk(factor: int = 1) -> Reducer[Desk]:
    """Return the reducer of the desk."""
    return combine_reducers(Desk, counter=make_counter(factor), label=make_label())


async def record_desk(path: Path, count: int) -> Path:
    """Record a label and so many counts."""
    async with Store(make_desk(), middleware=[record(path)]) as store:
        store.dispatch(Labelled("desk"))
        for _ in range(count):
            store.dispatch(Counted())
    return path


async def test_a_long_log_can_be_asked_anywhere(tmp_path: Path) -> None:
    """States far apart are found in any order, also beyond many records."""
    timeline = replay(await record_desk(tmp_path / "log", 1200), make_desk())
    for seq in (1201, 3, 700, 500, 501, 499, 1, 1000, 1200):
        assert timeline.at(seq) == Desk(Counter(seq - 1), Label("desk"))
    assert timeline.at(0) == Desk()


async def test_a_seq_outside_the_log_is_refused(tmp_path: Path) -> None:
    """Asking before the start or after the end says what there is, and harms nothing."""
    timeline = replay(await record_desk(tmp_path / "log", 2), make_desk())
    with pytest.raises(LogError, match="ends at seq 3, so there is no state at seq 4"):
        timeline.at(4)
    with pytest.raises(LogError, match=r"0 \(the start\) or more, got -1"):
        timeline.at(-1)
    assert timeline.at(3) == Desk(Counter(2), Label("desk"))


async def test_records_are_a_sequence(tmp_path: Path) -> None:
    """The records have a length, indices from both ends and slices, and may be read twice."""
    records = replay(await record_desk(tmp_path / "log", 3), make_desk()).records
    assert [one.name for one in records] == ["timeline/labelled"] + ["timeline/counted"] * 3
    assert [one.seq for one in records] == [one.seq for one in records] == [1, 2, 3, 4]
    assert len(records) == 4
    assert records[0].payload == {"text": "desk"}
    assert records[-1].seq == 4
    assert [one.seq for one in records[1:3]] == [2, 3]
    with pytest.raises(IndexError):
        records[4]


async def test_an_open_log_may_be_replayed(tmp_path: Path) -> None:
    """`replay` takes a log that is open already."""
    reader = LogReader(await record_desk(tmp_path / "log", 1))
    assert replay(reader, make_desk()).at(2).counter == Counter(1)


def test_a_log_that_is_being_written_can_be_read(tmp_path: Path) -> None:
    """What was dispatched so far is there for a reader while the store goes on."""
    path = tmp_path / "log"
    store = Store(make_desk(), middleware=[record(path)])
    store.dispatch(Counted(5))
    timeline = replay(path, make_desk())
    assert timeline.at(1) == store.state
    timeline.verify()
    store.dispatch(Counted(5))
    assert replay(path, make_desk()).at(2) == store.state


def test_an_empty_log_has_only_its_start(tmp_path: Path) -> None:
    """A store that nobody used leaves a log of length 0, which verifies."""
    Store(make_desk(), middleware=[record(tmp_path / "log")])
    timeline = replay(tmp_path / "log", make_desk())
    assert (timeline.head, timeline.at(0)) == (0, Desk())
    assert list(timeline.records) == []
    timeline.verify()


async def test_a_changed_reducer_still_gives_states(tmp_path: Path) -> None:
    """Only verifying compares: `at` shows what the changed reducer makes of the log."""
    timeline = replay(await record_desk(tmp_path / "log", 3), make_desk(factor=10))
    assert timeline.at(4).counter == Counter(30)


def test_a_changed_initial_state_does_not_change_the_start(tmp_path: Path) -> None:
    """The start state comes from the log, whatever the reducer starts with today."""
    Store(make_desk(), middleware=[record(tmp_path / "log")]).dispatch(Counted())
    today = combine_reducers(Desk, counter=Reducer(Counter(77)), label=make_label())
    assert replay(tmp_path / "log", today).at(0) == Desk()


def test_another_state_type_is_refused(tmp_path: Path) -> None:
    """A log of another application is refused when it is opened, with the fields that differ."""
    Store(make_desk(), middleware=[record(tmp_path / "log")]).dispatch(Counted())
    with pytest.raises(PayloadError, match="start state does not fit Label"):
        replay(tmp_path / "log", make_label())


def test_a_reducer_that_raises_on_replay_tells_the_seq(tmp_path: Path) -> None:
    """An error of the reducer passes through, with a note of the record that was folded."""
    store = Store(make_desk(), middleware=[record(tmp_path / "log")])
    store.dispatch(Labelled("x"))
    store.dispatch(Counted())
    strict = make_desk()

    @strict.on(Counted)
    def _(_state: Desk, _action: Counted) -> Desk:
        raise ZeroDivisionError

    timeline = replay(tmp_path / "log", strict)
    with pytest.raises(ZeroDivisionError) as caught:
        timeline.at(2)
    assert any("seq 2 (timeline/counted)" in note for note in caught.value.__notes__)
    assert timeline.at(1).label == Label("x")


def test_a_plain_function_folds_a_log(tmp_path: Path) -> None:
    """A store over a plain function with a number for its state is recorded and replayed, too."""

    def count(state: int | None, action: Any) -> int:
        present = 40 if state is None else state
        return present + action.by if isinstance(action, Counted) else present

    store = Store(count, middleware=[record(tmp_path / "log")])
    store.dispatch(Counted(2))
    timeline = replay(tmp_path / "log", count)
    assert (timeline.at(0), timeline.at(1)) == (40, 42)
    timeline.verify()


def test_a_slice_that_was_injected_later_is_replayed(tmp_path: Path) -> None:
    """A run during which a slice was injected folds again with the reducer as it is at the end."""
    late = combine_reducers(DeskWithLateLabel, counter=make_counter())
    store = Store(late, middleware=[record(tmp_path / "log")])
    store.dispatch(Counted())
    late.inject("label", make_label())
    store.dispatch(Labelled("late"))
    timeline = replay(tmp_path / "log", late)
    assert timeline.at(2) == store.state == DeskWithLateLabel(Counter(1), Label("late"))
    timeline.verify()


def test_a_root_without_some_slice_is_replayed(tmp_path: Path) -> None:
    """A root with an absent slice, started from a given state, folds again without that slice."""
    partial = combine_reducers(DeskWithLateLabel, counter=make_counter())
    store = Store(partial, state={"counter": Counter(5)}, middleware=[record(tmp_path / "log")])
    store.dispatch(Counted())
    timeline = replay(tmp_path / "log", partial)
    assert timeline.at(0).counter == Counter(5)
    assert timeline.at(1).counter == store.state.counter == Counter(6)
    timeline.verify()
