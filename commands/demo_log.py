"""`find_application_for`: the reducer that a person named, or the demo's own for its own log."""

from __future__ import annotations

from pathlib import Path

import attrs

from refold.commands.application import Application, find_named_application
from refold.commands.log_summary import summarize_log
from refold.commands.printable import printable
from refold.commands.report_error import CommandError

__all__ = ["find_application_for"]


def find_application_for(log: Path, app: str | None) -> Application:
    """Return the named application; without a name the demo's, if the log is one of the demo.

    Args:
        log: the log that is to be folded.
        app: what ``--app`` was given; None if it was not.

    Raises:
        CommandError: what is named is no reducer, or nothing is and the log is not the demo's.
    """
    return find_named_application(app) or _demo_application(log)


def _demo_application(log: Path) -> Application:
    from refold.commands.demo_application import DemoState, demo_root  # noqa: PLC0415  # is slow

    summary = summarize_log(log)
    known = {cls.wire_name for cls in demo_root.handles}
    start, fields = summary.header.start_state, attrs.fields_dict(DemoState)
    if summary.names <= known and isinstance(start, dict) and start.keys() == fields.keys():
        return Application(
            demo_root, "refold.commands.demo_application:demo_root", "the demo's own"
        )
    foreign = sorted(summary.names - known)
    example = f" (it has {printable(foreign[0])})" if foreign else ""
    message = (
        f"no reducer is named, and {log} is no log of the demo{example}; give --app"
        f" module:attribute, such as --app shop.main:root, or set REFOLD_APP, or write app ="
        f' "shop.main:root" under [tool.refold] in ./pyproject.toml'
    )
    raise CommandError(message)
