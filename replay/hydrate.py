"""`hydrate`: the state that a log ends with, from the newest state that it keeps.

What belongs here: which kept state can be trusted, and folding what comes after it.  What does not:
going back to earlier states, which `timeline` can.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from refold.errors import LogError, PayloadError
from refold.reducers.reducer import as_reducer
from refold.replay.action_codec import decode_action
from refold.replay.action_log import Keyframe
from refold.replay.canonical_digest import DIGEST_ALGORITHM, state_digest
from refold.replay.log_keyframes import latest_keyframe
from refold.replay.log_reader import LogReader
from refold.replay.log_record import TornTail
from refold.replay.log_segments import list_segments, open_segment
from refold.replay.start_state import kept_state, start_state
from refold.replay.upcaster_chain import check_upcasters

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer
    from refold.replay.log_record import LogRecord

__all__ = ["Hydrated", "hydrate"]

S = TypeVar("S")

_HEADER_BEGINS: Final = b'{"refold_log":'


@attrs.frozen
class Hydrated(Generic[S]):
    """Where a log ends."""

    state: S
    """The state after its last record; the reducer's initial state if there is no log."""

    seq: int
    """The number of its last record; 0 if there is none."""

    folded: int
    """How many actions were folded to get there."""

    from_seq: int
    """The record after which the state was kept that they were folded onto."""

    torn_tail: TornTail | None
    """An unfinished last line, which ``record(path, resume=True)`` cuts off; None if all is whole.
    """


def hydrate(path: Path | str, reducer: Callable[[Any, Any], S], /) -> Hydrated[S]:
    """Return the state that a log ends with, so that a store can start with it and go on.

    The same lines serve a program's first start and every later one::

        hydrated = hydrate("run/", root)
        store = Store(root, state=hydrated.state, middleware=[record("run/", resume=True)])

    It begins with the newest state that the log keeps, which is a saved keyframe or the start of a
    segment, and folds only the actions after it.  A kept state that today's classes do not read, or
    whose digest they do not give, is passed over for an earlier one; the log's very first state is
    taken by way of its class's upcasters.

    The segment of the kept state is read from its beginning, about 130,000 records per second, so a
    long log starts fast if it is recorded in segments: ``record("run/", segment_bytes=10**7)``.

    Args:
        path: the path that `record` is given; where no log is, the state is the initial one.
        reducer: what folds the actions.

    Raises:
        LogFormatError: what is there is no refold log, or a newer refold wrote it.
        LogDamagedError: it is damaged in what has to be read.
        PayloadError: no kept state can be read.
        UnknownActionError: an action after the kept state cannot be decoded.
        ActionDeclarationError: the upcasters of an action that the reducer handles have a gap.
        Exception: what the reducer raised, with a note of the record.
    """
    log, fold = Path(path), as_reducer(reducer)
    check_upcasters(fold)
    is_there, torn = _find_beginning(log)
    if not is_there:
        return Hydrated(fold.initial, 0, 0, 0, torn)
    count = 0
    for count, (first_seq, keyframe) in enumerate(_kept_states(log), start=1):  # noqa: B007  # told below
        try:
            state = _trusted_state(keyframe, fold.initial)
        except LogError:
            continue
        with contextlib.suppress(_OtherHistoryError):
            return _fold_tail(LogReader(log, from_seq=first_seq), keyframe, state, fold)
    return _fold_all(log, fold, count)


class _OtherHistoryError(Exception):
    """A keyframe is not of the log as it is.

    A loss of power may take a log's last records and leave a keyframe of them, and the log may have
    gone on in another way.
    """


def _find_beginning(log: Path) -> tuple[bool, TornTail | None]:
    """Tell whether a log has begun, and what is left of a first line that was never finished."""
    if not log.exists():
        return False, None
    segments = list_segments(log)
    if not segments and log.is_dir():
        return False, None
    if len(segments) != 1 or segments[0].is_compressed or not segments[0].path.is_file():
        return True, None
    with open_segment(segments[0]) as file:
        line = file.readline()
    begins = min(len(line), len(_HEADER_BEGINS))
    if line.endswith(b"\n") or line[:begins] != _HEADER_BEGINS[:begins]:
        return True, None
    return False, TornTail(segments[0].path.name, 1, 1, len(line)) if line else None


def _kept_states(log: Path) -> Iterator[tuple[int, Keyframe]]:
    """Yield the states that a log keeps, the newest first, each with its segment's first record."""
    newest = sys.maxsize
    for segment in reversed(list_segments(log)):
        try:
            reader = LogReader(log, from_seq=segment.first_seq)
        except LogError:  # reading comes to it from an earlier state, and says what it is
            continue
        reader.close()
        header = reader.header
        if header.digest_algorithm != DIGEST_ALGORITHM:
            continue
        start = header.first_seq - 1
        while (keyframe := latest_keyframe(log, newest)) is not None and keyframe.seq >= start:
            yield header.first_seq, keyframe
            newest = keyframe.seq - 1
        if header.start_digest:
            yield header.first_seq, Keyframe(start, header.start_state, header.start_digest)


def _trusted_state(keyframe: Keyframe, initial: S) -> S:
    """Return a kept state.

    Raises:
        LogError: it cannot be read as it was written.
    """
    state = kept_state(keyframe.state, keyframe.digest, initial)
    if state_digest(state) != keyframe.digest:
        message = f"the state that was kept after seq {keyframe.seq} is read as another one"
        raise LogError(message)
    return state


def _fold_tail(reader: LogReader, keyframe: Keyframe, state: S, fold: Reducer[S]) -> Hydrated[S]:
    """Fold what comes after a kept state.

    Raises:
        _OtherHistoryError: the log ends before it, or recorded another state there.
    """
    folded = 0
    try:
        for entry in reader.entries():
            for record in entry:
                if record.seq > keyframe.seq:
                    state, folded = _fold_one(fold, state, record), folded + 1
                elif record.seq == keyframe.seq and record.digest not in {None, keyframe.digest}:
                    raise _OtherHistoryError
    finally:
        reader.close()
    head = reader.lines.head
    if head < keyframe.seq:
        raise _OtherHistoryError
    return Hydrated(state, head, folded, keyframe.seq, reader.torn_tail)


def _fold_all(log: Path, fold: Reducer[S], count: int) -> Hydrated[S]:
    """Fold the whole log, because none of so many kept states is read as it was written."""
    reader = LogReader(log, from_seq=None)
    header = reader.header
    try:
        state = start_state(header, fold.initial)
    except PayloadError as error:
        reader.close()
        message = (
            f"none of the {count} states that {log} keeps is read by today's classes: {error} Give"
            f" the class that changed a new wire_version and declare @upcaster(Class,"
            f" from_version=1), or move the log away to start anew"
        )
        raise PayloadError(message, path=error.path) from error
    first = Keyframe(header.first_seq - 1, header.start_state, header.start_digest)
    return _fold_tail(reader, first, state, fold)


def _fold_one(fold: Reducer[S], state: S, record: LogRecord) -> S:
    action: Any = decode_action(record)
    try:
        return fold(state, action)
    except Exception as error:
        error.add_note(
            f"raised while folding seq {record.seq} ({record.name}); replay(path, reducer)"
            f".at({record.seq - 1}) is the state before it"
        )
        raise
