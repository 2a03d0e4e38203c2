"""`refold compact`: let a log begin later, so that it is smaller and still replays.

What belongs here: the command and its two forms of output.  What does not: what may be dropped,
which `refold.replay.log_compaction` proves.
"""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import orjson
from rich.console import Console
from rich.text import Text

from refold.commands.demo_log import find_application_for
from refold.commands.fold_progress import fold_progress
from refold.commands.open_log import open_log
from refold.commands.printable import printable
from refold.commands.report_error import CommandError, naming_reducer_errors
from refold.replay.log_compaction import Compaction, compact_log
from refold.replay.log_segments import is_one_file

__all__ = ["compact"]


def compact(  # noqa: PLR0913  # the options of a command
    log: Path,
    /,
    *,
    app: str | None = None,
    keep: int | None = None,
    before: int | None = None,
    output: Path | None = None,
    json: bool = False,
) -> int:
    """Fold the oldest records of a log into its start, so that it is smaller and still replays.

    Give either --keep or --before. The numbers of the records stay. The log
    is folded first, and nothing is dropped unless every recorded digest is
    equal. A log that is one file is written anew; of a folder, whole files
    are deleted and the closed ones compressed. Nobody may be writing it.

    Example: refold compact run.jsonl --keep 10000 --app shop.main:root

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        app: The root reducer that was recorded, module:attribute.
        keep: How many of the newest records to keep, 0 or more.
        before: Drop the records before this one.
        output: Write the shorter log here, and leave the old one as it is.
        json: Print one JSON object.

    Returns:
        0 if it was done or there was nothing to drop, 1 if the log is damaged or its replay
        differs from what was recorded, 2 if it cannot be done.
    """
    _check_choice(keep, before)
    open_log(log).close()  # says what is wrong with it
    reducer = find_application_for(log, app).reducer

    def choose(seqs: range) -> int:
        if before is None:
            return max(seqs.stop - (keep or 0), seqs.start)
        if before > seqs.stop:
            message = (
                f"--before {before} is behind the end: the last record is {seqs.stop - 1}; the"
                f" highest number that can be given is {seqs.stop}, which keeps none"
            )
            raise CommandError(message)
        return before

    with fold_progress(log) as count_entry, naming_reducer_errors():
        done = compact_log(log, reducer, choose, output=output, on_entry=count_entry)
    if json:
        sys.stdout.write(_as_json(done) + "\n")
    else:
        _print_readably(done)
    return 0


def _check_choice(keep: int | None, before: int | None) -> None:
    if (keep is None) == (before is None):
        message = "say what to keep: either --keep N, or --before SEQ, such as --keep 10000"
        raise CommandError(message)
    if keep is not None and keep < 0:
        message = f"--keep expects how many records to keep, 0 or more, got {keep}"
        raise CommandError(message)
    if before is not None and before < 1:
        message = f"--before expects the number of a record, 1 or more, got {before}"
        raise CommandError(message)


def _as_json(done: Compaction) -> str:
    value = {
        **attrs.asdict(done),
        "path": str(done.path),
        "records_dropped": done.records_dropped,
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _print_readably(done: Compaction) -> None:
    console = Console(highlight=False)
    dropped, head = done.records_dropped, done.head
    extents = [_extent(first, head) for first in (done.old_first_seq, done.first_seq)]
    what = f"{dropped:,} records dropped" if dropped != 1 else "1 record dropped"
    console.print(Text(what if dropped else "nothing to drop", style="bold"))
    lines = [
        f"log {done.log_id} in {printable(str(done.path))}",
        f"records: {' -> '.join(extents)}",
        f"bytes: {done.bytes_before:,} -> {done.bytes_after:,}",
    ]
    if done.first_seq < done.asked_first_seq:
        lines.append(_why_more_is_kept(done))
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _extent(first: int, head: int) -> str:
    return f"{first:,} to {head:,}" if first <= head else "none"


def _why_more_is_kept(done: Compaction) -> str:
    stay = _extent(done.first_seq, done.asked_first_seq - 1)
    if is_one_file(done.path):
        return f"records {stay} stay: they are of one transaction with the next"
    return (
        f"records {stay} stay, because whole files are deleted, up to one that begins with a known"
        f" state; --output FILE.jsonl writes a log that begins exactly there"
    )
