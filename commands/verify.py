"""`refold verify`: whether logs are whole, and lead to the very states that were recorded.

What belongs here: the command and its two forms of output.  What does not: comparing, which
`replayed_log` asks the timeline for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import attrs
import orjson
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from refold.commands.cause_lines import cause_lines
from refold.commands.demo_log import find_application_for
from refold.commands.fold_progress import fold_progress
from refold.commands.open_log import open_log
from refold.commands.print_lines import print_lines
from refold.commands.printable import printable
from refold.commands.replayed_log import ReplayedLog, replay_log
from refold.commands.report_error import exit_status_of, report_error
from refold.commands.whole_part_reader import WholePartReader
from refold.errors import LogDamagedError, RefoldError, ReplayMismatchError
from refold.replay.blame_causes import cause_chain
from refold.replay.forkable_records import RecordSequence

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

__all__ = ["verify"]

_ADVICE: Final = (
    "to do: verify it with the program that recorded it. If all is equal there,",
    "a reducer was changed since. If not, one is not pure: it reads a clock,",
    "draws a number, or changes what it was given.",
)


@attrs.frozen
class _Verdict:
    """What became of one log."""

    log: Path
    replayed: ReplayedLog | None = None
    error: RefoldError | None = None

    @property
    def status(self) -> int:
        return 0 if self.error is None else exit_status_of(self.error)


def verify(
    *logs: Annotated[Path, Parameter(name="LOG", required=True)],
    json: bool = False,
    app: str | None = None,
) -> int:
    """Fold whole logs, and compare every digest that was recorded.

    A digest is of the whole state; one stands at least at every 256th record
    and at the end of a log that was closed.

    Example: refold verify run.jsonl --app shop.main:root

    Args:
        logs: Files ending in .jsonl or folders, as given to record(path).
        json: Print one JSON object.
        app: The root reducer that was recorded, module:attribute. A log of the demo needs none.

    Returns:
        0 if all are equal, 1 if one differs or is damaged or torn, 2 if one cannot be folded.
    """
    verdicts: list[_Verdict] = []
    for log in logs:
        verdicts.append(_verify(log, app))
        if not json:
            _print_readably(verdicts[-1])
        if (error := verdicts[-1].error) is not None:
            is_named = len(logs) == 1 or str(log) in str(error)
            report_error(error if is_named else f"{log}: {error}")
    if json:
        value = {
            "holds": all(verdict.error is None for verdict in verdicts),
            "logs": [_as_json(verdict) for verdict in verdicts],
        }
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
    return max(verdict.status for verdict in verdicts)


def _verify(log: Path, app: str | None) -> _Verdict:
    try:
        application = find_application_for(log, app)
        with fold_progress(log) as count_entry:
            reader = open_log(log, count_entry)
            start = reader.header.first_seq - 1
            replayed = replay_log(reader, application.reducer, to=start, verify=True)
    except RefoldError as error:  # the other logs are verified all the same
        return _Verdict(log, error=error)
    return _Verdict(log, replayed, next(iter(replayed.problems), None))


def _as_json(verdict: _Verdict) -> dict[str, Any]:
    error, replayed = verdict.error, verdict.replayed
    mismatch = None
    if isinstance(error, ReplayMismatchError):
        chain = _chain_of(verdict.log, error.seq)[0]
        mismatch = {
            "seq": error.seq,
            "path": error.path,
            "expected": error.expected,
            "found": error.found,
            "record": attrs.asdict(chain[0], recurse=False) if chain else None,
        }
    return {
        "log": str(verdict.log),
        "log_id": None if replayed is None else replayed.log_id,
        "verified": error is None,
        "digests_compared": 0 if replayed is None else replayed.digests_compared,
        "mismatch": mismatch,
        "problem": None if error is None else str(error),
    }


def _print_readably(verdict: _Verdict) -> None:
    console = Console(highlight=False)
    line = Text(f"{printable(str(verdict.log))}: ")
    console.print(line.append_text(_in_words(verdict)), soft_wrap=True)
    if not isinstance(verdict.error, ReplayMismatchError):
        return
    chain, records = _chain_of(verdict.log, verdict.error.seq)
    if chain:
        header = open_log(verdict.log).header
        print_lines(console, cause_lines(chain, header, records, console.width))
    for advice in _ADVICE:
        console.print(Text(advice), soft_wrap=True)


def _in_words(verdict: _Verdict) -> Text:
    error = verdict.error
    if isinstance(error, ReplayMismatchError):
        what = f"the state after record {error.seq} differs in {error.path}"
    elif isinstance(error, LogDamagedError):
        what = "it is not whole, see below"
    elif error is not None:
        what = "see below"
    else:
        count = 0 if verdict.replayed is None else verdict.replayed.digests_compared
        equal = "the only digest is equal" if count == 1 else f"all {count:,} digests are equal"
        return Text(equal, style="green")
    return Text(f"NOT VERIFIED, {printable(what)}", style="bold red")


def _chain_of(log: Path, seq: int) -> tuple[list[LogRecord], RecordSequence]:
    """Return a record and what led to it; nothing for the start."""
    reader = WholePartReader(log)
    records = RecordSequence(reader)
    index = seq - reader.header.first_seq
    return (cause_chain(records[index], records[:index]) if index >= 0 else []), records
