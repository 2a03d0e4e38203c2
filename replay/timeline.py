"""`Timeline`: a recorded run, folded again to any of its states.

What belongs here: standing somewhere, changing what is folded, verification.  What does not: the
fold itself, which `forkable_history` does, reading lines, and showing anything to a person.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from refold.errors import LogDamagedError, LogError
from refold.reducers.reducer import as_reducer
from refold.replay.bisect_states import bisect_place, first_broken_place
from refold.replay.blame_causes import cause_chain
from refold.replay.blame_path import last_change_place
from refold.replay.changed_paths import ChangedPath, changed_paths
from refold.replay.diff_digests import compare_with_digests
from refold.replay.forkable_actions import ForkableActions
from refold.replay.forkable_history import FoldFailure, ForkableHistory
from refold.replay.forkable_records import RecordSequence
from refold.replay.shrink_actions import MOST_FOLDS, Goal, shrink_actions
from refold.replay.start_state import start_state

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer
    from refold.replay.log_reader import LogReader
    from refold.replay.log_record import LogHeader, LogRecord, TornTail

__all__ = ["Timeline"]

S = TypeVar("S")


class Timeline(Generic[S]):
    """A log together with the reducer that folds it; made by `replay`.

    It stands at one of its records: first at the start, then wherever `jump` and `step` lead.
    `skip`, `reorder` and the like change this timeline alone, never the log or a fork.
    """

    def __init__(self, reader: LogReader, reducer: Reducer[S]) -> None:
        """Take the start state from the log's header; a trimmed log starts later than at seq 0.

        Raises:
            LogError: the log was opened behind a header, or does not say its start state.
            PayloadError: the start state does not fit the reducer's state type.
        """
        self._reader = reader
        self._reducer = reducer
        self.records = RecordSequence(reader)
        """The records as they were recorded; read as far as they are asked for."""
        base_seq = reader.header.first_seq - 1
        actions = ForkableActions(self.records, base_seq)
        self._recorded = ForkableHistory(self._start_state(), base_seq, reducer, actions)
        self._history = self._recorded.copy()
        self._seq = base_seq

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
        """The seq of the last record in the present order; that of the start if there is none."""
        return self._history.head

    @property
    def seqs(self) -> list[int]:
        """The seqs of the records in the present order, the skipped ones too."""
        return self._history.seqs()

    @property
    def skipped(self) -> frozenset[int]:
        """The seqs of the records that are left out."""
        return self._history.skipped

    @property
    def failure(self) -> FoldFailure | None:
        """Where a reducer raised; None if none did as far as was folded.

        Later records are interrupted: asking for their states raises the same exception.
        """
        return self._history.failure

    @property
    def interrupted(self) -> list[int]:
        """The seqs of the records after the failure, in the present order; none without one."""
        history = self._history
        found = history.failure
        return [] if found is None else history.seqs()[history.place_of(found.seq) :]

    @property
    def reducer(self) -> Reducer[S]:
        """What folds the actions."""
        return self._reducer

    @property
    def seq(self) -> int:
        """The seq of the record after which this timeline stands."""
        return self._seq

    @property
    def state(self) -> S:
        """The state where this timeline stands."""
        return self.at(self._seq)

    @property
    def start(self) -> S:
        """The state before all records, or the one that was committed last."""
        return self._history.base

    def actions(self) -> Iterator[tuple[int, Action]]:
        """Yield each action that is not skipped, with its seq, in the present order."""
        return self._history.active_actions()

    def at(self, seq: int) -> S:
        """Return the state after a record.

        Args:
            seq: 0 for the start state, up to `head`.

        Raises:
            LogError: there is no such record.
            LogDamagedError: the log is damaged before it.
            UnknownActionError: an action before it cannot be decoded.
            Exception: what the reducer raised at it or before it.
        """
        return self._history.state_at(self._history.place_of(seq))

    def states(self) -> Iterator[tuple[LogRecord, S]]:
        """Yield each record with the state after it, in the present order."""
        history = self._history
        for place, state in history.states():
            yield history.actions.record(history.seq_at(place)), state

    def jump(self, seq: int) -> S:
        """Stand after a record and return the state there; nothing is folded that is known.

        Raises:
            LogError: there is no such record; the timeline stands where it stood.
        """
        state = self.at(seq)
        self._seq = seq
        return state

    def step(self, count: int = 1) -> S:
        """Go some records on, or back if negative, but not beyond the ends; return the state."""
        history = self._history
        place = max(history.place_of(self._seq) + count, 0)
        end = history.place_of(history.head) if count > 0 else place
        return self.jump(history.seq_at(min(place, end)))

    def go_to_end(self) -> S:
        """Stand after the last record, or before the one at which a reducer raises."""
        return self.jump(self._sound_head())

    @property
    def is_at_end(self) -> bool:
        """Whether this timeline stands where `go_to_end` leads."""
        return self._seq == self._sound_head()

    def skip(self, *seqs: int) -> None:
        """Leave records out; only what comes after the first of them is folded again.

        Raises:
            LogError: there is no such record.
        """
        self._history.skip(seqs, skipped=True)

    def unskip(self, *seqs: int) -> None:
        """Take records in again that were left out."""
        self._history.skip(seqs, skipped=False)

    def reorder(self, seq: int, *, before: int | None) -> None:
        """Let a record stand before another, or at the end if that is None.

        Only what comes after the first change is folded again.

        Raises:
            LogError: one of the two is no record of this timeline.
        """
        self._history.move(seq, before)

    def append(self, action: Action) -> int:
        """Let an action happen after all others; return its seq.

        The log stays as it is; only this timeline and its later forks have the action.
        """
        return self._history.append(action)

    def fork(self, seq: int | None = None) -> Timeline[S]:
        """Return a timeline of its own with the same records, or those up to one of them.

        Raises:
            LogError: there is no such record.
        """
        twin = copy.copy(self)
        place = None if seq is None else self._history.place_of(seq)
        twin._history = self._history.copy(place)  # noqa: SLF001  # of the same class
        if place is not None and self._history.place_of(self._seq) > place:
            twin._seq = twin.head  # noqa: SLF001  # of the same class
        return twin

    def commit(self) -> None:
        """Let the state where this timeline stands be its start, and forget all its records."""
        self._history.clear(self.state, self._seq)

    def restart_from(self, state: S) -> None:
        """Let a state be the start, forget all records, and stand there."""
        self._clear(state, self.head)

    def commit_oldest(self, keep: int) -> None:
        """Fold the oldest records into the start until so many are left.

        A record at which the reducer raises stays, and all after it.
        """
        history = self._history
        place = history.sound_up_to(max(len(history.seqs()) - keep, 0))
        stood = history.place_of(self._seq)
        history.rebase(place)
        if stood < place:
            self._seq = history.base_seq

    def rollback(self) -> None:
        """Return to the last committed state, and forget the records after it."""
        self._clear(self._history.base, self._history.base_seq)

    def reset(self) -> None:
        """Return to the very first state, and forget all records."""
        self._clear(self._recorded.base, self._recorded.base_seq)

    def sweep(self) -> None:
        """Drop the skipped records; no state changes."""
        history = self._history
        if self._seq in history.skipped:
            stood = [
                s for s in history.seqs()[: history.place_of(self._seq)] if s not in history.skipped
            ]
            self._seq = stood[-1] if stood else history.base_seq
        history.sweep()

    def replace_reducer(self, reducer: Callable[[Any, Any], S], *, recompute: bool = True) -> None:
        """Fold by another reducer; what the old one raised is healed.

        Args:
            reducer: the new one.
            recompute: from the start on.  If false, the states that are kept (where this timeline
                was asked last, and every some hundredth before) stay as the old one made them, and
                the new one folds on from there.
        """
        self._reducer = as_reducer(reducer)
        self._recorded = self._recorded.copy()
        self._recorded.replace_fold(self._reducer)
        self._history.replace_fold(self._reducer, recompute=recompute)

    def diff(self, a: int, b: int) -> list[ChangedPath]:
        """Return the smallest parts in which the states after two records differ."""
        return list(changed_paths(self.at(a), self.at(b)))

    def bisect(self, invariant: Callable[[S], bool], /) -> int | None:
        """Return the seq from which on an invariant does not hold, asking about few states.

        Args:
            invariant: once broken, it stays so; `first_broken` takes any other, too.

        Returns:
            The seq of the start if it never holds; None if it holds at the end.
        """
        place = bisect_place(self._history, invariant)
        return None if place is None else self._history.seq_at(place)

    def first_broken(self, invariant: Callable[[S], bool], /) -> int | None:
        """Return the first seq where an invariant does not hold, asking about every state.

        Returns:
            The seq of the start if it does not hold there; None if it always holds.
        """
        place = first_broken_place(self._history, invariant)
        return None if place is None else self._history.seq_at(place)

    def shrink(self, fails: Goal[S], /, *, most_folds: int = MOST_FOLDS) -> list[Action]:
        """Return a short run of simple actions, from this timeline's start, that still fails.

        Args:
            fails: true for a failing state; or the class of the exception that a reducer raises.
            most_folds: actions that may be folded in all.

        Raises:
            LogError: no state of this timeline fails.
        """
        actions = (action for _, action in self.actions())
        return shrink_actions(
            actions, fails, start=self.start, reducer=self._reducer, most_folds=most_folds
        )

    def blame(self, path: str, /) -> LogRecord | None:
        """Return the record that last changed a part of the state; None if none did.

        Args:
            path: as `diff` writes it, such as ``todos['a'].done``.

        Raises:
            LogError: the states have no such part.
        """
        place = last_change_place(self._history, path)
        history = self._history
        return None if place is None else history.actions.record(history.seq_at(place))

    def why(self, seq: int, /) -> list[LogRecord]:
        """Return a record, the one during whose handling it was dispatched, and so on to the first.

        Raises:
            LogError: there is no such record.
        """
        return cause_chain(self._history.actions.record(seq), self.records)

    def verify(self) -> None:
        """Fold the whole log as it was recorded and compare every recorded digest.

        The error names the first record and the part of the state as closely as can be told for
        certain; see `diff_digests`.

        Raises:
            ReplayMismatchError: a state is not the one that was recorded.
            LogDamagedError: the log is damaged, or its last line is torn; all before it was
                compared.
        """
        len(self.records)  # the last record gets its digest when the end is read
        compare_with_digests(self._recorded, self._reducer, self.records, self.header)
        if self.torn_tail is not None:
            raise torn_tail_error(self.torn_tail)

    def _sound_head(self) -> int:
        history = self._history
        return history.seq_at(history.sound_up_to(history.place_of(history.head)))

    def _clear(self, state: S, seq: int) -> None:
        self._history.clear(state, seq)
        self._seq = seq

    def _start_state(self) -> S:
        reader = self._reader
        if reader.from_seq > reader.header.first_seq:
            message = (
                f"the log was opened at seq {reader.from_seq}, and nobody knows the state before"
                f" that; open it with LogReader(path, from_seq={reader.header.first_seq}), or with"
                f" None for its beginning"
            )
            raise LogError(message)
        return start_state(reader.header, self._reducer.initial)


def torn_tail_error(torn: TornTail) -> LogDamagedError:
    """Return the error for a log whose last line is unfinished."""
    return LogDamagedError(
        segment=torn.segment,
        line=torn.line,
        seq=torn.seq,
        reason=f"the last line is torn after {torn.size_bytes} bytes: the writer died in it",
        advice="go on with it by record(path, resume=True), which cuts the torn line off",
    )
