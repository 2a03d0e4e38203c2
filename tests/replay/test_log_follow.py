"""Following a log while it is written: every entry once, in order, without a lock.

What belongs here: `follow_log`, with a writer beside it or in a process of its own.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refold.errors import LogDamagedError, LogFormatError, LogRegressedError, LogTruncatedError
from refold.middleware.record import record
from refold.replay.log_follow import follow_log
from refold.replay.log_housekeeping import tidy_segments, trim_segments
from refold.replay.log_options import LogOptions
from refold.store.store import Store
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.recorded_runs import ENVIRONMENT, record_readings

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

WRITE = """
import sys
from pathlib import Path
from tests.strategies.observatory_actions import ReadingTaken
from tests.strategies.recorded_runs import close_store, resume_store

store, _ = resume_store(Path(sys.argv[1]), sync="group", segment_bytes=5000, compress=True)
print("begun", flush=True)
for number in range(1, int(sys.argv[2]) + 1):
    if number % 7:
        store.dispatch(ReadingTaken("north", float(number), 1))
    else:
        with store.transaction():
            store.dispatch(ReadingTaken("north", float(number), 1))
            store.dispatch(ReadingTaken("south", float(number), 1))
close_store(store)
"""


async def seqs_of(following: AsyncIterator[tuple[LogRecord, ...]], count: int) -> list[int]:
    """Return the numbers of the next records, at least so many."""
    seqs: list[int] = []
    async with asyncio.timeout(30):
        while len(seqs) < count:
            seqs += [one.seq for one in await anext(following)]
    return seqs


async def test_a_log_of_another_process_is_followed(tmp_path: Path) -> None:
    """Across segments that are closed and compressed meanwhile, nothing is missed or repeated."""
    path = tmp_path / "log"
    with subprocess.Popen(  # noqa: ASYNC220  # blocks for a moment only
        [sys.executable, "-c", WRITE, str(path), "2000"], stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"begun\n"
        following = follow_log(path, poll_ms=1)
        total = 2000 + 2000 // 7
        assert await seqs_of(following, total) == list(range(1, total + 1))
        await following.aclose()
    assert writer.returncode == 0
    assert len(list(path.glob("*.gz"))) > 20


async def test_a_follower_begins_after_its_cursor(tmp_path: Path) -> None:
    """What is known already is not told again, and the cursor's record is compared."""
    path = tmp_path / "log"
    store = Store(make_observatory(), middleware=[record(path, segment_bytes=1000)])
    for number in range(20):
        store.dispatch(ReadingTaken("north", float(number), 1))
    whole = follow_log(path, poll_ms=1)
    ids = [(await anext(whole))[0].id for _ in range(20)]
    for after in (1, 10, 19):
        following = follow_log(path, after, anchor=ids[after - 1], poll_ms=1)
        rest = await seqs_of(following, 20 - after) if after < 20 else []
        assert rest == list(range(after + 1, 21))
        await following.aclose()
    following = follow_log(path, 20, anchor=ids[-1], poll_ms=1)
    waiting = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    store.dispatch(ReadingTaken("north", 1.0, 1))
    assert [one.seq for one in await waiting] == [21]
    await following.aclose()
    await whole.aclose()


async def test_an_unfinished_line_is_waited_for(tmp_path: Path) -> None:
    """A line that arrives in pieces, or is cut off and written anew, is told once it is whole."""
    path = tmp_path / "run.jsonl"
    record_readings(path, 3)
    content = path.read_bytes()
    start = content.rindex(b"\n", 0, -1) + 1
    path.write_bytes(content[:start])
    following = follow_log(path, poll_ms=1)
    assert await seqs_of(following, 2) == [1, 2]
    waiting = asyncio.ensure_future(anext(following))
    for piece in (b'{"seq":3,"other', b"", content[start:][:9], content[start:][:-1]):
        path.write_bytes(content[:start] + piece)
        await asyncio.sleep(0.003)
        assert not waiting.done()
    path.write_bytes(content)
    assert [one.seq for one in await waiting] == [3]
    await following.aclose()


async def test_another_record_at_the_cursor_is_told(tmp_path: Path) -> None:
    """A follower whose last record is another one in the log, or is not there, folds nothing on."""
    path = tmp_path / "log"
    record_readings(path, 5)
    for after, anchor, found in ((3, "other-3", True), (9, "other-9", False)):
        with pytest.raises(LogRegressedError) as caught:
            await anext(follow_log(path, after, anchor=anchor))
        assert (caught.value.seq, caught.value.expected) == (after, anchor)
        assert (caught.value.found is not None) == found


async def test_a_log_that_lost_its_end_is_told(tmp_path: Path) -> None:
    """If records that were told are gone, as after a loss of power, the follower is told."""
    path = tmp_path / "run.jsonl"
    record_readings(path, 5)
    following = follow_log(path, poll_ms=1)
    await seqs_of(following, 5)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\n", 0, -1) + 1])
    with pytest.raises(LogRegressedError, match="no longer has seq 5"):
        await anext(following)


async def test_damage_is_told(tmp_path: Path) -> None:
    """A whole line that is not what was written ends the following."""
    path = tmp_path / "run.jsonl"
    record_readings(path, 2)
    following = follow_log(path, poll_ms=1)
    await seqs_of(following, 2)
    with path.open("ab") as file:
        file.write(b"rubbish\n")
    with pytest.raises(LogDamagedError) as caught:
        await anext(following)
    assert (caught.value.line, caught.value.seq) == (4, 3)


async def test_a_follower_behind_what_was_trimmed_is_told(tmp_path: Path) -> None:
    """A slow follower whose next records are gone gets an error; one that has them all does not."""
    path = tmp_path / "log"
    store = Store(make_observatory(), middleware=[record(path, segment_bytes=1000)])
    for number in range(30):
        store.dispatch(ReadingTaken("north", float(number), 1))
    slow, fast = follow_log(path, poll_ms=1), follow_log(path, poll_ms=1)
    await seqs_of(slow, 1)
    ids = [(await anext(fast))[0].id for _ in range(30)]
    trim_segments(path, 10**6)
    first_seq = int(min(path.glob("*.jsonl")).stem)
    with pytest.raises(LogTruncatedError) as caught:
        await seqs_of(slow, 29)
    assert caught.value.first_seq == first_seq
    store.dispatch(ReadingTaken("north", 1.0, 1))
    assert [one.seq for one in await anext(fast)] == [31]
    edge = follow_log(path, first_seq - 1, anchor=ids[first_seq - 2], poll_ms=1)
    assert [one.seq for one in await anext(edge)] == [first_seq]
    with pytest.raises(LogTruncatedError):
        await anext(follow_log(path, first_seq - 2))
    for following in (fast, edge):
        await following.aclose()


async def test_compressing_what_is_being_followed_changes_nothing(tmp_path: Path) -> None:
    """A segment that is compressed while a follower stands at its end is left for the next."""
    path = tmp_path / "log"
    store = Store(make_observatory(), middleware=[record(path, segment_bytes=1000)])
    following = follow_log(path, poll_ms=1)
    for number in range(1, 31):
        store.dispatch(ReadingTaken("north", float(number), 1))
        assert await seqs_of(following, 1) == [number]
        tidy_segments(path, LogOptions(compress=True))
    await following.aclose()


async def test_there_must_be_a_log(tmp_path: Path) -> None:
    """Following what is not there is an error."""
    with pytest.raises(LogFormatError, match="give the path of a log"):
        await anext(follow_log(tmp_path / "none"))
