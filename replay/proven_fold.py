"""`proven_fold`: fold a log once, record by record, and compare every digest on the way.

What belongs here: one pass that keeps nothing but the present state.  What does not: going back to
earlier states, which `timeline` can.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from refold.errors import ReplayMismatchError
from refold.replay.action_codec import decode_action
from refold.replay.canonical_digest import changed_slices, state_digest
from refold.replay.timeline import Timeline, torn_tail_error

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer
    from refold.replay.log_reader import LogReader
    from refold.replay.log_record import LogRecord

__all__ = ["check_digest", "proven_fold"]

S = TypeVar("S")


def proven_fold(
    reader: LogReader, reducer: Reducer[S]
) -> Iterator[tuple[tuple[LogRecord, ...], S]]:
    """Yield the state before the log with no records, then each commit with the state after it.

    Raises:
        ReplayMismatchError: a state is not the one that was recorded.
        LogDamagedError: a line is not what was written, or the last one is torn.
        LogError: the log does not fit the reducer.
        Exception: what the reducer raised.
    """
    state = Timeline(reader, reducer).start
    seq = reader.header.first_seq - 1
    check_digest(state, reader.header.start_digest or None, seq)
    yield (), state
    for entry in reader.entries():
        check_digest(state, reader.digest_before, seq)
        for record in entry:
            seq = record.seq
            state = _fold_one(reducer, state, record)
            check_digest(state, record.digest, seq)
        yield entry, state
    check_digest(state, reader.final_digest, seq)
    if reader.torn_tail is not None:
        raise torn_tail_error(reader.torn_tail)


def check_digest(state: object, expected: str | None, seq: int) -> None:
    """Compare a state with a digest that was recorded; None if none was.

    Raises:
        ReplayMismatchError: it is another state.
    """
    if expected is None:
        return
    found = state_digest(state)
    if found == expected:
        return
    path = ".".join([type(state).__name__, *changed_slices(expected, found)[:1]])
    message = (
        f"the state after seq {seq} is not the one that was recorded, in {path}: digest"
        f" {expected[:32]} was recorded, {found[:32]} was found; name the reducer that recorded it"
    )
    raise ReplayMismatchError(message, seq=seq, path=path, expected=expected, found=found)


def _fold_one(reducer: Reducer[S], state: S, record: LogRecord) -> S:
    action: Any = decode_action(record)
    try:
        return reducer(state, action)
    except Exception as error:
        error.add_note(f"raised while replaying seq {record.seq} ({record.name})")
        raise
