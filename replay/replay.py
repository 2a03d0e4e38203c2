"""`replay`: open a recorded log and fold it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from refold.reducers.reducer import as_reducer
from refold.replay.log_reader import LogReader
from refold.replay.timeline import Timeline

__all__ = ["replay"]

S = TypeVar("S")


def replay(log: Path | str | LogReader, reducer: Callable[[Any, Any], S], /) -> Timeline[S]:
    """Return the timeline of a recorded run; no middleware and no effect runs.

    Args:
        log: the path that `record` was given, or an open log.
        reducer: what folds the actions; usually the very one that was recorded.

    Raises:
        LogFormatError: there is no refold log, or a newer refold wrote it.
        LogDamagedError: its header is damaged; damage further on is raised when it is reached.
    """
    reader = log if isinstance(log, LogReader) else LogReader(Path(log))
    return Timeline(reader, as_reducer(reducer))
