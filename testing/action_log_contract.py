"""`ACTION_LOG_CONTRACT`: what every engine that keeps a log must do, as checks that a test runs.

What belongs here: checks that hold for any engine.  What does not: how one engine keeps its files.

    @pytest.mark.parametrize("check", ACTION_LOG_CONTRACT, ids=lambda check: check.__name__)
    async def test_my_engine(check, tmp_path):
        await check(lambda: MyEngine.open(tmp_path))

Each check gets a function that opens one and the same log, which is empty at first; it closes the
log before it opens it again.  A check raises AssertionError if the engine breaks the contract.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

from refold.errors import LogConflictError, LogError, LogRegressedError, LogTruncatedError
from refold.replay.action_log import ActionLog, Keyframe, LogEntry
from refold.replay.log_record import LogRecord

__all__ = ["ACTION_LOG_CONTRACT", "ActionLogCheck", "OpenLog"]

OpenLog: TypeAlias = Callable[[], Awaitable[ActionLog]]
"""Opens the log of one test, again and again."""

E = TypeVar("E", bound=LogError)

ActionLogCheck: TypeAlias = Callable[[OpenLog], Awaitable[None]]
"""One part of the contract."""

_WAIT_S: Final = 20
"""Seconds after which a follower that gets nothing has failed."""


async def check_an_empty_log_has_nothing(open_log: OpenLog) -> None:
    """A new log has the head 0, no entry and no keyframe."""
    log = await open_log()
    _expect(await log.head(), 0)
    _expect(await _all(log), [])
    _expect(await log.latest_keyframe(), None)
    await log.close()


async def check_entries_come_back_in_order(open_log: OpenLog) -> None:
    """Entries are numbered from 1 without a gap, and read as they were written."""
    log = await open_log()
    written = [_entry(1), _entry(2, 3, 4), _entry(5)]
    _expect([await log.append(entry) for entry in written], [1, 4, 5])
    _expect(await log.head(), 5)
    _expect(await _all(log), written)
    await log.close()


async def check_the_log_gives_the_numbers(open_log: OpenLog) -> None:
    """Whatever number a record brings, it gets the next one; its id and payload are kept."""
    log = await open_log()
    await log.append(_entry(700))
    _expect(await log.append(_entry(700)), 2)
    records = [record for entry in await _all(log) for record in entry.records]
    _expect([(one.seq, one.id) for one in records], [(1, "writer-700"), (2, "writer-700")])
    await log.close()


async def check_an_unexpected_end_is_a_conflict(open_log: OpenLog) -> None:
    """An entry that expects another end is not written; one that expects the right one is."""
    log = await open_log()
    _expect(await log.append(_entry(1), expected_seq=0), 1)
    error = await _error_of(
        log.append(_entry(2), expected_seq=0),
        LogConflictError,
        "an entry that expected another end was written",
    )
    _expect((error.expected_seq, error.head), (0, 1))
    _expect(await log.append(_entry(2), expected_seq=1), 2)
    _expect(await log.head(), 2)
    await log.close()


async def check_a_range_is_read(open_log: OpenLog) -> None:
    """Reading from and to a number gives the entries that have a record in between."""
    log = await _filled(open_log, 10)
    _expect([entry.seq async for entry in log.read(4, 7)], [4, 5, 6, 7])
    _expect([entry.seq async for entry in log.read(9)], [9, 10])
    _expect([entry.seq async for entry in log.read(11)], [])
    await log.close()


async def check_a_log_is_gone_on_with(open_log: OpenLog) -> None:
    """A log that is closed and opened again has all its entries and goes on behind them."""
    log = await _filled(open_log, 3)
    before = await _all(log)
    await log.close()
    await log.close()
    log = await open_log()
    _expect(await log.head(), 3)
    _expect(await log.append(_entry(4)), 4)
    _expect((await _all(log))[:3], before)
    await log.close()


async def check_appends_at_once_keep_an_order(open_log: OpenLog) -> None:
    """Entries appended by many tasks at once get different numbers and are all there."""
    log = await open_log()
    numbers = await asyncio.gather(*(log.append(_entry(number)) for number in range(1, 41)))
    _expect(sorted(numbers), list(range(1, 41)))
    ids = {record.seq: record.id for entry in await _all(log) for record in entry.records}
    _expect(ids, {seq: f"writer-{number}" for number, seq in enumerate(numbers, start=1)})
    await log.close()


async def check_a_follower_gets_what_is_there_and_what_comes(open_log: OpenLog) -> None:
    """A follower first gets the entries after its cursor, then each new one, once and in order."""
    log = await _filled(open_log, 5)
    following = log.follow(2, anchor="writer-2")
    _expect([(await _next(following)).seq for _ in range(3)], [3, 4, 5])
    for number in range(6, 30):
        waiting = asyncio.ensure_future(_next(following))
        await asyncio.sleep(0)
        _expect(await log.append(_entry(number)), number)
        _expect((await waiting).id, f"writer-{number}")
    await _end(following)
    await log.close()


async def check_a_follower_of_another_log_is_told(open_log: OpenLog) -> None:
    """A cursor with another id at its place, or behind the end, is a LogRegressedError."""
    log = await _filled(open_log, 5)
    for after_seq, anchor in ((3, "somebody-3"), (9, "writer-9")):
        following = log.follow(after_seq, anchor=anchor)
        error = await _error_of(
            _next(following), LogRegressedError, "a follower with a wrong anchor was given an entry"
        )
        _expect((error.seq, error.expected), (after_seq, anchor))
        await _end(following)
    await log.close()


async def check_keyframes_come_back(open_log: OpenLog) -> None:
    """The latest keyframe at or before a number is found, also after opening again."""
    log = await _filled(open_log, 10)
    frames = [Keyframe(seq, {"sum": seq}, f"digest-{seq}") for seq in (0, 4, 8)]
    for frame in frames:
        await log.save_keyframe(frame)
    await log.close()
    log = await open_log()
    _expect(await log.latest_keyframe(), frames[2])
    _expect(await log.latest_keyframe(7), frames[1])
    _expect(await log.latest_keyframe(3), frames[0])
    await log.close()


async def check_a_keyframe_behind_the_end_is_refused(open_log: OpenLog) -> None:
    """A keyframe of a record that is not there is a LogConflictError."""
    log = await _filled(open_log, 2)
    error = await _error_of(
        log.save_keyframe(Keyframe(3, {}, "digest")),
        LogConflictError,
        "a keyframe behind the end was kept",
    )
    _expect(error.head, 2)
    await log.close()


async def check_trimming_leaves_no_gap(open_log: OpenLog) -> None:
    """After trimming, what is not before the record is all there; what is gone is told of."""
    log = await _filled(open_log, 60)
    await log.trim(31)
    _expect([entry.seq async for entry in log.read(31)], list(range(31, 61)))
    first_seq = await _first_seq(log)
    _expect(first_seq, min(max(first_seq, 1), 31))
    _expect([entry.seq async for entry in log.read(first_seq)], list(range(first_seq, 61)))
    if first_seq > 1:
        following = log.follow(first_seq - 2)
        error = await _error_of(
            _next(following),
            LogTruncatedError,
            "a follower behind the trimmed part was given an entry",
        )
        _expect(error.first_seq, first_seq)
        await _end(following)
    _expect(await log.append(_entry(61)), 61)
    await log.close()
    log = await open_log()
    _expect(await log.head(), 61)
    await log.close()


async def check_trimming_everything_leaves_the_head(open_log: OpenLog) -> None:
    """A log of which all was trimmed goes on where it was, and numbers are never given twice."""
    log = await _filled(open_log, 20)
    await log.trim(21)
    await log.close()
    log = await open_log()
    _expect(await log.head(), 20)
    _expect(await log.append(_entry(21)), 21)
    await log.close()


ACTION_LOG_CONTRACT: Final[tuple[ActionLogCheck, ...]] = (
    check_an_empty_log_has_nothing,
    check_entries_come_back_in_order,
    check_the_log_gives_the_numbers,
    check_an_unexpected_end_is_a_conflict,
    check_a_range_is_read,
    check_a_log_is_gone_on_with,
    check_appends_at_once_keep_an_order,
    check_a_follower_gets_what_is_there_and_what_comes,
    check_a_follower_of_another_log_is_told,
    check_keyframes_come_back,
    check_a_keyframe_behind_the_end_is_refused,
    check_trimming_leaves_no_gap,
    check_trimming_everything_leaves_the_head,
)
"""All checks; each needs an empty log of its own."""


def _entry(*numbers: int) -> LogEntry:
    """Return an entry whose records have these numbers, and ids made of them."""
    return LogEntry(
        tuple(
            LogRecord(
                seq=number,
                id=f"writer-{number}",
                name="contract/number_written",
                version=1,
                at_ms=None,
                cause=None,
                origin="app",
                payload={"number": number, "text": "\u2028 \N{SNOWMAN} \n"},
            )
            for number in numbers
        )
    )


async def _filled(open_log: OpenLog, count: int) -> ActionLog:
    log = await open_log()
    for number in range(1, count + 1):
        await log.append(_entry(number))
    return log


async def _all(log: ActionLog) -> list[LogEntry]:
    return [entry async for entry in log.read()]


async def _first_seq(log: ActionLog) -> int:
    """Return the first record that is still there."""
    try:
        async for entry in log.read(1):
            return entry.records[0].seq
    except LogTruncatedError as error:
        return error.first_seq
    message = "the log is empty"
    raise AssertionError(message)


async def _next(following: AsyncIterator[LogEntry]) -> LogEntry:
    async with asyncio.timeout(_WAIT_S):
        return await anext(following)


async def _end(following: AsyncIterator[LogEntry]) -> None:
    """End a follower now, if it can be; otherwise the loop does it later."""
    aclose = getattr(following, "aclose", None)
    if aclose is not None:
        await aclose()


def _expect(found: object, wanted: object) -> None:
    """Fail unless two values are equal; a plain assert would be silent under ``python -O``."""
    if found != wanted:
        message = f"expected {wanted!r}, got {found!r}"
        raise AssertionError(message)


async def _error_of(doing: Awaitable[object], wanted: type[E], instead: str) -> E:
    """Return the error that something raises; fail if it raises none."""
    try:
        await doing
    except wanted as error:
        return error
    message = f"expected a {wanted.__name__}, but {instead}"
    raise AssertionError(message)
