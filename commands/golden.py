"""`refold golden`: whether recorded sessions still lead to what was accepted.

What belongs here: the command, and writing what is accepted.  What does not: judging a session,
which `refold.replay.golden_session` does, and showing it (`golden_report`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from rich.console import Console
from rich.progress import track

from refold.commands.demo_log import find_application_for
from refold.commands.golden_report import SessionReport, print_json, print_readably
from refold.commands.report_error import DID_NOT_HOLD, CommandError
from refold.replay.golden_folder import find_sessions, find_stale, golden_path
from refold.replay.golden_outcome import write_golden
from refold.replay.golden_session import Judgement, judge_session

if TYPE_CHECKING:
    from refold.commands.application import Application

__all__ = ["golden", "with_progress"]


def golden(
    folder: Path, /, *, accept: bool = False, json: bool = False, app: str | None = None
) -> int:
    """Fold recorded sessions again, and show where they lead elsewhere than before.

    Each log in the folder and below it is folded by today's reducers. Its
    state is compared with the one that was accepted, and where nothing was
    accepted yet, with the digests in the log. What was accepted stands beside
    the log, in LOG.golden.json: commit both, and review the file's changes.

    Example: refold golden sessions --app shop.main:root

    Args:
        folder: Where logs are, as given to record(path); or one log.
        accept: Let today's states be right: write the files that differ, remove those without log.
        json: Print one JSON object, no value cut short.
        app: The root reducer, module:attribute. Logs of the demo need none.

    Returns:
        0 if all are as accepted or are accepted now, 1 if one is not, 2 if nothing can be folded.
    """
    logs, stale = _find(folder)
    application = find_application_for(logs[0], app) if logs else None
    reports = [*_judge(folder, logs, application), *_stale_reports(folder, stale)]
    if accept:
        reports = [_accept(one) for one in reports]
    if json:
        print_json(reports)
    else:
        print_readably(reports, "" if application is None else application.source, folder)
    return 0 if all(one.holds for one in reports) else DID_NOT_HOLD


def _find(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the logs and the accepted files without one.

    Raises:
        CommandError: there are neither.
    """
    try:
        logs, stale = find_sessions(folder), find_stale(folder)
    except OSError as error:
        message = (
            f"{folder} cannot be read: {error.strerror}; give a folder in which logs are, such as"
            f" refold golden sessions"
        )
        raise CommandError(message) from error
    if logs or stale:
        return logs, stale
    message = (
        f"the folder {folder} holds no log, nor does one below it; put recorded sessions into it,"
        f" such as those of a program with middleware=[record('{folder}/first.jsonl')]"
    )
    raise CommandError(message)


def _judge(
    folder: Path, logs: list[Path], application: Application | None
) -> Iterator[SessionReport]:
    if application is None:
        return
    for log in with_progress(logs):
        yield SessionReport(
            name=_name(log, folder),
            file=golden_path(log),
            judgement=judge_session(log, application.reducer),
        )


def _stale_reports(folder: Path, stale: list[Path]) -> list[SessionReport]:
    judgement = Judgement(verdict="stale")
    return [
        SessionReport(name=_name(file, folder), file=file, judgement=judgement) for file in stale
    ]


def _name(path: Path, folder: Path) -> str:
    return path.name if path == folder else path.relative_to(folder).as_posix()


def with_progress(logs: list[Path]) -> Iterable[Path]:
    """Return the logs, with a bar on stderr while they are gone through, on a terminal only."""
    console = Console(stderr=True)
    if len(logs) == 1 or not console.is_terminal:
        return logs
    return track(logs, "folding sessions", console=console, transient=True)


def _accept(report: SessionReport) -> SessionReport:
    """Write or remove the file of a session whose outcome is not the accepted one."""
    file, judgement = report.file, report.judgement
    try:
        if judgement.verdict == "stale":
            file.unlink()
        elif judgement.verdict in {"new", "differs"} and judgement.outcome is not None:
            written = file.with_name(f"{file.name}.new")
            written.write_bytes(write_golden(judgement.outcome))
            written.replace(file)
        else:
            return report
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}; make it writable, then accept again"
        raise CommandError(message) from error
    return attrs.evolve(report, is_accepted=True)
