"""`hydrate`: a start from the newest state that a log keeps, and the tail after it.

What belongs here: which kept state is taken, what is folded, and going on.  What does not: saving
keyframes, which `record` does.
"""

from __future__ import annotations

import gzip
import itertools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold import hydrate
from refold.actions.action import Action, action
from refold.actions.upcaster import upcaster
from refold.errors import (
    ActionDeclarationError,
    LogDamagedError,
    LogError,
    LogFormatError,
    PayloadError,
)
from refold.middleware.record import record
from refold.reducers.reducer import Reducer
from refold.replay.action_codec import encode_payload, encode_state
from refold.replay.action_log import Keyframe, LogEntry
from refold.replay.canonical_digest import state_digest
from refold.replay.hydrate import Hydrated
from refold.replay.log_file import FileActionLog
from refold.replay.log_housekeeping import trim_segments
from refold.replay.log_keyframes import save_keyframe
from refold.replay.log_record import LogRecord
from refold.replay.log_segments import list_segments
from refold.replay.replay import replay
from refold.store.store import Store
from tests.replay.aging_application import FIRST, SECOND, load_application
from tests.strategies.log_lines import reseal
from tests.strategies.observatory_actions import NobodyCares, PartFailed, ReadingTaken
from tests.strategies.observatory_reducer import PartFailedError, make_observatory
from tests.strategies.observatory_strategies import runs
from tests.strategies.recorded_runs import close_store, record_readings

if TYPE_CHECKING:
    from tests.strategies.observatory_states import Observatory

folders = itertools.count()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for many logs."""
    return tmp_path_factory.mktemp("logs")


def counting_observatory() -> tuple[list[Action], Callable[[Any, Action], Observatory]]:
    """Return a reducer, and the actions that it folded so far."""
    folded: list[Action] = []
    root = make_observatory()

    def fold(state: Observatory | None, action: Action) -> Observatory:
        if state is None:
            return root.initial
        folded.append(action)
        return root(state, action)

    return folded, fold


def go_on(path: Path, run: Sequence[Action], **options: Any) -> Store[Observatory]:
    """Start a program as its every start is written, and let a run happen."""
    root = make_observatory()
    hydrated = hydrate(path, root)
    store = Store(root, state=hydrated.state, middleware=[record(path, resume=True, **options)])
    for each in run:
        store.dispatch(each)
    return store


def save_state_at(path: Path, seq: int, wrong: Observatory | None = None) -> None:
    """Keep the state after a record of a log, or another one in its place."""
    state = wrong or replay(path, make_observatory()).at(seq)
    save_keyframe(path, Keyframe(seq, encode_state(state), state_digest(state)))


def kept_seqs(path: Path) -> list[int]:
    """Return the seqs of the states that a folder keeps."""
    keyframes = [int(file.name[:20]) for file in path.glob("*.keyframe.json")]
    return sorted([*keyframes, *((one.first_seq or 1) - 1 for one in list_segments(path))])


sessions = st.lists(
    st.tuples(runs, st.integers(0, 12), st.booleans(), st.binary(max_size=9)), max_size=4
)
"""What happened in each, where a keyframe is kept, whether it was killed, in which last bytes."""


@given(sessions=sessions, segment_bytes=st.none() | st.integers(1, 2000))
def test_hydrating_equals_replaying_and_folds_the_tail_alone(
    shelf: Path, sessions: list[tuple[Any, int, bool, bytes]], segment_bytes: int | None
) -> None:
    """After any sessions, killed or closed: the state of a full replay, and a log that verifies."""
    path = shelf / f"{next(folders)}"
    for run, kept_at, is_killed, torn in sessions:
        store = go_on(path, run, segment_bytes=segment_bytes)
        live = state_digest(store.state)
        if is_killed:  # the disk as it is at that moment
            path = shutil.copytree(path, shelf / f"{next(folders)}")
            with list_segments(path)[-1].path.open("ab") as file:
                file.write(torn.replace(b"\n", b""))
        close_store(store)
        head = replay(path, make_observatory()).head
        save_state_at(path, min(kept_at, head))
        folded, fold = counting_observatory()
        hydrated = hydrate(path, fold)
        assert state_digest(hydrated.state) == live
        assert live == state_digest(replay(path, make_observatory()).at(head))
        assert (hydrated.seq, hydrated.from_seq) == (head, kept_seqs(path)[-1])
        assert len(folded) == hydrated.folded == head - kept_seqs(path)[-1]
        assert (hydrated.torn_tail is not None) == bool(is_killed and torn.replace(b"\n", b""))
    close_store(go_on(path, [NobodyCares(1.0)]))
    timeline = replay(path, make_observatory())
    timeline.verify()
    assert timeline.head == sum(len(run) for run, *_ in sessions) + 1


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a folder with one segment of 20 readings and keyframes after the 8th and 15th."""
    path = tmp_path / "log"
    record_readings(path, 20)
    for seq in (8, 15):
        save_state_at(path, seq)
    return path


def expect(path: Path, *, from_seq: int) -> None:
    """Expect the state of a full replay, folded from a kept one."""
    hydrated = hydrate(path, make_observatory())
    timeline = replay(path, make_observatory())
    assert hydrated.from_seq == from_seq
    assert (hydrated.seq, hydrated.folded) == (timeline.head, timeline.head - from_seq)
    assert state_digest(hydrated.state) == state_digest(timeline.at(timeline.head))


def test_the_newest_keyframe_is_taken(log: Path) -> None:
    """Of several keyframes the last one counts."""
    expect(log, from_seq=15)


@pytest.mark.parametrize("name", ["run.jsonl", "folder"])
def test_a_first_start_is_written_as_every_later_one(tmp_path: Path, name: str) -> None:
    """Where no log is, the state is the reducer's initial one, and what follows is recorded."""
    path, root = tmp_path / name, make_observatory()
    assert hydrate(path, root) == Hydrated(root.initial, 0, 0, 0, None)
    for number in range(3):
        close_store(go_on(path, [ReadingTaken("north", float(number), 1)]))
    assert hydrate(str(path), root).state.totals.sum == 3.0


def test_an_empty_folder_is_no_log_yet(tmp_path: Path) -> None:
    """A folder without segments starts from the initial state, even if keyframes lie in it."""
    save_keyframe(tmp_path, Keyframe(5, {}, "digest"))
    assert hydrate(tmp_path, make_observatory()).seq == 0


@pytest.mark.parametrize("name", ["run.jsonl", "folder"])
def test_a_writer_that_died_in_its_first_line_left_nothing(tmp_path: Path, name: str) -> None:
    """A header that was never finished is reported as torn, wherever it ends."""
    path = tmp_path / name
    record_readings(path, 0)
    file = list_segments(path)[0].path
    header = file.read_bytes()
    for left in {*range(0, len(header), 9), 1, len(header) - 1}:
        file.write_bytes(header[:left])
        hydrated = hydrate(path, make_observatory())
        assert hydrated.seq == 0
        assert (hydrated.torn_tail.size_bytes if hydrated.torn_tail else 0) == left
    close_store(go_on(path, [NobodyCares(1.0)]))
    assert hydrate(path, make_observatory()).seq == 1


@pytest.mark.parametrize("last", [b"", b'{"refold_log":1,"log_', b"half"])
def test_a_writer_that_died_beginning_a_segment_left_the_one_before(
    tmp_path: Path, last: bytes
) -> None:
    """A last segment without a whole header does not count."""
    path = tmp_path / "log"
    record_readings(path, 20, segment_bytes=1000)
    segments = list_segments(path)
    head = (segments[-1].first_seq or 1) - 1
    segments[-1].path.write_bytes(last)
    hydrated = hydrate(path, make_observatory())
    assert (hydrated.seq, hydrated.from_seq) == (head, (segments[-2].first_seq or 1) - 1)
    assert (hydrated.torn_tail is not None) == bool(last)


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"nonsense"])
def test_a_damaged_keyframe_is_passed_over(log: Path, damage: bytes) -> None:
    """A keyframe that cannot be read lets an earlier one count."""
    max(log.glob("*.keyframe.json")).write_bytes(damage)
    expect(log, from_seq=8)


def test_a_keyframe_whose_digest_does_not_fit_its_state_is_passed_over(log: Path) -> None:
    """A state that is read as another one than was kept is not trusted."""
    state = replay(log, make_observatory()).at(15)
    save_keyframe(log, Keyframe(15, encode_state(state), state_digest(make_observatory().initial)))
    save_keyframe(log, Keyframe(16, {"other": 1}, state_digest(state)))
    save_keyframe(log, Keyframe(17, None, state_digest(state)))
    expect(log, from_seq=8)


def test_a_keyframe_behind_the_log_s_end_is_passed_over(log: Path) -> None:
    """After a loss of power a keyframe may be there whose record is not."""
    save_state_at(log, 21, wrong=make_observatory().initial)
    expect(log, from_seq=15)


def test_a_keyframe_of_another_history_is_passed_over(tmp_path: Path) -> None:
    """A keyframe is not taken if its record carries the digest of another state."""
    path = tmp_path / "log"
    record_readings(path, 300)
    save_state_at(path, 256, wrong=make_observatory().initial)
    assert replay(path, make_observatory()).records[255].digest
    expect(path, from_seq=0)


def test_damage_in_the_tail_is_raised(log: Path) -> None:
    """Damage behind the kept state, and in the segment that has to be read, is named."""
    file = list_segments(log)[0].path
    content = file.read_bytes()
    for seq in (3, 18):
        lines = content.splitlines(keepends=True)
        lines[seq] = lines[seq].replace(b"north", b"south")
        file.write_bytes(b"".join(lines))
        with pytest.raises(LogDamagedError) as caught:
            hydrate(log, make_observatory())
        assert caught.value.seq == seq


def test_a_damaged_header_is_raised(tmp_path: Path) -> None:
    """A segment whose header is damaged is not skipped, whichever it is of those to be read."""
    path = tmp_path / "log"
    record_readings(path, 20, segment_bytes=1000)
    for segment in (list_segments(path)[-1], list_segments(path)[-2]):
        content = segment.path.read_bytes()
        segment.path.write_bytes(content.replace(b"start_state", b"xtart_state"))
        if segment == list_segments(path)[-1]:
            with pytest.raises(LogDamagedError) as caught:
                hydrate(path, make_observatory())
            assert (caught.value.segment, caught.value.line) == (segment.path.name, 1)
        else:
            assert hydrate(path, make_observatory()).seq == 20
        segment.path.write_bytes(content)


def test_a_compressed_log_is_hydrated(tmp_path: Path) -> None:
    """Closed segments may be compressed; the last one as well, and one file, too."""
    path = tmp_path / "log"
    record_readings(path, 20, segment_bytes=1000)
    expected = hydrate(path, make_observatory())
    for segment in list_segments(path):
        packed = gzip.compress(segment.path.read_bytes())
        segment.path.with_name(f"{segment.path.name}.gz").write_bytes(packed)
        segment.path.unlink()
    assert hydrate(path, make_observatory()) == expected
    single = tmp_path / "run.jsonl.gz"
    shutil.copy(list_segments(path)[0].path, single)
    assert hydrate(single, make_observatory()).from_seq == 0
    single.write_bytes(single.read_bytes()[:12])
    with pytest.raises(LogError):
        hydrate(single, make_observatory())


def test_a_trimmed_log_is_hydrated_and_gone_on_with(tmp_path: Path) -> None:
    """Of a log whose beginning is gone the end is what it was."""
    path = tmp_path / "log"
    record_readings(path, 60, segment_bytes=1000)
    expected = state_digest(replay(path, make_observatory()).at(60))
    for before in (30, 10**6):
        trim_segments(path, before)
        assert state_digest(hydrate(path, make_observatory()).state) == expected
    close_store(go_on(path, [NobodyCares(1.0)]))
    assert hydrate(path, make_observatory()).seq == 61
    replay(path, make_observatory()).verify()


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    """A foreign file is not taken for a log that is not there yet."""
    for name in ("foreign.jsonl", "notes.txt"):
        (tmp_path / name).write_text("{}\n")
        with pytest.raises(LogFormatError):
            hydrate(tmp_path / name, make_observatory())


def test_what_a_reducer_raises_names_the_record(log: Path) -> None:
    """An error of the reducer passes through with a note of the seq."""
    strict = make_observatory()

    @strict.on(ReadingTaken)
    def _(state: Observatory, action: ReadingTaken) -> Observatory:
        if action.value == 18.0:
            raise PartFailedError
        return state

    assert PartFailed in strict.handles
    with pytest.raises(PartFailedError) as caught:
        hydrate(log, strict)
    assert any("seq 18 (" in note and ".at(17)" in note for note in caught.value.__notes__)


@action("hydrate/number_added")
class NumberAdded(Action):
    """A number was added."""

    number: int


def make_sum() -> Reducer[int]:
    """Return a reducer whose whole state is a number."""
    total = Reducer(0)

    @total.on(NumberAdded)
    def _(state: int, action: NumberAdded) -> int:
        return state + action.number

    return total


async def test_an_engine_s_log_is_hydrated_from_its_keyframes(tmp_path: Path) -> None:
    """A log whose segments know no states starts from the initial one, or from a keyframe."""
    path = tmp_path / "log"
    engine = FileActionLog(path)
    for seq in range(1, 6):
        payload = encode_payload(NumberAdded(seq))
        one = LogRecord(seq, f"w-{seq}", "hydrate/number_added", 1, None, None, "app", payload)
        await engine.append(LogEntry((one,)))
    assert hydrate(path, make_sum()) == Hydrated(15, 5, 5, 0, None)
    await engine.save_keyframe(Keyframe(3, 6, state_digest(6)))
    assert hydrate(path, make_sum()) == Hydrated(15, 5, 2, 3, None)
    await engine.close()
    timeline = replay(path, make_sum())
    assert timeline.at(5) == 15
    timeline.verify()


def test_an_old_schema_is_folded_from_the_start_by_upcasters(tmp_path: Path) -> None:
    """Kept states of older classes give other digests; the first one is upcast and folded on."""
    path, first = tmp_path / "log", load_application(FIRST)
    store = Store[Any](first.root, middleware=[record(path)])
    for number in range(6):
        store.dispatch(first.Ordered(str(number)))
    state = store.state
    save_keyframe(path, Keyframe(6, encode_state(state), state_digest(state)))
    close_store(store)
    assert hydrate(path, first.root).folded == 0
    second = load_application(SECOND)
    hydrated = hydrate(path, second.root)
    assert (hydrated.folded, hydrated.from_seq) == (6, 0)
    assert [line.count for line in hydrated.state.lines] == [1] * 6


def test_states_that_no_class_reads_say_what_to_do(tmp_path: Path) -> None:
    """If nothing that the log keeps fits, the error names the reason and the ways out."""

    @attrs.frozen
    class Other:
        unheard: int

    path = tmp_path / "log"
    record_readings(path, 20, segment_bytes=1000)
    reducer = Reducer(Other(1))
    count = len(list_segments(path))
    with pytest.raises(PayloadError, match=f"none of the {count} states") as caught:
        hydrate(path, reducer)
    for words in ("unheard", "wire_version", "@upcaster(", "move the log away"):
        assert words in str(caught.value)


def test_digests_of_another_algorithm_are_refused(log: Path) -> None:
    """A log whose digests cannot be compared gives the same error as its replay."""
    for file in log.glob("*.keyframe.json"):
        file.unlink()
    reseal(log, lambda values: values[0].update(digest_algorithm="other/9"))
    with pytest.raises(LogError, match="replay it with the refold that wrote it"):
        hydrate(log, make_observatory())


def test_a_gap_in_the_upcasters_is_refused_before_anything_is_folded(tmp_path: Path) -> None:
    """`hydrate` and `replay` check the chains of a reducer when they begin."""

    @action("hydrate/aged", version=3)
    class Aged(Action):
        pass

    @upcaster("hydrate/aged", from_version=1)
    def _(payload: dict[str, Any]) -> dict[str, Any]:
        return payload

    path, reducer = tmp_path / "log", make_sum()
    Store(reducer, middleware=[record(path)]).dispatch(NumberAdded(1))
    reducer.on(Aged)(lambda state, _: state)
    for read in (hydrate, replay):
        with pytest.raises(ActionDeclarationError, match=r"none from version 2.*@upcaster"):
            read(path, reducer)
