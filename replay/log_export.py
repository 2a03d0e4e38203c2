"""Records of a log in the forms of other programs, piece by piece, so that a log of any size fits.

What belongs here: the text of each form.  What does not: reading the log, and where the text goes.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs
import orjson

if TYPE_CHECKING:
    from refold.replay.log_record import LogHeader, LogRecord

__all__ = ["EXPORTERS", "ExportFormat", "export_csv", "export_jsonl", "export_redux"]

ExportFormat: TypeAlias = Literal["jsonl", "redux", "csv"]
"""``jsonl``: one envelope per line.  ``redux``: what the import of Redux DevTools takes.  ``csv``:
a table for spreadsheets."""

_COLUMNS: Final = ("seq", "at", "origin", "cause", "name", "payload")

_BEGINS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is executed by spreadsheets; see OWASP, CSV Injection."""


def export_jsonl(header: LogHeader, records: Iterable[LogRecord]) -> Iterator[bytes]:
    """Yield each record's envelope as one line of JSON."""
    del header
    for record in records:
        yield orjson.dumps(attrs.asdict(record, recurse=False)) + b"\n"


def export_redux(header: LogHeader, records: Iterable[LogRecord]) -> Iterator[bytes]:
    """Yield pieces of one JSON object: the start state and the actions, each as a text of JSON.

    The start state is left out if the log has none, as for a bare collection.
    """
    yield b"{"
    if header.start_state is not None:
        yield b'"preloadedState":' + _as_text(header.start_state) + b","
    yield b'"payload":"['
    separator = b""
    for record in records:
        yield separator + _as_text(_plain_action(record))[1:-1]
        separator = b","
    yield b']"}\n'


def export_csv(header: LogHeader, records: Iterable[LogRecord]) -> Iterator[bytes]:
    """Yield the lines of a table in UTF-8; times are UTC, payloads are JSON."""
    del header
    yield _csv_line(_COLUMNS)
    for record in records:
        payload = orjson.dumps(record.payload).decode()
        cells = (record.origin, record.cause or "", record.name, payload)
        yield _csv_line([str(record.seq), _moment(record.at_ms), *map(_harmless, cells)])


def _as_text(value: Any) -> bytes:
    """Return a JSON text that holds the JSON of a value."""
    return orjson.dumps(orjson.dumps(value).decode())


def _plain_action(record: LogRecord) -> dict[str, Any]:
    meta = attrs.asdict(record, recurse=False)
    return {"type": meta.pop("name"), "payload": meta.pop("payload"), "meta": meta}


def _csv_line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _moment(at_ms: int | None) -> str:
    """Return a time as spreadsheets read it; one that no calendar has as its milliseconds."""
    if at_ms is None:
        return ""
    try:
        moment = datetime.datetime.fromtimestamp(at_ms // 1000, tz=datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return str(at_ms)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03}"


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_BEGINS_FORMULA) else cell


EXPORTERS: Final[
    dict[ExportFormat, Callable[[LogHeader, Iterable[LogRecord]], Iterator[bytes]]]
] = {"jsonl": export_jsonl, "redux": export_redux, "csv": export_csv}
"""What writes each form."""
