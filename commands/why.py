"""`refold why`: what led to a record.

What belongs here: the command and its two forms of output.  What does not: following causes, which
`refold.replay.blame_causes` does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
from rich.console import Console

from refold.commands.cause_lines import cause_lines, chain_as_json
from refold.commands.fold_progress import fold_progress
from refold.commands.print_lines import print_lines
from refold.commands.whole_part_reader import WholePartReader
from refold.replay.blame_causes import cause_chain
from refold.replay.forkable_records import RecordSequence

__all__ = ["why"]


def why(log: Path, seq: int, /, *, json: bool = False) -> int:
    """Show what led to a record, from the first cause down to it.

    A record answers another one if it was dispatched while that was being
    handled: by a listener, a subscriber or a middleware. Nothing is folded,
    so no reducer is needed.

    Example: refold why run.jsonl 12

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        seq: The number of the record, as refold show prints it.
        json: Print one JSON object, with the records whole.

    Returns:
        0 if it could be told, 1 if the log is damaged or torn before the record.
    """
    with fold_progress(log) as count_entry:
        reader = WholePartReader(log, count_entry)
        records = RecordSequence(reader)
        index = seq - reader.header.first_seq
        if index < 0 or not (found := records[index : index + 1]):
            raise reader.explain_missing(seq)
        chain = cause_chain(found[0], records[:index])  # a cause stands before its answers
    if json:
        value = {
            "log_id": reader.header.log_id,
            "seq": seq,
            "records": chain_as_json(chain),
            "cause_elsewhere": chain[-1].cause,
        }
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
        return 0
    console = Console(highlight=False)
    print_lines(console, cause_lines(chain, reader.header, records, console.width))
    return 0
