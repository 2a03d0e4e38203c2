"""`refold recover`: what is whole of a damaged log, in a log of its own.

What belongs here: the command and its two forms of output.  What does not: finding it, which
`refold.replay.log_salvage` does.
"""

from __future__ import annotations

import itertools
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import orjson

from refold.commands.printable import printable
from refold.commands.report_error import DID_NOT_HOLD, CommandError
from refold.replay.log_salvage import Salvage, SecondLog, salvage_log, write_salvaged
from refold.replay.log_segments import is_one_file

if TYPE_CHECKING:
    from refold.replay.log_damage_survey import LostLines

__all__ = ["recover"]

_WIDTH: Final = 80
_INDENT: Final = " " * 4


def recover(log: Path, /, *, output: Path, json: bool = False) -> int:
    """Write what is whole of a damaged log to a new log.

    The new log has the records before the first damage. Whole ones behind it
    are listed, but cannot be folded without what is missing. The damaged log
    is only read.

    Example: refold recover run --output recovered

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        output: Where to; of the same kind as the log, and not there yet.
        json: Print one JSON object.

    Returns:
        0 if nothing is lost, 1 if something is, 2 if it cannot be done.
    """
    _check_paths(log, output)
    salvage = salvage_log(log)
    if salvage.whole:
        write_salvaged(salvage, output)
    if json:
        sys.stdout.write(orjson.dumps(_as_json(log, output, salvage)).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{printable(line)}\n" for line in _as_text(output, salvage)))
    return DID_NOT_HOLD if salvage.lost else 0


def _check_paths(log: Path, output: Path) -> None:
    if not log.exists():
        message = f"there is no {log}; give the path that record(path) was given"
        raise CommandError(message)
    if is_one_file(log) and output.suffix != ".jsonl":
        message = f"{log} is one file, and {output} does not end in .jsonl; give such an --output"
        raise CommandError(message)
    if not is_one_file(log) and is_one_file(output):
        message = f"{log} is a folder, and {output} is one file; give a folder as --output"
        raise CommandError(message)
    if output.exists():
        message = f"{output} is there already, and nothing is overwritten; give another --output"
        raise CommandError(message)
    if output.resolve().is_relative_to(log.resolve()):
        message = f"{output} is inside {log}, which stays as it is; give another --output"
        raise CommandError(message)


def _as_json(log: Path, output: Path, salvage: Salvage) -> dict[str, object]:
    return {
        "log": str(log),
        "output": str(output) if salvage.whole else None,
        "first_seq": salvage.first_seq,
        "last_seq": salvage.last_seq,
        "records": salvage.last_seq - salvage.first_seq + 1,
        "lost": [attrs.asdict(one) for one in salvage.lost],
        "second_logs": [attrs.asdict(one) for one in salvage.second_logs],
    }


def _as_text(output: Path, salvage: Salvage) -> list[str]:
    lines = [_heading(output, salvage)]
    if not salvage.lost:
        return [*lines, "nothing is lost"]
    lines.append("lost:")
    for is_whole, lost in itertools.groupby(salvage.lost, lambda one: one.is_whole):
        explain = _explain_whole if is_whole else _explain_damaged
        lines += explain([*lost])
    for one in salvage.second_logs:
        lines += _explain_second(one)
    return lines


def _heading(output: Path, salvage: Salvage) -> str:
    if not salvage.whole:
        return "nothing can be salvaged: the first line, with the state to begin with, is damaged"
    count = salvage.last_seq - salvage.first_seq + 1
    if count < 1:
        return f"{output} has the log's start, without any record"
    return f"{output} has {_records(salvage.first_seq, salvage.last_seq)}"


def _explain_damaged(damaged: list[LostLines]) -> list[str]:
    lines: list[str] = []
    for lost in damaged:
        first, last = lost.first_line, lost.last_line
        where = f"line {first}" if first == last else f"lines {first} to {last}"
        where = where if first <= last else "before its first line"
        lines.append(f"  {lost.segment}, {where}")
        lines += _details(lost.first_seq, lost.last_seq, lost.size_bytes, lost.reason)
    return lines


def _explain_whole(whole: list[LostLines]) -> list[str]:
    """Return what is told of whole lines, in one or many files."""
    first, last = whole[0], whole[-1]
    found = [seq for one in whole for seq in (one.first_seq, one.last_seq) if seq is not None]
    size = sum(one.size_bytes for one in whole)
    return [
        f"  {first.segment}, {_extent(first, last)}",
        *_details(found[0] if found else None, found[-1] if found else None, size, first.reason),
    ]


def _extent(first: LostLines, last: LostLines) -> str:
    if first.segment != last.segment:
        return f"line {first.first_line} to {last.segment}"
    if first.first_line == last.last_line:
        return f"line {first.first_line}"
    return f"lines {first.first_line} to {last.last_line}"


def _details(first: int | None, last: int | None, size_bytes: int, reason: str) -> list[str]:
    seqs = ""
    if first is not None:
        seqs = f"seq {first} on, " if last is None else f"{_records(first, last)}, "
    return textwrap.wrap(
        f"{seqs}{size_bytes} bytes: {reason}",
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
    )


def _explain_second(second: SecondLog) -> list[str]:
    first, *rest = second.files
    files = first if not rest else f"{first} to {rest[-1]}"
    text = (
        f"{_records(second.first_seq, second.last_seq)} could be a log of their own, because the"
        f" state before is known; to have it, copy {files} to an empty folder"
    )
    return textwrap.wrap(text, _WIDTH)


def _records(first: int, last: int | None) -> str:
    return f"seq {first}" if first == last else f"seq {first} to {last}"
