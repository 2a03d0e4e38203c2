"""`refold show`: the records of a log, one line each.

What belongs here: the command and its two forms of output.  What does not: folding; nothing of the
application is needed, unless changes of the state are asked for.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import attrs
import orjson
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from refold.commands.application import find_application
from refold.commands.log_summary import LogSummary, summarize_log
from refold.commands.open_log import open_log
from refold.commands.printable import printable
from refold.commands.record_table import RecordTable
from refold.commands.report_error import DID_NOT_HOLD, CommandError, report_error
from refold.commands.state_changes import StateChange, records_with_changes

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

__all__ = ["show"]

_MOST_CHANGES: Final = 6
"""Lines of changes below one record: a reset that touches a hundred entries stays readable."""


def show(
    log: Path,
    /,
    *,
    json: bool = False,
    app: str | None = None,
    from_: Annotated[int | None, Parameter(name="--from")] = None,
    to: int | None = None,
) -> int:
    """Show the records of a log, one line each.

    The columns: its number, seconds since the first, who dispatched it (s: a
    service, l: a listener), the number of the record in answer to which it
    was dispatched, and the action with its fields.

    Example: refold show run.jsonl --from 10 --to 20

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        json: Print one JSON object per record.
        app: The root reducer, module:attribute: also show what each record changed in the state.
        from_: The first record to show; by default the first one there is.
        to: The last record to show; by default the last one there is.

    Returns:
        0 if the whole log could be read, 1 if it is damaged or torn.
    """
    summary = summarize_log(log)
    _check_range(from_, to, summary)
    chosen = _between(
        _records(log, app),
        summary.header.first_seq if from_ is None else from_,
        summary.head if to is None else min(to, summary.head),
    )
    if json:
        _print_json(chosen)
    else:
        _print_table(log, summary, chosen)
    if summary.damage is not None:
        report_error(summary.damage)
        return DID_NOT_HOLD
    return 0


def _records(log: Path, app: str | None) -> Iterator[tuple[LogRecord, list[StateChange] | None]]:
    """Yield the records, each with what it changed if that was asked for."""
    if app is not None:
        yield from records_with_changes(open_log(log), find_application(app).reducer)
        return
    for entry in open_log(log).entries():
        yield from ((record, None) for record in entry)


def _between(
    records: Iterator[tuple[LogRecord, list[StateChange] | None]], first: int, last: int
) -> Iterator[tuple[LogRecord, list[StateChange] | None]]:
    """Yield the records from one seq to another; nothing is read behind the last of them."""
    if last < first:
        return
    for record, changes in records:
        if record.seq >= first:
            yield record, changes
        if record.seq >= last:
            return


def _check_range(from_: int | None, to: int | None, summary: LogSummary) -> None:
    begin, head = summary.header.first_seq, summary.head
    first = begin if from_ is None else from_
    if first < 1 or (to is not None and to < max(first, 1)):
        given = {"--from": from_, "--to": to}
        named = " ".join(f"{name} {seq}" for name, seq in given.items() if seq is not None)
        message = (
            f"{named} names no records; they are numbered from {begin}, and --to must not be below"
            f" --from"
        )
        raise CommandError(message)
    if first < begin:
        message = (
            f"--from {first} is before the first record that is still there, {begin}: the log was"
            f" trimmed; give --from {begin}, or leave it out"
        )
        raise CommandError(message)
    if first > max(head, begin):
        message = f"--from {first} is behind the end: the last record is {head}"
        raise CommandError(message)


def _print_json(chosen: Iterable[tuple[LogRecord, list[StateChange] | None]]) -> None:
    for record, changes in chosen:
        value = attrs.asdict(record, recurse=False)
        if changes is not None:
            value["state_changes"] = [attrs.asdict(change) for change in changes]
        sys.stdout.write(orjson.dumps(value).decode() + "\n")


def _print_table(
    log: Path,
    summary: LogSummary,
    chosen: Iterable[tuple[LogRecord, list[StateChange] | None]],
) -> None:
    console, table = Console(highlight=False), RecordTable.for_log(summary)
    console.print(Text(f"log {summary.header.log_id} in {printable(str(log))}"), soft_wrap=True)
    console.print(Text(_describe_extent(summary)))
    if summary.count:
        _print_line(console, table.heading())
    for record, changes in chosen:
        _print_line(console, table.line(record))
        for change in _change_lines(changes or []):
            _print_line(console, Text(change, style="dim"))


def _print_line(console: Console, line: Text) -> None:
    """Print one line cut to the width; without rich where it adds nothing, which is faster."""
    if console.is_terminal:
        console.print(line, no_wrap=True, overflow="ellipsis")
    else:
        line.truncate(console.width, overflow="ellipsis")
        sys.stdout.write(line.plain + "\n")


def _describe_extent(summary: LogSummary) -> str:
    count = "1 record" if summary.count == 1 else f"{summary.count:,} records"
    if summary.header.first_seq > 1:
        count += f" ({summary.header.first_seq:,} to {summary.head:,})"
    form = f"format {summary.header.format_version}"
    if summary.first_at_ms is None or summary.last_at_ms is None:
        return f"{count}, without times, {form}"
    seconds = (summary.last_at_ms - summary.first_at_ms) / 1000
    return f"{count}, {seconds:.3f} s from {_date_and_time(summary.first_at_ms)}, {form}"


def _date_and_time(at_ms: int) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(at_ms / 1000, tz=datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return f"{at_ms} ms"
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _change_lines(changes: list[StateChange]) -> list[str]:
    lines = [f"      {c.path}: {c.old} -> {c.new}" for c in changes[:_MOST_CHANGES]]
    if len(changes) > _MOST_CHANGES:
        lines.append(f"      ... and {len(changes) - _MOST_CHANGES} more")
    return lines
