"""What each record of a log changed in the state, in words."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.commands.printable import printable
from refold.commands.report_error import naming_reducer_errors
from refold.replay.changed_paths import changed_paths
from refold.replay.replay import replay

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer
    from refold.replay.log_reader import LogReader
    from refold.replay.log_record import LogRecord

__all__ = ["StateChange", "records_with_changes"]

_MOST_CHARACTERS: Final = 60


@attrs.frozen
class StateChange:
    """One part of a state that a record changed."""

    path: str
    """Such as ``connection.status``; ``state`` if the whole state changed."""

    old: str
    """What stood there, in short."""

    new: str
    """What stands there now, in short."""


def records_with_changes(
    reader: LogReader, reducer: Reducer[Any]
) -> Iterator[tuple[LogRecord, list[StateChange]]]:
    """Yield each record with what it changed.

    Raises:
        LogError: the log is damaged, or does not fit the reducer.
        CommandError: the reducer raised.
    """
    timeline = replay(reader, reducer)
    before, steps = timeline.start, timeline.states()
    while True:
        with naming_reducer_errors():
            step = next(steps, None)
        if step is None:
            return
        record, after = step
        changes = changed_paths(before, after)
        yield (
            record,
            [StateChange(c.path or "state", _short(c.old), _short(c.new)) for c in changes],
        )
        before = after


def _short(value: Any) -> str:
    return printable(_repr.repr(value))


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _MOST_CHARACTERS
