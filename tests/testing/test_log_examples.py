"""A recorded session as an example of a property."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from refold import Action, Reducer, Store, action, record
from refold.errors import LogDamagedError, LogError, LogFormatError, UnknownActionError
from refold.replay.log_record import LogRecord
from refold.replay.log_writer import LogWriter
from refold.testing.log_examples import example_from_log
from refold.testing.run_strategies import runs_for
from tests.testing.lawless_reducers import Box, Drop, Put, Weigh, make_box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Run = tuple[Action, ...]

BOX = make_box()

SESSION: Run = (
    *(Put(f"thing {number}") for number in range(60)),
    Weigh(40),
    *(Put(f"thing {number}") for number in range(60, 120)),
    Weigh(7000),
    Drop(),
    *(Put(f"thing {number}") for number in range(30)),
)

ONLY_EXPLICIT = settings(phases=[Phase.explicit], database=None)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the log of a session."""
    return recorded(tmp_path / "session.jsonl", SESSION)


def recorded(path: Path, run: Iterable[Action], state: Box | None = None, **options: Any) -> Path:
    """Record a run."""
    store = Store(BOX, state=state, middleware=[recorder := record(path, **options)])
    for each in run:
        store.dispatch(each)
    recorder.close()
    return path


def states(run: Run) -> list[Box]:
    """Return the states on the way."""
    return list(itertools.accumulate(run, BOX, initial=Box()))


def failure_of(test: Callable[[], object]) -> tuple[BaseException, str]:
    """Return what a test raises, and all of its notes."""
    try:
        test()
    except BaseException as error:  # noqa: BLE001  # what pytest itself raises, too
        return error, "\n".join(getattr(error, "__notes__", []))
    message = "the test passes"
    raise AssertionError(message)


# --- as a decorator ------------------------------------------------------------------------------


def test_the_session_is_tried_before_anything_is_drawn(log: Path) -> None:
    """Each run of the test begins with the recorded run, above `given` and below it."""
    seen: list[Run] = []

    @example_from_log(log, BOX)
    @settings(max_examples=5, database=None)
    @given(runs_for(BOX))
    def above(run: Run) -> None:
        seen.append(run)

    @settings(max_examples=5, database=None)
    @given(runs_for(BOX))
    @example_from_log(log)
    def below(run: Run) -> None:
        seen.append(run)

    for test in (above, below, above):
        seen.clear()
        test()
        assert seen[0] == SESSION
        assert len(seen) > 1


def test_a_failing_session_is_shrunken(log: Path) -> None:
    """The failure is that of the shortest run, which stands there as an example to paste."""

    @example_from_log(log, BOX)
    @ONLY_EXPLICIT
    @given(run=runs_for(BOX))
    def is_light(run: Run) -> None:
        weight = max((a.weight for a in run if isinstance(a, Weigh)), default=0)
        assert weight < 1000, weight

    error, notes = failure_of(is_light)
    assert "1000" in str(error)
    assert notes.splitlines()[:10] == [
        "The 153 actions of session.jsonl fail; so does this run of 1 action:",
        "",
        "    from hypothesis import example",
        "    from tests.testing.lawless_reducers import Weigh",
        "",
        "    @example(",
        "        run=(",
        "            Weigh(weight=1000),",
        "        )",
        "    )",
    ]
    assert "run=<153 actions of session.jsonl>" in notes


def test_the_example_that_is_shown_fails_as_it_is(log: Path) -> None:
    """Pasted above the test, it fails in the same way."""

    def keeps_names(run: Run) -> None:
        for before, after in itertools.pairwise(states(run)):
            assert len(before.names) < 3 or after.names

    def as_property() -> Any:
        return ONLY_EXPLICIT(given(run=runs_for(BOX))(keeps_names))

    _, notes = failure_of(example_from_log(log, BOX)(as_property()))
    code = [line[4:] for line in notes.splitlines() if line.startswith("    ")]
    program = "\n".join([*code[: code.index(")") + 1], "def test(run): ..."])
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102  # the text is our own
    run = names["test"].hypothesis_explicit_examples[0].kwargs["run"]
    assert [type(each) for each in run] == [Put, Put, Put, Drop]
    again, _ = failure_of(example(run=run)(as_property()))
    assert "assert (3 < 3 or " in str(again)


def test_another_failure_does_not_count(log: Path) -> None:
    """A shorter run that fails elsewhere is another bug, and is not what is shown."""

    @example_from_log(log, BOX)
    @ONLY_EXPLICIT
    @given(run=runs_for(BOX))
    def needs_a_name(run: Run) -> None:
        assert run[0] == Put("thing 0")  # of shorter runs, many fail here
        assert states(run)[-1].weight < 1000 or not isinstance(run[-1], Weigh)
        assert sum(isinstance(each, Drop) for each in run) < 1, "it was dropped"

    error, notes = failure_of(needs_a_name)
    assert "it was dropped" in str(error)
    assert "so does this run of 2 actions" in notes


def test_other_arguments_stay_as_they_are(log: Path) -> None:
    """A test of a class, with a fixture, is called with both each time."""
    seen: set[tuple[object, str]] = set()

    class TestShop:
        @example_from_log(log)
        @ONLY_EXPLICIT
        @given(run=runs_for(BOX))
        def check(self, fixture: str, run: Run) -> None:
            seen.add((self, fixture))
            assert Drop() not in run

    tests = TestShop()
    _, notes = failure_of(lambda: tests.check("a fixture"))
    assert "run of 1 action:" in notes
    assert seen == {(tests, "a fixture")}


def test_what_pytest_fails_by_is_a_failure(log: Path) -> None:
    """`pytest.fail` raises no Exception, and is shrunken all the same."""

    @example_from_log(log)
    @ONLY_EXPLICIT
    @given(run=runs_for(BOX))
    def check(run: Run) -> None:
        if Drop() in run:
            pytest.fail("it was dropped")

    error, notes = failure_of(check)
    assert isinstance(error, pytest.fail.Exception)
    assert "run of 1 action:" in notes


def test_a_test_may_give_up(log: Path) -> None:
    """`assume` and a skip are no failures: nothing is shrunken."""
    calls: list[Run] = []

    @example_from_log(log)
    @ONLY_EXPLICIT
    @given(run=runs_for(BOX))
    def assumes(run: Run) -> None:
        calls.append(run)
        assume(len(run) < 100)

    @example_from_log(log)
    @ONLY_EXPLICIT
    @given(run=runs_for(BOX))
    def skips(run: Run) -> None:
        calls.append(run)
        pytest.skip("not today")

    assumes()
    failure_of(skips)
    assert calls == [SESSION, SESSION]


def test_a_failure_that_does_not_come_again_goes_as_it_is(log: Path) -> None:
    """Where the same run passes at the second time, there is nothing to shrink."""
    calls: list[Run] = []

    @example_from_log(log)
    @ONLY_EXPLICIT
    @given(run=runs_for(BOX))
    def check(run: Run) -> None:
        calls.append(run)
        assert len(calls) > 1

    _, notes = failure_of(check)
    assert len(calls) == 2
    assert "so does this run" not in notes


@action("log_examples/stacked")
class Stacked(Action):
    """So many at least."""

    count: int = attrs.field(validator=attrs.validators.ge(1))


def test_a_class_that_refuses_simpler_values_costs_few_calls(tmp_path: Path) -> None:
    """Where the simpler value is refused the search ends, instead of trying the same run again."""
    reducer = Reducer(0)
    reducer.on(Stacked)(lambda state, action: state + action.count)
    path = tmp_path / "session.jsonl"
    store = Store(reducer, middleware=[recorder := record(path)])
    for number in range(1, 40):
        store.dispatch(Stacked(number))
    recorder.close()
    calls: list[Run] = []

    @example_from_log(path, reducer)
    @ONLY_EXPLICIT
    @given(run=runs_for(reducer))
    def check(run: Run) -> None:
        calls.append(run)
        assert not run

    failure_of(check)
    assert (Stacked(1),) in calls
    assert len(calls) < 100


def test_actions_that_cannot_be_imported_are_shown(tmp_path: Path) -> None:
    """A class inside a function has no import; its actions are shown as they print."""

    @action("log_examples/whispered")
    class Whispered(Action):
        words: str

    reducer = Reducer(Box())
    reducer.on(Whispered)(lambda state, _action: state)
    path = tmp_path / "session.jsonl"
    store = Store(reducer, middleware=[recorder := record(path)])
    store.dispatch(Whispered("hush"))
    recorder.close()

    @example_from_log(path, reducer)
    @ONLY_EXPLICIT
    @given(run=runs_for(reducer))
    def check(run: Run) -> None:
        assert not run

    _, notes = failure_of(check)
    assert "cannot be imported by a test" in notes
    assert "Whispered(at_ms=None, words='')," in notes


async def some_coroutine(run: Run) -> None:
    """Test nothing."""


def test_a_coroutine_is_refused(log: Path) -> None:
    """The message says what to write instead, which works."""
    with pytest.raises(TypeError, match=r"@example\(run=example_from_log"):
        example_from_log(log)(some_coroutine)
    example(run=example_from_log(log).actions)(some_coroutine)


def test_two_strategies_are_refused_by_hypothesis(log: Path) -> None:
    """The run is the only thing that is drawn, or Hypothesis says which are not given."""

    @example_from_log(log)
    @given(run=runs_for(BOX), number=st.integers())
    def check(run: Run, number: int) -> None: ...

    with pytest.raises(Exception, match="got strategies for 'number', 'run'"):
        check()


# --- logs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reducer", [None, BOX], ids=["alone", "with its reducer"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("session.jsonl", {}),
        ("session", {"segment_bytes": 2000}),
        ("compressed", {"segment_bytes": 2000, "compress": True}),
    ],
)
def test_every_kind_of_log_is_read(
    tmp_path: Path, name: str, options: dict[str, Any], reducer: Any
) -> None:
    """One file, a folder of segments, and one of compressed ones."""
    path = recorded(tmp_path / name, SESSION, **options)
    assert example_from_log(str(path), reducer).actions == SESSION


def test_an_unfinished_last_line_is_left_out(log: Path) -> None:
    """A program that was killed leaves what it had committed."""
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:6]) + lines[6][:20])
    assert example_from_log(log, BOX).actions == SESSION[:5] == example_from_log(log).actions


@pytest.mark.parametrize("reducer", [None, BOX], ids=["alone", "with its reducer"])
def test_a_log_that_cannot_be_read_is_refused(tmp_path: Path, log: Path, reducer: Any) -> None:
    """No log, none at all recorded, a damaged line, an unknown action: each says what it is."""
    with pytest.raises(LogFormatError, match=r"nothing\.jsonl"):
        example_from_log(tmp_path / "nothing.jsonl", reducer)
    with pytest.raises(LogError, match="has no record, so it is no example of anything"):
        example_from_log(recorded(tmp_path / "empty.jsonl", ()), reducer)
    (tmp_path / "blank.jsonl").touch()
    with pytest.raises(LogError):
        example_from_log(tmp_path / "blank.jsonl", reducer)
    text = log.read_text(encoding="utf-8")
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text(text.replace("thing 7", "thing 8", 1), encoding="utf-8")
    with pytest.raises(LogDamagedError, match="seq 8"):
        example_from_log(damaged, reducer)


def test_an_action_that_nobody_imported_is_told(tmp_path: Path) -> None:
    """The name in the log is one that no loaded class has."""
    path = tmp_path / "unknown.jsonl"
    writer = LogWriter(path, start_state=None, start_digest="", digest_every=1)
    writer.append(
        [
            LogRecord(
                seq=1,
                id="w-1",
                name="nobody/has_this",
                version=1,
                at_ms=None,
                cause=None,
                origin="app",
                payload={},
            )
        ]
    )
    writer.close()
    with pytest.raises(UnknownActionError, match="nobody/has_this"):
        example_from_log(path)


def test_a_log_that_begins_elsewhere_is_refused(tmp_path: Path) -> None:
    """Runs begin in the initial state; a session of a store that was given a state does not."""
    path = recorded(tmp_path / "later.jsonl", [Drop()], state=Box(weight=5))
    with pytest.raises(LogError, match="does not begin in the reducer's initial state"):
        example_from_log(path, BOX)
    assert example_from_log(path).actions == (Drop(),)  # nobody was asked


def test_a_trimmed_log_is_refused(tmp_path: Path) -> None:
    """Where the beginning is gone, so is the run."""
    path = recorded(tmp_path / "log", SESSION, segment_bytes=2000, keep_bytes=3000)
    (path / "000001.jsonl").unlink(missing_ok=True)
    with pytest.raises(LogError, match="because its beginning was trimmed"):
        example_from_log(path)
    with pytest.raises(LogError, match="does not begin in the reducer's initial state"):
        example_from_log(path, BOX)
