"""`refold replay`: fold a log again, and show the state it leads to.

What belongs here: the command and its two forms of output.  What does not: folding, which
`replayed_log` asks the timeline for.
"""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import orjson
from rich.console import Console
from rich.text import Text

from refold.commands.application import Application, find_named_application
from refold.commands.fold_progress import fold_progress
from refold.commands.log_summary import summarize_log
from refold.commands.open_log import open_log
from refold.commands.printable import printable
from refold.commands.replayed_log import ReplayedLog, replay_log
from refold.commands.report_error import CommandError, report_error
from refold.commands.state_lines import state_lines

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
        to: The record to stop after, 0 for the start; by default the last one.
        verify: Compare every state digest that was recorded.
        json: Print one JSON object, with the state in it.
        app: The root reducer that was recorded, module:attribute.

    Returns:
        0 if all held, 1 if the log is damaged or the replay differs from what was recorded.
    """
    if to is not None and to < 0:
        message = f"--to must be 0 (the start) or more, got {to}"
        raise CommandError(message)
    application = find_named_application(app) or _demo_application(log)
    with fold_progress(log) as count_entry:
        replayed = replay_log(open_log(log, count_entry), application.reducer, to=to, verify=verify)
    if json:
        sys.stdout.write(_as_json(replayed) + "\n")
    else:
        _print_readably(replayed, application)
    for problem in replayed.problems:
        report_error(problem)
    return 1 if replayed.problems else 0


def _demo_application(log: Path) -> Application:
    """Return the demo's reducer if the log is one of the demo.

    Raises:
        CommandError: it is not.
    """
    from refold.commands.demo_application import DemoState, demo_root  # noqa: PLC0415  # is slow

    summary = summarize_log(log)
    known = {cls.wire_name for cls in demo_root.handles}
    start, fields = summary.header.start_state, attrs.fields_dict(DemoState)
    if summary.names <= known and isinstance(start, dict) and start.keys() == fields.keys():
        return Application(demo_root, "the demo's own")
    foreign = sorted(summary.names - known)
    example = f" (it has {printable(foreign[0])})" if foreign else ""
    message = (
        f"no reducer is named, and {log} is no log of the demo{example}; give --app"
        f" module:attribute, such as --app shop.main:root, or set REFOLD_APP, or write app ="
        f' "shop.main:root" under [tool.refold] in ./pyproject.toml'
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
