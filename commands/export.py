"""`refold export`: the records of a log in a form that other programs read.

What belongs here: the command, and where the text goes.  What does not: the forms, which
`refold.replay.log_export` has.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from refold.commands.fold_progress import fold_progress
from refold.commands.open_log import open_log
from refold.commands.report_error import DID_NOT_HOLD, CommandError, report_error
from refold.errors import LogDamagedError
from refold.replay.log_export import EXPORTERS, ExportFormat
from refold.replay.timeline import torn_tail_error

if TYPE_CHECKING:
    from refold.replay.log_reader import LogReader
    from refold.replay.log_record import LogRecord

__all__ = ["export"]


def export(
    log: Path,
    /,
    *,
    format: ExportFormat = "jsonl",  # noqa: A002  # the option's name
    output: Path | None = None,
) -> int:
    """Write the records of a log in a form that other programs read.

    jsonl: one record per line, all files of the log joined, without checksums.
    redux: a file for the Import button of Redux DevTools.
    csv: a table for spreadsheets, with times in UTC and payloads as JSON.

    Example: refold export run.jsonl --format csv --output run.csv

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        format: jsonl, redux or csv.
        output: The file to write, which must not be there yet; by default stdout.

    Returns:
        0 if the whole log was written, 1 if it is damaged or torn: then all before that is written.
    """
    with fold_progress(log) as count_entry:
        reader = open_log(log, count_entry)
        damage: list[LogDamagedError] = []
        with _opened(output) as file:
            for piece in EXPORTERS[format](reader.header, _whole_records(reader, damage)):
                file.write(piece)
    for problem in damage:
        report_error(problem)
    return DID_NOT_HOLD if damage else 0


def _whole_records(reader: LogReader, damage: list[LogDamagedError]) -> Iterator[LogRecord]:
    """Yield the records before any damage, so that what is written is whole in its form."""
    try:
        for entry in reader.entries():
            yield from entry
    except LogDamagedError as error:
        damage.append(error)
    if reader.torn_tail is not None:
        damage.append(torn_tail_error(reader.torn_tail))


@contextmanager
def _opened(output: Path | None) -> Generator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with output.open("xb") as file:
            yield file
    except FileExistsError as error:
        message = f"{output} is there already, and nothing is overwritten; choose another --output"
        raise CommandError(message) from error
    except OSError as error:
        message = f"cannot write {output}: {error.strerror}; choose another --output"
        raise CommandError(message) from error
