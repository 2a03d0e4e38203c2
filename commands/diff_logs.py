"""`diff_logs`: where two logs of one application part, and what it led to.

What belongs here: comparing whole logs, and the two forms of output.  What does not: two states of
one log, which `diff` compares itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import orjson
from rich.console import Console
from rich.text import Text

from refold.commands.change_lines import difference_lines, whole_changes
from refold.commands.fold_log import FoldedLog, fold_log
from refold.commands.print_lines import print_lines
from refold.commands.printable import printable
from refold.commands.report_error import DID_NOT_HOLD
from refold.commands.state_changes import StateChange
from refold.replay.changed_paths import changed_paths
from refold.replay.log_record import LogRecord

__all__ = ["LogDifference", "diff_logs"]

_Pair: TypeAlias = tuple[LogRecord | None, LogRecord | None]


@attrs.frozen
class LogDifference:
    """Two logs side by side."""

    one: FoldedLog
    """The one."""

    two: FoldedLog
    """The other."""

    first: _Pair | None
    """The first records that are not the same action, with None for a log that ended before; None
    if all are the same."""

    changes: list[StateChange]
    """Where the states at the ends differ."""

    same_start: bool
    """Whether the states before the first record that both have are equal."""

    count_compared: int
    """How many records of the first log were looked for in the other."""

    @property
    def heads(self) -> tuple[int, int]:
        """The last records."""
        return self.one.timeline.head, self.two.timeline.head

    def report(self) -> int:
        """Say what is wrong with the logs; return the exit status."""
        status = max(self.one.report_problem(), self.two.report_problem())
        is_same = self.same_start and self.first is None and not self.changes
        return status if is_same else DID_NOT_HOLD

    def as_json(self) -> dict[str, Any]:
        """Return what a program may want to know."""
        first = self.first and [
            record and attrs.asdict(record, recurse=False) for record in self.first
        ]
        return {
            "log_ids": [each.timeline.header.log_id for each in (self.one, self.two)],
            "heads": self.heads,
            "same_start": self.same_start,
            "first_difference": first,
            "changes": [attrs.asdict(change) for change in self.changes],
        }

    def print_readably(self) -> None:
        """Print where the logs part, then how the states differ."""
        console = Console(highlight=False)
        console.print(Text(f"reducer: {self.one.application.source}"), soft_wrap=True)
        if not self.same_start:
            console.print(Text("the logs start from different states", style="bold"))
        print_lines(console, self._action_lines(console.width))
        states = f"the states at the ends, after the records {self.heads[0]} and {self.heads[1]},"
        print_lines(console, difference_lines(self.changes, states, console.width))

    def _action_lines(self, width: int) -> list[Text]:
        if self.first is None:
            count = self.count_compared
            same = "the only action is" if count == 1 else f"all {count:,} actions are"
            return [Text(f"{same} the same", style="bold")]
        seqs = [record.seq for record in self.first if record is not None]
        lines = [Text(f"the first other action is record {seqs[0]}", style="bold")]
        for sign, style, record in zip("-+", ("red", "green"), self.first, strict=True):
            line = Text(f"  {sign} {_action_text(record)}", style=style)
            line.truncate(width, overflow="ellipsis")
            lines.append(line)
        return lines


def diff_logs(log: Path, other: Path, app: str | None) -> LogDifference:
    """Compare two logs, or what is whole of them.

    Raises:
        CommandError: there is no log or no application by the name, or its reducer raised.
        LogError: one of the logs does not fit the application.
    """
    (one, state), (two, other_state) = _fold_to_end(log, app), _fold_to_end(other, app)
    begin = max(each.timeline.header.first_seq for each in (one, two))  # one may be trimmed
    start, other_start = (_state_before(each, begin) for each in (one, two))
    records, other_records = (_records_from(each, begin) for each in (one, two))
    pairs = itertools.zip_longest(records, other_records)
    return LogDifference(
        one,
        two,
        next((pair for pair in pairs if not _is_same(pair)), None),
        whole_changes(changed_paths(state, other_state)),
        same_start=next(changed_paths(start, other_start), None) is None,
        count_compared=len(records),
    )


def _fold_to_end(log: Path, app: str | None) -> tuple[FoldedLog, Any]:
    with fold_log(log, app) as folded:
        return folded, folded.timeline.at(folded.timeline.head)


def _state_before(folded: FoldedLog, seq: int) -> Any:
    return folded.timeline.at(min(seq - 1, folded.timeline.head))


def _records_from(folded: FoldedLog, seq: int) -> Sequence[LogRecord]:
    records, first = folded.timeline.records, folded.timeline.header.first_seq
    return records[seq - first : len(records)]


def _is_same(pair: _Pair) -> bool:
    one, two = (record and (record.name, record.version, record.payload) for record in pair)
    return one == two


def _action_text(record: LogRecord | None) -> str:
    if record is None:
        return "the log ends before it"
    fields = (f" {name}={orjson.dumps(value).decode()}" for name, value in record.payload.items())
    return printable(record.name + "".join(fields))
