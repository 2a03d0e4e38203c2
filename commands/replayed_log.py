"""`replay_log`: fold a log to one of its states, and keep what was wrong on the way.

What belongs here: which damage still leaves a state to show.  What does not: printing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from refold.commands.report_error import naming_reducer_errors
from refold.errors import LogDamagedError, ReplayMismatchError
from refold.replay.action_codec import encode_state
from refold.replay.replay import replay
from refold.replay.timeline import torn_tail_error

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer
    from refold.replay.log_reader import LogReader
    from refold.replay.timeline import Timeline

__all__ = ["ReplayedLog", "replay_log"]


Problem: TypeAlias = LogDamagedError | ReplayMismatchError
"""What can be wrong with a log that can still be folded in part."""


@attrs.frozen(kw_only=True)
class ReplayedLog:
    """A state of a log, and how far it can be trusted."""

    log_id: str
    """From the log's header."""

    seq: int
    """The record after which the state is; the last whole one if the log is damaged before."""

    encoded_state: Any
    """The state as JSON values."""

    verified: bool | None
    """Whether every digest was compared and is equal; None if nobody asked."""

    digests_compared: int
    """How many digests the log has, that of the start state included; 0 if nobody asked."""

    problems: tuple[Problem, ...]
    """What was met, in order."""


def replay_log(
    reader: LogReader, reducer: Reducer[Any], *, to: int | None, verify: bool
) -> ReplayedLog:
    """Fold a log.

    Args:
        reader: the log.
        reducer: what folds it.
        to: the record to stop after; None for the last one.
        verify: compare all digests, also behind that record.

    Raises:
        LogError: there is no such record, or the log does not fit the reducer.
        CommandError: the reducer raised.
    """
    with naming_reducer_errors():
        timeline = replay(reader, reducer)
        problems = _verify(timeline) if verify else []
        seq, state = _fold(timeline, reader, to, problems)
    verified = not problems if verify else None
    return ReplayedLog(
        log_id=timeline.header.log_id,
        seq=seq,
        encoded_state=encode_state(state),
        verified=verified,
        digests_compared=_count_digests(timeline) if verified else 0,
        problems=tuple(problems),
    )


def _verify(timeline: Timeline[Any]) -> list[Problem]:
    try:
        timeline.verify()
    except (LogDamagedError, ReplayMismatchError) as error:
        return [error]
    return []


def _fold(
    timeline: Timeline[Any], reader: LogReader, to: int | None, problems: list[Problem]
) -> tuple[int, Any]:
    """Return the last state that can be reached, and where it is; add damage to the problems."""
    if not any(isinstance(each, LogDamagedError) for each in problems):
        try:
            seq = _undamaged_head(timeline) if to is None else to
            return seq, timeline.at(seq)
        except LogDamagedError as error:
            problems.append(error)
    last_whole = reader.lines.head
    seq = last_whole if to is None else min(to, last_whole)
    return seq, timeline.at(seq)


def _undamaged_head(timeline: Timeline[Any]) -> int:
    if timeline.torn_tail is not None:
        raise torn_tail_error(timeline.torn_tail)
    return timeline.head


def _count_digests(timeline: Timeline[Any]) -> int:
    """Return how many digests a whole log has: of its start, and of records.

    That of the end, or of the start of a later segment, is given to the record before it.
    """
    of_records = sum(record.digest is not None for record in timeline.records)
    return 1 + of_records
