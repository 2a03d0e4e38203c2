"""`RecordTable`: records of a log as lines of a table.

What belongs here: columns and short forms.  What does not: which records are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson
from rich.text import Text

from refold.commands.printable import printable

if TYPE_CHECKING:
    from refold.commands.log_summary import LogSummary
    from refold.replay.log_record import LogRecord

__all__ = ["RecordTable"]

_LONGEST_ORIGIN: Final = 12
"""Columns for the origin: of 80 columns, 50 are left to the action, whose name is a phrase."""


@attrs.frozen
class RecordTable:
    """The columns in which the records of one log stand."""

    start_ms: int
    """The time from which the others are counted."""

    seq_width: int
    """For the numbers."""

    time_width: int
    """For the seconds since the start; 0 if no record has a time."""

    origin_width: int
    """For who dispatched it."""

    cause_width: int
    """For the record that it answers; 0 if none answers another."""

    @classmethod
    def for_log(cls, summary: LogSummary) -> RecordTable:
        """Return the table that fits a log."""
        start, end = summary.first_at_ms or 0, summary.last_at_ms or 0
        seq_width = max(len(str(summary.head)), len("seq"))
        origins = [len(_short_origin(origin)) for origin in summary.origins]
        return cls(
            start_ms=start,
            seq_width=seq_width,
            time_width=0 if summary.first_at_ms is None else max(len(_seconds(end - start)), 8),
            origin_width=max([*origins, len("origin")]),
            cause_width=max(seq_width + 1, len("cause")) if summary.has_causes else 0,
        )

    def heading(self) -> Text:
        """Return the names of the columns."""
        return Text(self._join("seq", "seconds", "origin", "cause") + "action", style="bold")

    def line(self, record: LogRecord) -> Text:
        """Return the line of a record; the last column is as long as the payload is."""
        time = "-" if record.at_ms is None else _seconds(record.at_ms - self.start_ms)
        line = Text(self._join(str(record.seq), time, _short_origin(record.origin), _cause(record)))
        line.append(printable(record.name), style="cyan")
        for name, value in record.payload.items():
            line.append(f" {printable(name)}=", style="dim").append(_short_json(value))
        return line

    def _join(self, seq: str, time: str, origin: str, cause: str) -> str:
        columns = [f"{seq:>{self.seq_width}}", f"{origin:<{self.origin_width}}"]
        if self.time_width:
            columns.insert(1, f"{time:>{self.time_width}}")
        if self.cause_width:
            columns.append(f"{cause:>{self.cause_width}}")
        return " ".join([*columns, ""])


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:+.3f}"


def _short_origin(origin: str) -> str:
    """Return ``s:websocket`` for ``service:websocket``, cut to the width of its column."""
    kind, colon, name = printable(origin).partition(":")
    short = f"{kind[:1]}:{name}" if colon else kind
    return short if len(short) <= _LONGEST_ORIGIN else short[: _LONGEST_ORIGIN - 1] + "…"


def _cause(record: LogRecord) -> str:
    """Return the seq of the record that caused this one, or its id if another writer wrote it."""
    if record.cause is None:
        return ""
    writer, _, number = record.cause.rpartition("-")
    is_own = writer == record.id.rpartition("-")[0]
    return f"<{number}" if is_own else printable(record.cause)


def _short_json(value: Any) -> str:
    return printable(orjson.dumps(value).decode())
