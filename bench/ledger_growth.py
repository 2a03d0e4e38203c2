"""What a ledger costs as it grows: ``python bench/ledger_growth.py`` prints the figures.

A million events in realtime mode with a cap of 10,000: the cost of an append at the end beside the
beginning, the memory of what is kept, and exporting it beside encoding it twice.  Takes half a
minute.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from refold.actions.ledger import (
    AppendRealtimeEventAndUpdateFocusIfNeeded,
    FlowEvent,
    SetModeAndResetBuffersIfNeeded,
)
from refold.reducers.ledger import LedgerConfig, make_ledger_reducer
from refold.reducers.ledger_state import LedgerState
from refold.replay.action_codec import encode_payload
from refold.selectors.ledger_export import serialize_ledger_to_jsonl, serialize_ledger_to_text

__all__ = ["main"]

_CAP: Final = 10_000

_PARTS: Final = 10


@attrs.frozen
class _Figure:
    """One line of the table."""

    name: str
    measured: float
    unit: str
    most: float | None = None
    """The goal; None to tell only."""

    @property
    def holds(self) -> bool:
        """Whether the goal is reached."""
        return self.most is None or self.measured <= self.most


def main() -> int:
    """Measure and print; return 0 if all goals hold."""
    parser = argparse.ArgumentParser(description="Measure what a growing ledger costs.")
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N")
    figures = _measure(parser.parse_args().events)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("figure", "measured", "goal", "holds"):
        table.add_column(title, justify="left" if title == "figure" else "right")
    for figure in figures:
        goal = "" if figure.most is None else f"≤ {figure.most:g}"
        holds = "" if figure.most is None else ("yes" if figure.holds else "no")
        table.add_row(figure.name, f"{figure.measured:.3g} {figure.unit}", goal, holds)
    Console().print(table)
    return 0 if all(figure.holds for figure in figures) else 1


def _measure(events: int) -> list[_Figure]:
    reducer = make_ledger_reducer(LedgerConfig(max_events=_CAP))
    state = reducer(reducer.initial, SetModeAndResetBuffersIfNeeded("realtime"))
    part = events // _PARTS
    seconds: list[float] = []
    mebibytes: list[float] = []
    for tenth in range(_PARTS):
        begin = time.process_time()
        for number in range(tenth * part, (tenth + 1) * part):
            state = reducer(state, AppendRealtimeEventAndUpdateFocusIfNeeded(_event(number)))
        seconds.append(time.process_time() - begin)
        mebibytes.append(_resident_mebibytes())
    twice = _fastest(lambda: _encode_twice(state))
    return [
        _Figure("an append, median", statistics.median(seconds) / part * 1e6, "µs"),
        _Figure("the last tenth ÷ the first tenth", seconds[-1] / seconds[0], "x", 1.2),
        _Figure("events kept", len(state.ledger), "", _CAP),
        _Figure("memory grown since a tenth was over", mebibytes[-1] - mebibytes[0], "MiB", 2.0),
        _Figure(
            "export as JSON lines ÷ encoding twice",
            _fastest(lambda: serialize_ledger_to_jsonl(state)) / twice,
            "x",
            1.0,
        ),
        _Figure(
            "export as text ÷ encoding twice",
            _fastest(lambda: serialize_ledger_to_text(state)) / twice,
            "x",
        ),
    ]


def _event(number: int) -> FlowEvent:
    return FlowEvent(
        id=f"event-{number}",
        at_ms=1_700_000_000_000 + number,
        call_type="code",
        label=f"request {number % 100}",
        node_id=f"node-{number % 20}",
        edge_id=f"edge-{number % 30}",
        step_key=None,
        duration_ms=number % 1000 / 8,
    )


def _resident_mebibytes() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _encode_twice(state: LedgerState) -> None:
    """Encode as a log does: each value by its declared type, then to JSON."""
    actions = [AppendRealtimeEventAndUpdateFocusIfNeeded(event) for event in state.ledger]
    for _ in range(2):
        for action in actions:
            orjson.dumps(encode_payload(action))


def _fastest(function: Callable[[], object]) -> float:
    """Return the CPU time of the fastest of five calls, in seconds."""
    times: list[float] = []
    for _ in range(5):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
