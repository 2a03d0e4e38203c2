"""`refold demo`: a real program that loses and regains its WebSocket, recorded and replayed.

What belongs here: the order of things, and the two forms of output.  What does not: what happens,
which `demo_steps` says, and how it looks, which `demo_display` knows.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import orjson
from rich.console import Console

from refold.commands.report_error import CommandError

if TYPE_CHECKING:
    from refold.commands.demo_display import DemoDisplay
    from refold.commands.demo_report import DemoReport

__all__ = ["demo"]

_MOST_SECONDS: Final = 3600.0


def demo(*, log: Path | None = None, json: bool = False, seconds: float = 6.0) -> int:
    """Watch a program lose and regain its WebSocket, then replay it.

    It starts a hub of its own on 127.0.0.1, runs a client against it through
    refusals, a reset, silence and a restart, records every action, and
    proves that the replay of the log is what happened.

    Example: refold demo --log run.jsonl

    Args:
        log: Where to record, a .jsonl file or a folder; by default a new temporary file.
        json: Print nothing but one JSON object at the end.
        seconds: About how long the live part takes; 0 for as fast as possible, which is about 4.

    Returns:
        0 if everything held, 1 if not.
    """
    if not 0 <= seconds <= _MOST_SECONDS:
        message = f"--seconds must be between 0 and {_MOST_SECONDS:.0f}, got {seconds:g}"
        raise CommandError(message)
    # What a help text does not need: aiohttp alone takes a quarter of a second.
    from refold.commands.demo_display import DemoDisplay  # noqa: PLC0415
    from refold.commands.run_demo import run_demo  # noqa: PLC0415

    path = log or Path(tempfile.mkdtemp(prefix="refold-demo-")) / "run.jsonl"
    display = DemoDisplay(Console(highlight=False, quiet=json))
    report = asyncio.run(run_demo(path, display, seconds))
    if json:
        sys.stdout.write(_as_json(report) + "\n")
    else:
        _print_end(report, display)
    return 0 if report.held else 1


def _print_end(report: DemoReport, display: DemoDisplay) -> None:
    display.summary(report)
    verdict = "everything held" if report.held else "NOT everything held"
    display.say(
        f"{verdict}, in {report.seconds:.1f} s", "bold green" if report.held else "bold red"
    )
    display.say("")
    display.say("try next:", "bold")
    display.say(f"  refold show {report.log}")
    display.say(f"  refold replay {report.log} --verify")
    display.say(f"  refold replay {report.log} --to {report.records // 2}")


def _as_json(report: DemoReport) -> str:
    value = {"held": report.held, "seconds": report.seconds, **attrs.asdict(report)}
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
