"""`Timeline.verify`: that a fold is the recorded one, and where it went another way.

What belongs here: each kind of change since a log was recorded, and what the error says of it.
What does not: damaged files, and the command that prints it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import ReplayMismatchError
from refold.middleware.record import record
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.replay.replay import replay
from refold.replay.schema import schema_of
from refold.store.store import Store
from tests.replay.bank_timelines import BANK
from tests.replay.bank_with_bugs import Bank, DayEnded, Deposited, Opened, Renamed, make_bank
from tests.strategies.log_lines import reseal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from refold.replay.timeline import Timeline


@attrs.frozen
class Counter:
    """A number, and how it is shown."""

    value: int = 0
    unit: str = "m"


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
class LabelWithColour:
    """The label after a field was added."""

    text: str = ""
    colour: str = "white"


@attrs.frozen
class DeskWithColour:
    """The desk with such a label."""

    counter: Counter = Counter()
    label: LabelWithColour = LabelWithColour()


@action("verify/counted")
class Counted(Action):
    """Something was counted."""

    by: int = 1


@action("verify/labelled")
class Labelled(Action):
    """A text was given."""

    text: str


@action("verify/cleared")
class Cleared(Action):
    """Everything is as at first."""


def make_counter(
    factor: int = 1, wrong_at: int | None = None, cleared: Counter | None = None
) -> Reducer[Counter]:
    """Return a counter, as it was recorded or with a change."""
    counter = Reducer(Counter())

    @counter.on(Counted)
    def _(state: Counter, action: Counted) -> Counter:
        following = state.value + factor * action.by
        return evolve(state, value=following + 1000 if following == wrong_at else following)

    @counter.on(Cleared)
    def _(_state: Counter, _action: Cleared) -> Counter:
        return Counter() if cleared is None else cleared

    return counter


def make_label(suffix: str = "") -> Reducer[Label]:
    """Return a label, as it was recorded or with a change."""
    label = Reducer(Label())

    @label.on(Labelled)
    def _(_state: Label, action: Labelled) -> Label:
        return Label(action.text + suffix)

    return label


def make_desk(counter: Reducer[Counter] | None = None, suffix: str = "") -> Reducer[Desk]:
    """Return the reducer of the desk."""
    return combine_reducers(Desk, counter=counter or make_counter(), label=make_label(suffix))


async def record_desk(path: Path, *more: Action, count: int = 0) -> Path:
    """Record a label, so many counts, and more."""
    async with Store(make_desk(), middleware=[record(path)]) as store:
        for one in [Labelled("desk"), *[Counted()] * count, *more]:
            store.dispatch(one)
    return path


def mismatch(timeline: Timeline[Any]) -> ReplayMismatchError:
    """Return the error of verifying."""
    with pytest.raises(ReplayMismatchError) as caught:
        timeline.verify()
    assert caught.value.expected != caught.value.found
    assert f"at seq {caught.value.seq}, in {caught.value.path}" in str(caught.value)
    return caught.value


async def test_an_unchanged_application_verifies(tmp_path: Path) -> None:
    """The reducer that was recorded gives the recorded states, before and after a close."""
    replay(await record_desk(tmp_path / "log", Cleared(), count=600), make_desk()).verify()


async def test_changed_arithmetic_is_found_in_its_slice(tmp_path: Path) -> None:
    """A slice that counts otherwise is named, the others are not; one field below it is sure."""
    error = mismatch(replay(await record_desk(tmp_path / "log", count=3), make_desk(suffix="!")))
    assert (error.seq, error.path) == (4, "Desk.label.text")
    assert "counter" not in str(error)
    for words in ("a reducer changed", "not pure", "at one of 4 records, after seq 0 and up to"):
        assert words in str(error)
    assert str(error).endswith("since then the replay changed Desk.label.text, at seq 1")


async def test_several_changed_slices_are_all_named(tmp_path: Path) -> None:
    """Each slice of the state that differs stands in the sentence, the first one is the path."""
    changed = make_desk(make_counter(factor=2), suffix="!")
    error = mismatch(replay(await record_desk(tmp_path / "log", count=3), changed))
    assert error.path == "Desk.counter"
    assert "in Desk.counter and Desk.label.text: digest" in str(error)
    assert "changed Desk.counter.value, at seq 2, 3, 4;" not in str(error)
    assert str(error).endswith("changed Desk.counter.value, at seq 2, 3, 4")


async def test_a_changed_default_is_found_where_it_is_used(tmp_path: Path) -> None:
    """A default that a reducer takes is found at the record that takes it, not at the start."""
    path = await record_desk(tmp_path / "log", Cleared())
    changed = replay(path, make_desk(make_counter(cleared=Counter(0, "cm"))))
    error = mismatch(changed)
    assert (error.seq, error.path) == (2, "Desk.counter")
    assert str(error).endswith("since then the replay changed Desk.counter.unit, at seq 2")


async def test_a_changed_initial_state_is_no_change_of_the_log(tmp_path: Path) -> None:
    """The start state comes from the log, so another initial state verifies."""
    path = await record_desk(tmp_path / "log", count=1)
    today = combine_reducers(Desk, counter=make_counter(), label=Reducer(Label("new")))
    today.inject("label", make_label(), override=True)
    replay(path, today).verify()


async def test_the_stretch_with_the_change_is_named(tmp_path: Path) -> None:
    """Of 900 records, the error names the first digest that differs and the last that fits."""
    path = await record_desk(tmp_path / "log", count=900)
    timeline = replay(path, make_desk(make_counter(wrong_at=600)))
    error = mismatch(timeline)
    digests = [one.seq for one in timeline.records if one.digest]
    after = max(seq for seq in digests if seq < 601)
    assert (error.seq, error.path) == (min(s for s in digests if s >= 601), "Desk.counter")
    assert f"at one of {error.seq - after} records, after seq {after} and up to" in str(error)
    assert f"at seq {after + 1}, {after + 2}, {after + 3} and {error.seq - after - 3} more" in str(
        error
    )


async def test_a_single_record_between_two_digests_is_exact(tmp_path: Path) -> None:
    """If a digest stands before the record that differs, there is no other one it could be."""
    path = await record_desk(tmp_path / "log", count=256)
    error = mismatch(replay(path, make_desk(make_counter(wrong_at=256))))
    assert (error.seq, error.path) == (257, "Desk.counter")
    assert "exactly at seq 257, after seq 256 and up to seq 257" in str(error)


async def test_an_impure_reducer_is_found_at_its_very_record(tmp_path: Path) -> None:
    """A reducer with a memory of its own is found at its first record, with the part below."""
    calls = itertools.count()

    def impure(state: Bank | None, action: Action) -> Bank:
        following = BANK(state, action)
        if isinstance(action, Deposited):
            return BANK(following, Deposited(action.name, next(calls)))
        return following

    session: list[Action] = [DayEnded(), Opened("a"), Deposited("a", 5), DayEnded(), DayEnded()]
    async with Store(impure, middleware=[record(tmp_path / "log")]) as store:
        for one in session:
            store.dispatch(one)
    error = mismatch(replay(tmp_path / "log", impure))
    assert (error.seq, error.path) == (3, "Bank.accounts['a']")
    assert "seq 3 (bank/deposited) twice" in str(error)


def swap_payloads(first: int, second: int) -> Callable[[list[dict[str, Any]]], None]:
    """Return a change of a log's lines that lets two actions happen in each other's place."""

    def change(lines: list[dict[str, Any]]) -> None:
        kept = {"seq", "id", "digest", "crc"}
        one, other = lines[first], lines[second]
        moved = {key: one[key] for key in one if key not in kept}
        one.update({key: other[key] for key in other if key not in kept})
        other.update(moved)

    return change


async def test_a_reordered_log_is_found(tmp_path: Path) -> None:
    """Two actions that somebody exchanged, with checksums that fit, lead to another state."""
    path = tmp_path / "log.jsonl"
    await record_desk(path, Labelled("x"), Counted(), Labelled("y"))
    reseal(path, swap_payloads(2, 4))
    error = mismatch(replay(path, make_desk()))
    assert (error.seq, error.path) == (4, "Desk.label.text")
    assert "changed Desk.label.text, at seq 1, 2, 4" in str(error)


async def test_actions_that_may_change_places_are_no_mismatch(tmp_path: Path) -> None:
    """Verifying compares states: an order that leads to the same states is as good."""
    path = tmp_path / "log.jsonl"
    await record_desk(path, Counted(2), Counted(3))
    reseal(path, swap_payloads(2, 3))
    replay(path, make_desk()).verify()


def set_fingerprint(fingerprint: str | None) -> Callable[[list[dict[str, Any]]], None]:
    """Return a change of a log's lines that names the schema that recorded it, or none."""

    def change(lines: list[dict[str, Any]]) -> None:
        lines[0]["schema_fingerprint"] = fingerprint

    return change


async def test_a_changed_state_class_is_found_at_the_start(tmp_path: Path) -> None:
    """A field more in a slice differs before any record, and the schema is another one."""
    path = await record_desk(tmp_path / "log.jsonl", count=1)
    reseal(path, set_fingerprint(schema_of(make_desk()).fingerprint))
    error = mismatch(replay(path, Reducer(DeskWithColour())))
    assert (error.seq, error.path) == (0, "DeskWithColour.label")
    assert "in the start state" in str(error)
    assert error.__notes__ == ["the application's schema is not the one that was recorded"]


async def test_a_mismatch_under_the_recorded_schema_has_no_note(tmp_path: Path) -> None:
    """Where only the code of a reducer is another one, nothing is said of the schema."""
    path = await record_desk(tmp_path / "log.jsonl", count=1)
    for fingerprint in (schema_of(make_desk()).fingerprint, None):
        reseal(path, set_fingerprint(fingerprint))
        assert not hasattr(mismatch(replay(path, make_desk(suffix="!"))), "__notes__")


async def test_a_renaming_that_loses_an_account_names_the_candidates(tmp_path: Path) -> None:
    """Of a reducer that is only another one, the field is sure and the parts are candidates."""
    async with Store(make_bank(), middleware=[record(tmp_path / "log")]) as store:
        for one in [Opened("a"), Opened("b"), Deposited("a", 5), Renamed("a", "b")]:
            store.dispatch(one)
    error = mismatch(replay(tmp_path / "log", make_bank("renaming loses the other")))
    assert (error.seq, error.path) == (4, "Bank.accounts")
    assert "changed Bank.accounts['a'], Bank.accounts['b'], at seq 1, 2, 3 and 1 more" in str(error)


async def test_a_reducer_that_ignores_what_it_handled_is_found(tmp_path: Path) -> None:
    """Where the replay changed nothing since the last digest that fits, that is said."""
    path = await record_desk(tmp_path / "log", count=1)
    deaf = combine_reducers(Desk, counter=Reducer(Counter()), label=make_label())
    error = mismatch(replay(path, deaf))
    assert (error.seq, error.path) == (2, "Desk.counter")
    assert str(error).endswith("the replay changed nothing in Desk.counter since")


async def test_an_edited_timeline_verifies_the_log(tmp_path: Path) -> None:
    """Skipped records do not make a log wrong."""
    async with Store(make_bank(), middleware=[record(tmp_path / "log")]) as store:
        store.dispatch(DayEnded())
    timeline = replay(tmp_path / "log", make_bank())
    timeline.skip(1)
    assert timeline.at(1).days == 0
    timeline.verify()
