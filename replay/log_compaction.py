"""`compact_log`: let a log begin later, with the state that its oldest records lead to.

What belongs here: where the log may be cut, and the proof that nothing after the cut is lost.  What
does not: writing files (`log_rewrite`, `log_housekeeping`).

Every seq and id stays, and so does every state after the cut.  A crash at any moment leaves the old
log, or the new one, or the old one without some of its oldest segments; each is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from refold.errors import LogError, LogExistsError, LogWriteError
from refold.reducers.reducer import Reducer, as_reducer
from refold.replay.action_codec import encode_state
from refold.replay.canonical_digest import state_digest
from refold.replay.log_housekeeping import tidy_segments, trim_segments
from refold.replay.log_keyframes import trim_keyframes
from refold.replay.log_lock import LogLock
from refold.replay.log_options import LogOptions
from refold.replay.log_reader import LogReader
from refold.replay.log_rewrite import LogRewrite
from refold.replay.log_segments import is_one_file, list_segments, segment_name
from refold.replay.proven_fold import check_digest, proven_fold
from refold.replay.timeline import Timeline, torn_tail_error

if TYPE_CHECKING:
    from refold.replay.log_record import LogHeader, LogRecord

__all__ = ["Compaction", "compact_log"]


@attrs.frozen(kw_only=True)
class Compaction:
    """What became of a log."""

    log_id: str
    """From its header; it stays."""

    path: Path
    """The log that begins later."""

    old_first_seq: int
    """The record that it began with."""

    first_seq: int
    """The record that it begins with now; one more than `head` if it has none."""

    asked_first_seq: int
    """The record that it was to begin with; an earlier one is kept if it cannot be parted from."""

    head: int
    """The last record."""

    bytes_before: int
    """The size of its files before, in bytes."""

    bytes_after: int
    """The size of its files now, in bytes."""

    @property
    def records_dropped(self) -> int:
        """How many records are no longer in it."""
        return self.first_seq - self.old_first_seq


def compact_log(
    path: Path,
    reducer: Callable[[Any, Any], Any],
    choose: Callable[[range], int],
    *,
    output: Path | None = None,
    on_entry: Callable[[], object] = lambda: None,
) -> Compaction:
    """Fold the oldest records of a log into its start state.

    A folder loses whole segments, and its closed ones are compressed; one file is written anew.

    Args:
        path: the log; nobody may be writing it.
        reducer: what it was recorded with.
        choose: given the seqs of the records, returns the first that has to be kept; one more than
            the last to keep none.
        output: where to write the shorter log instead; the old one is not touched.
        on_entry: called for every commit that is folded.

    Raises:
        LogLockedError: it is being written.
        LogDamagedError: it is damaged, or its last line is torn; it is as it was.
        ReplayMismatchError: the reducer leads to other states than were recorded.
        LogError: the state that it would begin with cannot be written so that it is read again.
        LogExistsError: there is something at the output.
        LogWriteError: it cannot be written.
    """
    if output is not None:
        _check_is_free(output)
    lock = LogLock(path)
    try:
        seqs = _read_whole(path)
        work = _Work(path, as_reducer(reducer), seqs, choose(seqs), on_entry)
        if output is not None:
            return work.rewrite(output)
        return work.rewrite(path) if is_one_file(path) else work.drop_segments()
    finally:
        lock.release()


@attrs.frozen
class _Work:
    """One log that is being compacted."""

    path: Path
    reducer: Reducer[Any]
    seqs: range
    cut: int
    """The first record to keep."""
    on_entry: Callable[[], object]

    def fold(self, reader: LogReader) -> Iterator[tuple[tuple[LogRecord, ...], Any]]:
        """Yield the start and each commit, with the state after it; see `proven_fold`."""
        for entry, state in proven_fold(reader, self.reducer):
            self.on_entry()
            yield entry, state

    def drop_segments(self) -> Compaction:
        """Delete the segments before the last one that begins with a proven state."""
        bytes_before = _size_bytes(self.path)
        reader = LogReader(self.path, from_seq=None)
        first_seq = self._last_sound_beginning(reader)
        try:
            trim_segments(self.path, first_seq)
            trim_keyframes(self.path, first_seq)
        except OSError as error:
            message = f"cannot trim {self.path}: {error}; what is still there has no gap"
            raise LogWriteError(message) from error
        tidy_segments(self.path, LogOptions(compress=True))
        return self._done(reader.header, self.path, first_seq, bytes_before)

    def _last_sound_beginning(self, reader: LogReader) -> int:
        """Return the last seq up to the cut at which this log could begin.

        All segments before it must have a state, too: they go one by one, and a crash between two
        must leave a log that can be folded.
        """
        firsts = [each.first_seq or 1 for each in list_segments(self.path)]
        waiting = [first for first in firsts if self.seqs.start < first <= self.cut]
        found = self.seqs.start
        for entry, state in self.fold(reader):
            following = entry[-1].seq + 1 if entry else self.seqs.start
            if waiting[:1] == [following]:
                sound = self._begins_with(following, state)
                found, waiting = (following, waiting[1:]) if sound else (found, [])
        return found

    def _begins_with(self, first_seq: int, state: Any) -> bool:
        """Tell whether a segment can be folded without those before it."""
        reader = LogReader(self.path, from_seq=first_seq)
        reader.close()
        if not reader.header.start_digest:
            return False
        check_digest(state, reader.header.start_digest, first_seq - 1)
        return _is_read_as(reader, self.reducer, state)

    def rewrite(self, output: Path) -> Compaction:
        """Write the kept records to one file behind a header that holds the state before them."""
        bytes_before = _size_bytes(self.path)
        reader = LogReader(self.path, from_seq=None)
        is_same = output == self.path
        if is_same and self.cut <= self.seqs.start:
            for _ in self.fold(reader):
                pass
            return self._done(reader.header, output, self.seqs.start, bytes_before)
        new, first_seq = self._write(reader, output)
        try:
            new.publish(replace=is_same)
        except BaseException:
            new.discard()
            raise
        return self._done(reader.header, output, first_seq, bytes_before)

    def _write(self, reader: LogReader, output: Path) -> tuple[LogRewrite, int]:
        """Return the finished file, which is proven but not in its place, and its first seq."""
        folding = self.fold(reader)
        start, kept = self._fold_up_to_cut(folding)
        first_seq = kept[0][0].seq if kept else self.seqs.stop
        target = output if is_one_file(output) else output / segment_name(first_seq)
        header = attrs.evolve(
            reader.header,
            first_seq=first_seq,
            previous_crc=None,
            start_state=encode_state(start),
            start_digest=state_digest(start),
            schema_fingerprint=self._fingerprint_from(first_seq),
        )
        new = LogRewrite(target, header, mode_of=reader.path)
        try:
            for entry in kept:
                new.append(entry)
            for entry, _ in folding:
                if reader.digest_before is not None:
                    new.checkpoint(entry[0].seq - 1, reader.digest_before)
                new.append(entry)
            if reader.final_digest is not None:
                new.checkpoint(self.seqs.stop - 1, reader.final_digest)
            new.finish()
            self._prove(new.half_made, start)
        except BaseException:
            new.discard()
            raise
        return new, first_seq

    def _fold_up_to_cut(
        self, folding: Iterator[tuple[tuple[LogRecord, ...], Any]]
    ) -> tuple[Any, list[tuple[LogRecord, ...]]]:
        """Return the state before the first commit to keep, and that commit, if there is one."""
        before = None
        for entry, state in folding:
            if entry and entry[-1].seq >= self.cut:
                return before, [entry]
            before = state
        return before, []

    def _fingerprint_from(self, first_seq: int) -> str | None:
        """Return the schema that recorded all that is kept; None if it was not one alone."""
        segments = list_segments(self.path)
        kept = [each for each in segments[1:] if (each.first_seq or 1) > first_seq]
        found: set[str | None] = set()
        for seq in (first_seq, *(each.first_seq for each in kept)):
            reader = LogReader(self.path, from_seq=seq)
            reader.close()
            found.add(reader.header.schema_fingerprint)
        return found.pop() if len(found) == 1 else None

    def _prove(self, half_made: Path, start: Any) -> None:
        """Read the new log as a replay would, before the old one makes way."""
        reader = LogReader(half_made, from_seq=None)
        is_whole = _is_read_as(reader, self.reducer, start)
        for _ in reader.entries():
            pass
        if is_whole and reader.lines.head == self.seqs.stop - 1 and reader.torn_tail is None:
            return
        message = (
            f"a log of {self.path} that begins with seq {reader.header.first_seq} could not be"
            f" folded again, because its start, a {type(start).__name__}, is not read as it was"
            f" written; keep the state in an attrs.frozen class, each field of a declared type"
        )
        raise LogError(message)

    def _done(self, header: LogHeader, path: Path, first_seq: int, bytes_before: int) -> Compaction:
        return Compaction(
            log_id=header.log_id,
            path=path,
            old_first_seq=self.seqs.start,
            first_seq=first_seq,
            asked_first_seq=max(self.cut, self.seqs.start),
            head=self.seqs.stop - 1,
            bytes_before=bytes_before,
            bytes_after=_size_bytes(path),
        )


def _is_read_as(reader: LogReader, reducer: Reducer[Any], state: Any) -> bool:
    """Tell whether a replay of a log would begin with a state."""
    try:
        start = Timeline(reader, reducer).start
    except LogError:
        return False
    return state_digest(start) == state_digest(state)


def _read_whole(path: Path) -> range:
    """Return the seqs of a log's records; damage anywhere is raised."""
    reader = LogReader(path, from_seq=None)
    for _ in reader.entries():
        pass
    if reader.torn_tail is not None:
        raise torn_tail_error(reader.torn_tail)
    return range(reader.header.first_seq, reader.lines.head + 1)


def _check_is_free(output: Path) -> None:
    taken = output.exists() if is_one_file(output) else bool(list_segments(output))
    if taken or output.is_file():
        message = f"{output} is there already, and nothing is overwritten; choose another path"
        raise LogExistsError(message)


def _size_bytes(path: Path) -> int:
    return sum(each.path.stat().st_size for each in list_segments(path))
