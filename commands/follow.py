"""`refold follow`: the records of a log as they come, like ``tail -f``.

What belongs here: the command and its two forms of output.  What does not: waiting for records,
which `refold.replay.log_follow` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import reprlib
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import attrs
import orjson
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from refold.commands.application import find_application
from refold.commands.open_log import open_log
from refold.commands.printable import printable
from refold.commands.record_table import RecordTable
from refold.commands.report_error import CommandError, naming_reducer_errors
from refold.commands.state_changes import StateChange
from refold.errors import LogDamagedError
from refold.reducers.reducer import Reducer
from refold.replay.action_codec import decode_action
from refold.replay.changed_paths import changed_paths
from refold.replay.log_follow import follow_log
from refold.replay.log_reader import LogReader
from refold.replay.log_segments import Segment, has_whole_header, list_segments
from refold.replay.timeline import Timeline

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

__all__ = ["follow"]

_SHOWN_AT_FIRST: Final = 10
"""Records of the past that are shown, as many as ``tail`` shows lines."""

_MOST_CHANGES: Final = 6
"""Lines of changes below one record, as many as ``refold show`` has."""

_LONGEST_VALUE: Final = 60
"""Characters of a value in such a line."""

_POLL_S: Final = 0.05
"""Seconds between two looks for a log that is not there yet."""

_SEQ_WIDTH, _TIME_WIDTH, _ORIGIN_WIDTH = 6, 10, 12
"""Of the columns: nobody knows what will come, so there is room for a million records in a day."""


def follow(
    log: Path,
    /,
    *,
    json: bool = False,
    app: str | None = None,
    from_: Annotated[int | None, Parameter(name="--from")] = None,
    wait: bool = False,
) -> int:
    """Show the last records of a log, and then each one as it is written.

    It goes on until Ctrl-C, and does not disturb the program that writes.
    The columns are those of refold show.

    Example: refold follow run.jsonl --app shop.main:root

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        json: Print one JSON object per record.
        app: The root reducer, module:attribute: also show what each record changed in the state.
        from_: The first record to show; by default the last ten that are there.
        wait: Wait for a log that is not there yet.

    Returns:
        130 when it is interrupted, 1 if the log is damaged, 2 if it cannot be followed.
    """
    if from_ is not None and from_ < 1:
        message = f"--from expects the number of a record, 1 or more, got {from_}"
        raise CommandError(message)
    reducer = None if app is None else find_application(app).reducer
    with naming_reducer_errors():
        asyncio.run(_follow(log, reducer, from_, json=json, wait=wait))
    return 0


async def _follow(
    log: Path, reducer: Reducer[Any] | None, from_: int | None, *, json: bool, wait: bool
) -> None:
    while wait and not _has_begun(log):  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(_POLL_S)
    if not _has_begun(log):
        open_log(log).close()  # says what is wrong with it
    last_begun, head = _last_begun_and_head(log)
    first_seq = max(head + 1 - _SHOWN_AT_FIRST, 1) if from_ is None else from_
    lines = _JsonLines() if json else _TableLines(log)
    fold = None if reducer is None else _Fold.of_log(log, reducer)
    begin = _first_seq(log)
    if fold is None:
        begin = max(begin, min(first_seq, last_begun))
    async for entry in follow_log(log, begin - 1):
        for record in entry:
            changes = None if fold is None else fold.take(record)
            if record.seq >= first_seq:
                lines.write(record, changes)
        sys.stdout.flush()


def _has_begun(log: Path) -> bool:
    """Tell whether a log is there with its whole first line."""
    segments = list_segments(log)
    return bool(segments) and _has_header(segments[0])


def _has_header(segment: Segment) -> bool:
    """Tell whether a segment has begun; one that was compressed meanwhile counts when it is met."""
    with contextlib.suppress(OSError):
        return has_whole_header(segment)
    return False


def _first_seq(log: Path) -> int:
    reader = LogReader(log, from_seq=None)
    reader.close()
    return reader.header.first_seq


def _last_begun_and_head(log: Path) -> tuple[int, int]:
    """Return where the last segment begins that has its header, and the last record there is.

    That is the last before damage, if there is any; following will meet it.
    """
    begun = [each for each in list_segments(log)[-2:] if _has_header(each)]
    reader = LogReader(log, from_seq=begun[-1].first_seq if begun else None)
    with contextlib.suppress(LogDamagedError):
        deque(reader.entries(), maxlen=0)
    return reader.header.first_seq, reader.lines.head


@attrs.define
class _Fold:
    """The state after the record that was taken last."""

    reducer: Reducer[Any]
    state: Any

    @classmethod
    def of_log(cls, log: Path, reducer: Reducer[Any]) -> _Fold:
        """Begin with the first state that the log has."""
        reader = LogReader(log, from_seq=None)
        start = Timeline(reader, reducer).start
        reader.close()
        return cls(reducer, start)

    def take(self, record: LogRecord) -> list[StateChange]:
        """Fold a record and return what it changed."""
        before, action = self.state, decode_action(record)
        try:
            self.state = self.reducer(before, action)
        except Exception as error:
            error.add_note(f"raised while replaying seq {record.seq} ({record.name})")
            raise
        return [
            StateChange(change.path or "state", _short(change.old), _short(change.new))
            for change in changed_paths(before, self.state)
        ]


class _JsonLines:
    """Each record as one JSON object."""

    def write(self, record: LogRecord, changes: list[StateChange] | None) -> None:
        value = attrs.asdict(record, recurse=False)
        if changes is not None:
            value["state_changes"] = [attrs.asdict(change) for change in changes]
        sys.stdout.write(orjson.dumps(value).decode() + "\n")


class _TableLines:
    """Each record as a line of a table."""

    def __init__(self, log: Path) -> None:
        """Print what is known of the log, so that one in which nothing happens is seen, too."""
        reader = LogReader(log, from_seq=None)
        self._first = next((entry[0] for entry in reader.entries()), None)
        reader.close()
        self._console = Console(highlight=False)
        self._table: RecordTable | None = None
        text = f"log {reader.header.log_id} in {printable(str(log))}, until Ctrl-C"
        self._console.print(Text(text), soft_wrap=True)
        sys.stdout.flush()

    def write(self, record: LogRecord, changes: list[StateChange] | None) -> None:
        if self._table is None:
            self._table = self._make_table(record)
            self._print(self._table.heading())
        self._print(self._table.line(record))
        for one in (changes or [])[:_MOST_CHANGES]:
            self._print(Text(f"      {one.path}: {one.old} -> {one.new}", style="dim"))
        more = len(changes or []) - _MOST_CHANGES
        if more > 0:
            self._print(Text(f"      ... and {more} more", style="dim"))

    def _make_table(self, record: LogRecord) -> RecordTable:
        first = self._first or record
        return RecordTable(
            start_ms=first.at_ms or 0,
            seq_width=_SEQ_WIDTH,
            time_width=0 if first.at_ms is None else _TIME_WIDTH,
            origin_width=_ORIGIN_WIDTH,
            cause_width=_SEQ_WIDTH + 1,
        )

    def _print(self, line: Text) -> None:
        self._console.print(line, no_wrap=True, overflow="ellipsis")


def _short(value: Any) -> str:
    return printable(_repr.repr(value))


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _LONGEST_VALUE
