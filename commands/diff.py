"""`refold diff`: where two states differ, of one log or at the ends of two.

What belongs here: the command and its two forms of output.  What does not: finding differences,
which `refold.replay.changed_paths` does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import attrs
import orjson
from rich.console import Console
from rich.text import Text

from refold.commands.change_lines import difference_lines, whole_changes
from refold.commands.diff_logs import diff_logs
from refold.commands.fold_log import fold_log
from refold.commands.print_lines import print_lines
from refold.commands.report_error import CommandError
from refold.replay.changed_paths import changed_paths

__all__ = ["diff"]


def diff(
    log: Path,
    a: int | Path,
    b: int | None = None,
    /,
    *,
    json: bool = False,
    app: str | None = None,
) -> int:
    """Show in which parts two states differ.

    The states are those after the records A and B of one log; 0 is its
    start, and without B it is the last record. With another log in the place
    of A, the states at both ends are compared, and the first record is shown
    that is another action; times and origins may differ.

    Example: refold diff run.jsonl 3 12 --app shop.main:root

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        a: A record, or another log of the same application.
        b: Another record.
        json: Print one JSON object, no value cut short.
        app: The root reducer that was recorded, module:attribute. A log of the demo needs none.

    Returns:
        0 if it could be told, 1 if two logs differ, or one is damaged or torn.
    """
    if isinstance(a, int):
        return _diff_records(log, a, b, app, json=json)
    if b is not None:
        message = f"two logs are compared at their ends; leave {b} out, or name records of {log}"
        raise CommandError(message)
    difference = diff_logs(log, a, app)
    if json:
        _print_json(difference.as_json())
    else:
        difference.print_readably()
    return difference.report()


def _diff_records(log: Path, a: int, b: int | None, app: str | None, *, json: bool) -> int:
    with fold_log(log, app) as folded:
        before = folded.state_at(a)
        b = folded.timeline.head if b is None else b
        changes = whole_changes(changed_paths(before, folded.state_at(b)))
    if json:
        log_id = folded.timeline.header.log_id
        listed = [attrs.asdict(change) for change in changes]
        _print_json({"log_id": log_id, "a": a, "b": b, "changes": listed})
    else:
        console = Console(highlight=False)
        console.print(Text(f"reducer: {folded.application.source}"), soft_wrap=True)
        states = f"the states after the records {a} and {b}"
        print_lines(console, difference_lines(changes, states, console.width))
    return folded.report_problem()


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
