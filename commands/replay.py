"""`refold replay`: fold a log again, and show the state it leads to.

What belongs here: the command and its two forms of output.  What does not: folding, which
`replayed_log` asks the timeline for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from rich.console import Console
from rich.text import Text

from refold.commands.demo_log import find_application_for
from refold.commands.fold_progress import fold_progress
from refold.commands.open_log import open_log
from refold.commands.replayed_log import ReplayedLog, replay_log
from refold.commands.report_error import CommandError, report_error
from refold.commands.state_lines import state_lines

if TYPE_CHECKING:
    from refold.commands.application import Application

__all__ = ["replay"]


def replay(
    log: Path,
    /,
    *,
    to: int | None = None,
    verify: bool = False,
    json: bool = False,
    app: str | None = None,
) -> int:
    """Fold a log again, and show the state it leads to.

    The reducer is named by --app, else by the environment variable
    REFOLD_APP, else by app in [tool.refold] of ./pyproject.toml. A log of
    the demo needs none.

    Example: refold replay run.jsonl --verify --app shop.main:root

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        to: The record to stop after, 0 for the start (later if trimmed); by default the last.
        verify: Compare every state digest that was recorded.
        json: Print one JSON object, with the state in it.
        app: The root reducer that was recorded, module:attribute.

    Returns:
        0 if all held, 1 if the log is damaged or the replay differs from what was recorded.
    """
    if to is not None and to < 0:
        message = f"--to must be 0 (the start) or more, got {to}"
        raise CommandError(message)
    application = find_application_for(log, app)
    with fold_progress(log) as count_entry:
        reader = open_log(log, count_entry)
        _check_is_kept(to, reader.header.first_seq - 1)
        replayed = replay_log(reader, application.reducer, to=to, verify=verify)
    if json:
        sys.stdout.write(_as_json(replayed) + "\n")
    else:
        _print_readably(replayed, application)
    for problem in replayed.problems:
        report_error(problem)
    return 1 if replayed.problems else 0


def _check_is_kept(to: int | None, start: int) -> None:
    if to is not None and to < start:
        message = (
            f"--to {to} is before the start: the log was trimmed and its first record is"
            f" {start + 1}; give {start} (the start) or more"
        )
        raise CommandError(message)


def _as_json(replayed: ReplayedLog) -> str:
    value = {
        "log_id": replayed.log_id,
        "seq": replayed.seq,
        "verified": replayed.verified,
        "problems": [str(problem) for problem in replayed.problems],
        "state": replayed.encoded_state,
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _print_readably(replayed: ReplayedLog, application: Application) -> None:
    console = Console(highlight=False)
    console.print(Text(f"reducer: {application.source}"), soft_wrap=True)
    console.print(_verdict(replayed))
    console.print(Text(f"state after record {replayed.seq} of log {replayed.log_id}", style="bold"))
    for line in state_lines(replayed.encoded_state, "  "):
        console.print(Text(line), soft_wrap=True)


def _verdict(replayed: ReplayedLog) -> Text:
    match replayed.verified:
        case None:
            return Text("digests: not compared (--verify compares them)")
        case True:
            count = replayed.digests_compared
            compared = "the only one is equal" if count == 1 else f"all {count:,} are equal"
            return Text(f"digests: {compared}", style="green")
        case False:
            return Text("digests: NOT VERIFIED, see below", style="bold red")
