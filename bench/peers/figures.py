"""Peers in separate processes: ``python bench/peers/figures.py`` shows how long what takes.

Connecting, and seeing that the other end stopped, was killed or hangs, by each kind of transport;
then fifty peers on one relay, each of which connects to ten others.  All on loopback.  Times are of
one clock that all processes share, from the call or signal to the action that tells a store.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

CHECKOUT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))  # `tests` is found beside the README

from tests.peers.processes.stage import PeerProcess, Stage  # noqa: E402

__all__ = ["main"]

OPENED: Final = "peers/peer_link_opened"
CLOSED: Final = "peers/peer_link_closed"

_KEEPALIVE: Final = {"keepalive_interval": 1.0, "keepalive_timeout": 2.5}
_SETUPS: Final[dict[str, dict[str, Any]]] = {
    "direct": {"transports": ["direct", "relay"], "options": {**_KEEPALIVE, "order": ["direct"]}},
    "relay": {"transports": ["relay"], "options": _KEEPALIVE},
    "webrtc": {"transports": ["webrtc", "relay"], "options": {**_KEEPALIVE, "order": ["webrtc"]}},
}
_DESIGNED: Final = {
    "direct": ("3-9 ms", "", "1 ms", "5 ms", "2.7 s"),
    "relay": ("6-10 ms", "", "2 ms", "12 ms", "2.7 s"),
    "webrtc": ("36-69 ms", "", "2 ms", "2.7 s", "2.7 s"),
}
"""What a prototype reached: the figures that the design sets out to reach."""

_QUESTIONS: Final = ("connect", "first time", "stop seen", "SIGKILL seen", "hang seen")
_CONNECTS: Final = 5
"""How often two that were connected before connect again, in each run."""

_PROCESSES, _PEERS_EACH, _OTHERS_EACH = 5, 10, 10

Seconds = dict[str, list[float]]
"""By question, of each run."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure peers in separate processes.")
    parser.add_argument("--runs", type=int, default=5, help="of each kind; 5 by default")
    parser.add_argument("--json", action="store_true", help="print the seconds as JSON")
    options = parser.parse_args()
    figures = asyncio.run(_measure(max(1, options.runs)))
    if options.json:
        print(json.dumps(figures))
    else:
        _print_tables(figures, Console(width=80, highlight=False))


async def _measure(runs: int) -> dict[str, Seconds]:
    """Return the seconds by kind, with ``fifty relay`` and ``fifty direct`` among the kinds."""
    figures: dict[str, Seconds] = {}
    for kind in _SETUPS:
        if kind == "webrtc" and importlib.util.find_spec("aiortc") is None:
            continue
        figures[kind] = {question: [] for question in _QUESTIONS}
        for _ in range(runs):
            for question, seconds in (await _measure_two(kind)).items():
                figures[kind][question] += seconds
    for kind in ("relay", "direct"):
        figures[f"fifty {kind}"] = await _measure_fifty(kind)
    return figures


async def _measure_two(kind: str) -> Seconds:
    """Let Ann connect to Bob again and again; he leaves, stops, hangs, and is killed."""
    async with Stage() as stage:
        setup = {**_SETUPS[kind], "relay": (await stage.relay()).url}
        names = ("ann", "stops", "hangs", "is killed")
        ann, stops, hangs, dies = [await stage.peer(name, **setup) for name in names]
        await stage.until(lambda: len(ann.online) == len(names) - 1)
        first = [await _connect(ann, other) for other in (stops, hangs, dies)]
        again = [await _connect_again(ann, stops) for _ in range(_CONNECTS)]
        stops.write({"do": "stop"})
        began = (await stops.until("commanded", command="stop"))["at"]
        stopped = (await ann.until(CLOSED, peer_id=stops.peer_id))["at"] - began
        began = time.monotonic()
        await dies.kill()
        killed = (await ann.until(CLOSED, peer_id=dies.peer_id))["at"] - began
        began = time.monotonic()
        hangs.hang()
        hung = (await ann.until(CLOSED, peer_id=hangs.peer_id))["at"] - began
        return {
            "connect": again,
            "first time": first,
            "stop seen": [stopped],
            "SIGKILL seen": [killed],
            "hang seen": [hung],
        }


async def _connect(ann: PeerProcess, other: PeerProcess) -> float:
    """Return the seconds from Ann's call to the link being there at both ends."""
    number = ann.tell("connect", peer_id=other.peer_id)
    began = (await ann.until("commanded", command=number))["at"]
    await ann.outcome_of(number)
    both = [
        await ann.until(OPENED, peer_id=other.peer_id),
        await other.until(OPENED, peer_id=ann.peer_id),
    ]
    return float(max(told["at"] for told in both) - began)


async def _connect_again(ann: PeerProcess, other: PeerProcess) -> float:
    """Disconnect two, and connect them."""
    await ann.ask("disconnect", peer_id=other.peer_id)
    await ann.until(CLOSED, peer_id=other.peer_id)
    await other.until(CLOSED, peer_id=ann.peer_id)
    return await _connect(ann, other)


async def _measure_fifty(kind: str) -> Seconds:
    """Return how long fifty peers take to find all others, to connect to ten, and to stop."""
    began = time.monotonic()
    async with Stage() as stage:
        setup: dict[str, Any] = {**_SETUPS[kind], "relay": (await stage.relay()).url}
        del setup["options"]
        processes = await asyncio.gather(
            *(stage.peers(f"process {at}", [setup] * _PEERS_EACH) for at in range(_PROCESSES))
        )
        everybody = [(one, number) for one in processes for number in range(_PEERS_EACH)]
        await stage.until(
            lambda: all(
                len(one.states.get(number, {"online": ()})["online"]) == len(everybody) - 1
                for one, number in everybody
            )
        )
        online = time.monotonic()
        commands = [
            (one, one.tell("connect_many", peer=number, peer_ids=_ten_after(everybody, at)))
            for at, (one, number) in enumerate(everybody)
        ]
        outcomes = [await one.outcome_of(command) for one, command in commands]
        connected = time.monotonic()
        links = [each for outcome in outcomes for each in outcome["results"].values()]
        await asyncio.gather(*(one.stop() for one in processes))
        return {
            "all online": [online - began],
            "all connected": [connected - online],
            "all stopped": [time.monotonic() - connected],
            "links": [sum(each["success"] for each in links)],
            "links by this kind": [sum(each["connection_type"] == kind for each in links)],
        }


def _ten_after(everybody: list[tuple[PeerProcess, int]], at: int) -> list[str]:
    following = [everybody[(at + step) % len(everybody)] for step in range(1, _OTHERS_EACH + 1)]
    return [one.peer_ids[number] for one, number in following]


def _print_tables(figures: dict[str, Seconds], console: Console) -> None:
    """Print the figures beside those of the design, then those of the fifty."""
    table = Table(
        title="Two processes on loopback, keepalive 1 s: median (worst) | the design",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    table.add_column("", no_wrap=True)
    for question in _QUESTIONS:
        table.add_column(question, justify="right")
    for kind, designed in _DESIGNED.items():
        if kind not in figures:
            table.add_row(kind, "not measured: the extra webrtc is not installed")
            continue
        table.add_row(kind, *(_show_all(figures[kind][one]) for one in _QUESTIONS))
        table.add_row("", *(f"[dim]| {one}[/dim]" if one else "" for one in designed))
    console.print(table)
    for kind in ("relay", "direct"):
        _print_fifty(figures[f"fifty {kind}"], kind, console)
    waiting, cores = os.getloadavg()[1], os.cpu_count()
    console.print(f"[dim]{waiting:.1f} programs wanted the {cores} cores of this machine[/dim]")


def _print_fifty(seconds: Seconds, kind: str, console: Console) -> None:
    """Say how long fifty took."""
    [links], [of_kind] = seconds["links"], seconds["links by this kind"]
    console.print(
        f"50 peers in 5 processes, 10 connections each, {kind}: {links:.0f} of 500 links,"
        f" {of_kind:.0f} of that kind, after {_show(seconds['all connected'][0])};"
        f" until all knew all, {_show(seconds['all online'][0])};"
        f" to stop, {_show(seconds['all stopped'][0])}"
    )


def _show_all(seconds: list[float]) -> str:
    """Return the median with its unit, and the worst without if it has the same."""
    median, worst = _show(statistics.median(seconds)), _show(max(seconds))
    unit = median[median.index(" ") :]
    return f"{median} ({worst.removesuffix(unit)})"


def _show(seconds: float) -> str:
    """Return a duration with a digit after the point where it tells something."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"  # noqa: PLR2004


if __name__ == "__main__":
    main()
