"""`refold blame`: the record that last changed a part of the state.

What belongs here: the command and its two forms of output.  What does not: looking back, which
`refold.replay.blame_path` does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import orjson
from rich.console import Console
from rich.text import Text

from refold.commands.cause_lines import cause_lines, chain_as_json
from refold.commands.change_lines import change_lines, whole_changes
from refold.commands.fold_log import FoldedLog, fold_log
from refold.commands.nearest_paths import nearest_paths
from refold.commands.print_lines import print_lines
from refold.commands.printable import printable
from refold.commands.report_error import CommandError
from refold.commands.state_changes import StateChange
from refold.errors import LogError
from refold.replay.blame_path import part_at, split_path
from refold.replay.changed_paths import ABSENT, changed_paths
from refold.replay.log_record import LogRecord

if TYPE_CHECKING:
    from refold.replay.timeline import Timeline

__all__ = ["blame"]


@attrs.frozen
class _Blame:
    """Who changed a part, and how."""

    path: str
    at: int
    chain: list[LogRecord]
    changes: list[StateChange]
    part: str


def blame(
    log: Path,
    path: str,
    /,
    *,
    at: int | None = None,
    json: bool = False,
    app: str | None = None,
) -> int:
    """Show which record last changed a part of the state, and what led to it.

    The part is written as refold diff prints it. Quote it for the shell.

    Example: refold blame run.jsonl "cart.counts['apple']" --app shop.main:root

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        path: The part; state for all of it.
        at: Ask as of this record; by default as of the last one.
        json: Print one JSON object, no value cut short.
        app: The root reducer that was recorded, module:attribute. A log of the demo needs none.

    Returns:
        0 if it could be told, 1 if the log is damaged or torn, 2 if no state has the part.
    """
    with fold_log(log, app) as folded:
        if at is not None:
            folded.state_at(at)
        found = _find(folded.timeline.fork(at), path)
    if json:
        sys.stdout.write(_as_json(folded, found) + "\n")
    else:
        _print_readably(folded, found)
    return folded.report_problem() if at is None else 0


def _find(timeline: Timeline[Any], path: str) -> _Blame:
    at = timeline.head
    end = timeline.at(at)  # from here on, an error can only be one of the path
    asked = "" if path == "state" and not hasattr(end, "state") else path
    try:
        steps, record = split_path(asked), timeline.blame(asked)
    except LogError as error:
        raise _no_such_part(end, path, f"{error}") from error
    part = part_at(end, steps)
    if record is None:
        if part is ABSENT:
            raise _no_such_part(end, path, f"no state up to record {at} has {path}")
        return _Blame(path, at, [], [], printable(repr(part)))
    seq = record.seq
    sides = part_at(timeline.at(seq - 1), steps), part_at(timeline.at(seq), steps)
    changes = whole_changes(changed_paths(*sides, asked))
    return _Blame(path, at, timeline.why(seq), changes, printable(repr(part)))


def _no_such_part(state: object, path: str, reason: str) -> CommandError:
    near = nearest_paths(state, path)
    advice = f"; the nearest there are: {', '.join(near)}" if near else ""
    return CommandError(f"{reason}{advice}")


def _as_json(folded: FoldedLog, found: _Blame) -> str:
    value = {
        "log_id": folded.timeline.header.log_id,
        "path": found.path,
        "at": found.at,
        "changed_by": found.chain[0].seq if found.chain else None,
        "changes": [attrs.asdict(change) for change in found.changes],
        "value": found.part,
        "records": chain_as_json(found.chain),
        "problem": None if folded.problem is None else str(folded.problem),
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _print_readably(folded: FoldedLog, found: _Blame) -> None:
    console, timeline = Console(highlight=False), folded.timeline
    console.print(Text(f"reducer: {folded.application.source}"), soft_wrap=True)
    path = printable(found.path)
    if not found.chain:
        line = Text(
            f"no record up to {found.at} changed {path}; since the start it is {found.part}"
        )
        line.truncate(console.width, overflow="ellipsis")
        print_lines(console, [line])
        return
    console.print(
        Text(f"record {found.chain[0].seq} was the last to change {path}", style="bold"),
        soft_wrap=True,
    )
    print_lines(console, change_lines(found.changes, console.width))
    print_lines(console, cause_lines(found.chain, timeline.header, timeline.records, console.width))
