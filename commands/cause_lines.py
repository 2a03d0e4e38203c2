"""`cause_lines`: a record and those that led to it, as an indented tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from rich.text import Text

from refold.commands.log_summary import LogSummary
from refold.commands.printable import printable
from refold.commands.record_table import RecordTable

if TYPE_CHECKING:
    from refold.replay.log_record import LogHeader, LogRecord

__all__ = ["cause_lines", "chain_as_json"]

_BRANCH = "└─ "


def cause_lines(
    chain: Sequence[LogRecord], header: LogHeader, records: Iterable[LogRecord], width: int
) -> Iterator[Text]:
    """Yield a title, the columns' names, and the records, each below the one that it answers.

    Args:
        chain: a record, the one that it answers, and so on, as `Timeline.why` gives them.
        header: of their log.
        records: all of the log; times are counted from the first that has one.
        width: columns to which a line is cut.
    """
    start_ms = next((record.at_ms for record in records if record.at_ms is not None), None)
    table = _table(chain, header, start_ms)
    heading = table.heading()
    indented_from = len(heading) - len("action")
    yield Text(_title(chain), style="bold")
    yield heading
    for depth, record in enumerate(reversed(chain)):
        line = table.line(record)
        branch = "   " * (depth - 1) + _BRANCH if depth else ""
        line = line[:indented_from].append(branch, style="dim").append(line[indented_from:])
        line.truncate(width, overflow="ellipsis")
        yield line
    if chain[-1].cause is not None:
        missing = printable(chain[-1].cause)
        yield Text(f"record {chain[-1].seq} answers {missing}, which is not in this log")


def chain_as_json(chain: Sequence[LogRecord]) -> list[dict[str, Any]]:
    """Return the records for programs, in the order in which they happened."""
    return [attrs.asdict(record, recurse=False) for record in reversed(chain)]


def _title(chain: Sequence[LogRecord]) -> str:
    asked, led = chain[0].seq, len(chain) - 1
    if led:
        count = "the one" if led == 1 else f"the {led:,}"
        return f"record {asked}, below {count} that led to it"
    answered = "one that is not in this log" if chain[0].cause else "no other record"
    return f"record {asked} answers {answered}"


def _table(chain: Sequence[LogRecord], header: LogHeader, start_ms: int | None) -> RecordTable:
    times = [record.at_ms for record in chain if record.at_ms is not None]
    summary = LogSummary(
        header=header,
        head=chain[0].seq,
        first_at_ms=start_ms,
        last_at_ms=max(times, default=None),
        names=frozenset(record.name for record in chain),
        origins=frozenset(record.origin for record in chain),
        has_causes=False,  # the indentation shows them
        damage=None,
    )
    return RecordTable.for_log(summary)
