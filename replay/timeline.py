"""`Timeline`: a recorded run, folded again to any of its states.

What belongs here: folding, keyframes and verification.  What does not: reading lines, and showing
anything to a person.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

import attrs

from refold.errors import LogDamagedError, LogError, ReplayMismatchError
from refold.replay.action_codec import decode_action, decode_state
from refold.replay.canonical_digest import DIGEST_ALGORITHM, changed_slices, state_digest
from refold.replay.log_record import LogHeader, LogRecord, TornTail

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer
    from refold.replay.log_reader import LogReader

__all__ = ["Timeline"]

S = TypeVar("S")

_KEYFRAME_EVERY: Final = 500
"""Records between two kept states: a jump folds 250 on average, and a million records keep 2,000
states, which share all that did not change between them."""


class RecordSequence(Sequence[LogRecord]):
    """The records of a log, read as far as they are asked for; the first has the index 0."""

    def __init__(self, reader: LogReader) -> None:
        """Read from this log."""
        self._reader = reader
        self._entries = reader.entries()
        self._read: list[LogRecord] = []
        self._damage: LogError | None = None

    @overload
    def __getitem__(self, index: int) -> LogRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LogRecord]: ...
    def __getitem__(self, index: int | slice) -> LogRecord | Sequence[LogRecord]:
        """Return a record, or several; damage before the last of them is raised."""
        last = index.stop if isinstance(index, slice) else index + 1
        counts_from_end = isinstance(index, int) and index < 0
        self._read_to(None if last is None or last < 0 or counts_from_end else last)
        return self._read[index]

    def __len__(self) -> int:
        """Return how many records there are; damage anywhere is raised."""
        self._read_to(None)
        return len(self._read)

    def __iter__(self) -> Iterator[LogRecord]:
        """Yield the records in order, up to damage, which is then raised."""
        index = 0
        while self._read_to(index + 1):
            yield self._read[index]
            index += 1

    def _read_to(self, count: int | None) -> bool:
        """Read until so many records are there, or all; tell whether they are."""
        while count is None or len(self._read) < count:
            if self._damage is not None:
                raise self._damage
            try:
                entry = next(self._entries, None)
            except LogError as error:
                self._damage = error
                raise
            if entry is None:
                self._add_final_digest()
                return False
            self._read.extend(entry)
        return True

    def _add_final_digest(self) -> None:
        """Give the last record the digest that was written when the log was closed."""
        digest = self._reader.final_digest
        if digest is not None and self._read and self._read[-1].digest is None:
            self._read[-1] = attrs.evolve(self._read[-1], digest=digest)


class Timeline(Generic[S]):
    """A log together with the reducer that folds it; made by `replay`."""

    def __init__(self, reader: LogReader, reducer: Reducer[S]) -> None:
        """Take the start state from the log's header.

        Raises:
            PayloadError: the start state does not fit the reducer's state type.
        """
        self._reader = reader
        self._reducer = reducer
        self.records = RecordSequence(reader)
        """The records, the first (seq 1) at index 0; read as far as they are asked for."""
        self._keyframe_seqs = [0]
        self._keyframes: list[S] = [self._start_state()]

    @property
    def header(self) -> LogHeader:
        """The log's first line."""
        return self._reader.header

    @property
    def torn_tail(self) -> TornTail | None:
        """The unfinished last line, if the writer died in it; None if there is none.

        Reading stops before it; it is known once all records were read.
        """
        len(self.records)
        return self._reader.torn_tail

    @property
    def head(self) -> int:
        """The number of the last record; 0 if there is none."""
        return len(self.records)

    def at(self, seq: int) -> S:
        """Return the state after a record.

        Args:
            seq: 0 for the start state, up to `head`.

        Raises:
            LogError: there is no such record.
            LogDamagedError: the log is damaged before it.
            UnknownActionError: an action before it cannot be decoded.
        """
        if seq < 0:
            message = f"seq must be 0 (the start) or more, got {seq}"
            raise LogError(message)
        nearest = bisect.bisect_right(self._keyframe_seqs, seq) - 1
        present, state = self._keyframe_seqs[nearest], self._keyframes[nearest]
        while present < seq:
            try:
                record = self.records[present]
            except IndexError:
                message = f"the log ends at seq {present}, so there is no state at seq {seq}"
                raise LogError(message) from None
            state = self._fold(state, record)
            present = record.seq
            self._keep(present, state)
        return state

    def states(self) -> Iterator[tuple[LogRecord, S]]:
        """Yield each record with the state after it, in order."""
        state = self._keyframes[0]
        for record in self.records:
            state = self._fold(state, record)
            self._keep(record.seq, state)
            yield record, state

    def verify(self) -> None:
        """Fold the whole log and compare every recorded digest.

        Raises:
            ReplayMismatchError: a state is not the one that was recorded.
            LogDamagedError: the log is damaged, or its last line is torn; all before it was
                compared.
        """
        len(self.records)  # the last record gets its digest when the end is read
        self._compare(0, 0, self.header.start_digest, self._keyframes[0])
        last_good = 0
        for record, state in self.states():
            if record.digest is not None:
                self._compare(last_good, record.seq, record.digest, state)
                last_good = record.seq
        if self.torn_tail is not None:
            raise torn_tail_error(self.torn_tail)

    def _start_state(self) -> S:
        initial = self._reducer.initial
        header = self._reader.header
        if header.digest_algorithm != DIGEST_ALGORITHM:
            message = (
                f"the log's digests are {header.digest_algorithm}, this refold makes"
                f" {DIGEST_ALGORITHM}; replay it with the refold that wrote it"
            )
            raise LogError(message)
        if state_digest(initial) == header.start_digest:
            return initial
        if header.start_state is None:
            message = (
                "the log starts from a bare collection that is not the reducer's initial state, so"
                " the types of its elements are unknown; keep the collection in a field of an"
                " attrs.frozen class"
            )
            raise LogError(message)
        return decode_state(header.start_state, type(initial))

    def _fold(self, state: S, record: LogRecord) -> S:
        action = decode_action(record)
        try:
            return self._reducer(state, action)
        except Exception as error:
            error.add_note(f"raised while replaying seq {record.seq} ({record.name})")
            raise

    def _keep(self, seq: int, state: S) -> None:
        if seq % _KEYFRAME_EVERY == 0 and seq > self._keyframe_seqs[-1]:
            self._keyframe_seqs.append(seq)
            self._keyframes.append(state)

    def _compare(self, last_good: int, seq: int, expected: str, state: Any) -> None:
        found = state_digest(state)
        if found == expected:
            return
        path = ".".join([type(state).__name__, *changed_slices(expected, found)[:1]])
        since = f"after seq {last_good} and up to seq {seq}" if seq else "in the start state"
        message = (
            f"the replayed state differs from the recorded one at seq {seq}, in {path}: digest"
            f" {expected[:32]} was recorded, {found[:32]} was found; a reducer changed, or one is"
            f" not pure, {since}"
        )
        raise ReplayMismatchError(message, seq=seq, path=path, expected=expected, found=found)


def torn_tail_error(torn: TornTail) -> LogDamagedError:
    """Return the error for a log whose last line is unfinished."""
    return LogDamagedError(
        segment=torn.segment,
        line=torn.line,
        seq=torn.seq,
        reason=f"the last line is torn after {torn.size_bytes} bytes: the writer died in it",
    )
