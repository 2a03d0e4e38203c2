"""`refold bisect`: the first record after which a rule about the state is broken.

What belongs here: the command and its two forms of output.  What does not: the search, which
`refold.replay.bisect_states` does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import orjson
from rich.console import Console
from rich.text import Text

from refold.commands.cause_lines import cause_lines, chain_as_json
from refold.commands.change_lines import change_lines, whole_changes
from refold.commands.fold_log import FoldedLog, fold_log
from refold.commands.invariant import Invariant
from refold.commands.print_lines import print_lines
from refold.commands.report_error import DID_NOT_HOLD
from refold.commands.state_changes import StateChange
from refold.replay.log_record import LogRecord

if TYPE_CHECKING:
    from refold.replay.timeline import Timeline

__all__ = ["bisect"]


@attrs.frozen
class _Break:
    """What is known of the record that broke the rule; nothing is if it was the start state."""

    seq: int
    changes: list[StateChange]
    chain: list[LogRecord]


def bisect(
    log: Path,
    /,
    *,
    invariant: str,
    every: bool = False,
    json: bool = False,
    app: str | None = None,
) -> int:
    """Find the first record after which a rule about the state is broken.

    The rule is a function of yours that takes a state and returns whether it
    is as it should be. Few states are asked, as if a broken rule stayed
    broken; --every asks all of them, and so finds a break that healed, too.

    Example: refold bisect run.jsonl --invariant shop.rules:few --app shop.main:root

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        invariant: The rule, module:function.
        every: Ask every state, in order.
        json: Print one JSON object, no value cut short.
        app: The root reducer that was recorded, module:attribute. A log of the demo needs none.

    Returns:
        0 if it holds, 1 if a record breaks it or the log is damaged, 2 if it cannot be asked.
    """
    with fold_log(log, app) as folded:
        timeline = folded.timeline
        rule = Invariant(invariant, timeline)
        seq = timeline.first_broken(rule) if every else timeline.bisect(rule)
        found = None if seq is None else _look_at(timeline, seq)
    if json:
        sys.stdout.write(_as_json(folded, rule, found) + "\n")
    else:
        _print_readably(folded, rule, found, every=every)
    status = folded.report_problem()
    return DID_NOT_HOLD if found else status


def _look_at(timeline: Timeline[Any], seq: int) -> _Break:
    if seq < timeline.header.first_seq:
        return _Break(seq, [], [])
    return _Break(seq, whole_changes(timeline.diff(seq - 1, seq)), timeline.why(seq))


def _as_json(folded: FoldedLog, rule: Invariant, found: _Break | None) -> str:
    value = {
        "log_id": folded.timeline.header.log_id,
        "holds": found is None,
        "seq": None if found is None else found.seq,
        "times_asked": rule.asked,
        "changes": [attrs.asdict(change) for change in found.changes] if found else [],
        "records": chain_as_json(found.chain) if found else [],
        "problem": None if folded.problem is None else str(folded.problem),
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _print_readably(
    folded: FoldedLog, rule: Invariant, found: _Break | None, *, every: bool
) -> None:
    console, timeline = Console(highlight=False), folded.timeline
    console.print(Text(f"reducer: {folded.application.source}"), soft_wrap=True)
    console.print(Text(f"rule:    {rule.source}"), soft_wrap=True)
    times = "once" if rule.asked == 1 else f"{rule.asked:,} times"
    asked = f"asked {times}; there are {len(timeline.records) + 1:,} states"
    console.print(_verdict(found, timeline.head, every=every), f"({asked})")
    if found is None and not every:
        console.print(Text("a break that healed before the end is found by --every", style="dim"))
    if found is None or not found.chain:
        return
    print_lines(console, change_lines(found.changes, console.width))
    print_lines(console, cause_lines(found.chain, timeline.header, timeline.records, console.width))


def _verdict(found: _Break | None, head: int, *, every: bool) -> Text:
    if found is None:
        where = "after every record" if every else f"after the last record, {head}"
        return Text(f"it holds {where}", style="green")
    if not found.chain:
        return Text("it does not hold in the start state", style="bold red")
    return Text(f"record {found.seq} breaks it", style="bold red")
