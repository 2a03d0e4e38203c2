"""`replay`: open a recorded log and fold it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from refold.reducers.reducer import as_reducer
from refold.replay.log_reader import LogReader
from refold.replay.timeline import Timeline
from refold.replay.upcaster_chain import check_upcasters

__all__ = ["replay"]

S = TypeVar("S")


def replay(log: Path | str | LogReader, reducer: Callable[[Any, Any], S], /) -> Timeline[S]:
    """Return the timeline of a recorded run; no middleware and no effect runs.

    A log whose oldest segments were deleted starts with the state before its first record, whose
    seq is that of the last one deleted.

    Args:
        log: the path that `record` was given, or an open log.
        reducer: what folds the actions; usually the very one that was recorded.

    Raises:
        ActionDeclarationError: the upcasters of an action that the reducer handles have a gap.
        LogFormatError: there is no refold log, or a newer refold wrote it.
        LogDamagedError: its header is damaged; damage further on is raised when it is reached.
    """
    fold = as_reducer(reducer)
    check_upcasters(fold)
    reader = log if isinstance(log, LogReader) else LogReader(Path(log), from_seq=None)
    return Timeline(reader, fold)
