"""What `refold golden` prints: for people the sessions that changed, for programs all of them."""

from __future__ import annotations

import shlex
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import orjson
from rich.console import Console
from rich.text import Text

from refold.commands.change_lines import change_lines
from refold.commands.print_lines import print_lines
from refold.commands.printable import printable
from refold.commands.report_error import explain_raised
from refold.commands.state_changes import StateChange
from refold.errors import RefoldError
from refold.replay.golden_difference import WHOLE_STATE, SliceDifference
from refold.replay.golden_outcome import GoldenFileError
from refold.replay.golden_paths import ABSENT, PathDifference, json_text
from refold.replay.golden_session import Judgement

__all__ = ["SessionReport", "print_json", "print_readably"]

_STYLES: Final = {
    "same": "green",
    "accepted": "green",
    "removed": "green",
    "new": "cyan",
    "differs": "bold yellow",
    "stale": "bold yellow",
    "failed": "bold red",
    "damaged": "bold red",
}
"""In the order of the last line."""

_INDENT: Final = "    "
_MOST_PATHS: Final = 6
"""Lines below one slice: a change that touches a thousand entries stays readable."""


@attrs.frozen(kw_only=True)
class SessionReport:
    """One session, and what was done about it."""

    name: str
    """Its path inside the folder."""

    file: Path
    """Where its accepted outcome is kept."""

    judgement: Judgement
    """What was found."""

    is_accepted: bool = False
    """Whether the accepted file was written, or removed, in this run."""

    @property
    def word(self) -> str:
        """What became of it."""
        verdict = self.judgement.verdict
        if self.is_accepted:
            return "removed" if verdict == "stale" else "accepted"
        return verdict

    @property
    def holds(self) -> bool:
        """Whether nothing is left to be done about it."""
        return self.word in {"same", "new", "accepted", "removed"}


def print_json(reports: Sequence[SessionReport]) -> None:
    """Print one JSON object."""
    value = {
        "holds": all(one.holds for one in reports),
        "sessions": [_as_json(one) for one in reports],
    }
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_readably(reports: Sequence[SessionReport], reducer: str, folder: Path) -> None:
    """Print every session but those that are as accepted, and how many there are of each kind.

    Args:
        reports: of all sessions.
        reducer: where it was named; empty if there was nothing to fold.
        folder: what was looked at.
    """
    console = Console(highlight=False)
    if reducer:
        console.print(Text(f"reducer: {reducer}"), soft_wrap=True)
    for one in reports:
        if one.word != "same":
            print_lines(console, _lines(one, console.width))
    console.print(_summary(reports), soft_wrap=True)
    if any(one.word in {"new", "differs", "stale"} for one in reports):
        app = f" {reducer}" if reducer.startswith("--app ") else ""
        command = f"refold golden {shlex.quote(str(folder))}{app} --accept"
        console.print(Text(f"if that is as it should be: {printable(command)}"), soft_wrap=True)


def _as_json(report: SessionReport) -> dict[str, Any]:
    judgement = report.judgement
    outcome = judgement.outcome
    return {
        "session": report.name,
        "is": report.word,
        "log_id": outcome and outcome.log_id,
        "head": outcome and outcome.head,
        "reason": _reason(judgement) or None,
        "slices": [_slice_json(one) for one in judgement.slices],
    }


def _slice_json(one: SliceDifference) -> dict[str, Any]:
    return {
        "slice": one.slice,
        "equal_until": one.equal_until,
        "differs_at": one.differs_at,
        "differs_at_end": one.differs_at_end,
        "paths": [_path_json(each) for each in one.paths],
    }


def _path_json(one: PathDifference) -> dict[str, Any]:
    sides = {"accepted": one.accepted, "today": one.today}
    return {"path": one.path, **{k: v for k, v in sides.items() if v is not ABSENT}}


def _lines(report: SessionReport, width: int) -> Iterator[Text]:
    judgement = report.judgement
    heading = Text(f"{report.word:<9}", style=_STYLES[report.word])
    yield heading.append(printable(report.name), style="not bold default")
    is_said = report.is_accepted and (judgement.slices or judgement.verdict == "new")
    if not is_said:
        inner = max(width - len(_INDENT), 20)
        for line in textwrap.wrap(printable(_reason(judgement)), inner):
            yield Text(f"{_INDENT}{line}")
    for one in judgement.slices:
        yield Text(f"{_INDENT}{printable(one.slice) or 'the whole state'} {one.where}")
        yield from _path_lines(one, width)
        if one.slice == WHOLE_STATE and not one.paths and judgement.accepted is not None:
            yield Text(f"{_INDENT}  no kept value differs: its class has another name, or it is a")
            yield Text(f"{_INDENT}  bare collection, of which only digests are kept")


def _reason(judgement: Judgement) -> str:
    error = judgement.error
    if error is None:
        return judgement.reason
    if isinstance(error, RefoldError | GoldenFileError):
        return str(error)
    return f"the reducer raised {explain_raised(error)}; it did not when this was recorded"


def _path_lines(one: SliceDifference, width: int) -> Iterator[Text]:
    changes = [
        StateChange(
            printable(each.path),
            printable(json_text(each.accepted)),
            printable(json_text(each.today)),
        )
        for each in one.paths[:_MOST_PATHS]
    ]
    inner = max(width - len(_INDENT), 20)
    yield from (Text(_INDENT).append_text(line) for line in change_lines(changes, inner))
    if len(one.paths) > _MOST_PATHS:
        more = len(one.paths) - _MOST_PATHS
        yield Text(f"{_INDENT}  ... and {more:,} more (--json shows all)")


def _summary(reports: Iterable[SessionReport]) -> Text:
    counts = Counter(one.word for one in reports)
    total = sum(counts.values())
    parts = [f"{counts[word]} {word}" for word in _STYLES if counts[word]]
    count = "1 session" if total == 1 else f"{total:,} sessions"
    return Text(f"{count}: {', '.join(parts)}", style="bold")
