"""The floors of branch coverage: a script over the JSON report of coverage.py.

What belongs here: which files have which floor.  What does not: measuring, which ``make cover``
does.
"""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any, Final

import attrs

__all__ = ["FLOORS", "Floor", "check_floors", "main"]


@attrs.frozen
class Floor:
    """The least share of branches and lines that the tests of some files must reach."""

    name: str

    percent: float

    patterns: tuple[str, ...]
    """Paths inside the package `refold`, with ``*`` for any text."""


FLOORS: Final = (
    Floor("actions", 98, ("actions/*",)),
    Floor("reducers", 98, ("reducers/*",)),
    Floor("selectors", 98, ("selectors/*",)),
    Floor("store", 98, ("store/*",)),
    Floor(
        "the connection",
        97,
        (
            "*/*backoff*",
            "*/*connect*",
            "*/*_failure.py",
            "middleware/heartbeat.py",
            "middleware/acknowledged_delivery.py",
            "middleware/bounded_messages.py",
            "middleware/delivery.py",
            "middleware/acknowledgements.py",
            "middleware/application_ping.py",
            "middleware/goodbye.py",
            "middleware/new_link.py",
            "middleware/paced_telling.py",
            "middleware/plain_message_reader.py",
            "middleware/wake_up.py",
            "middleware/*message*",
            "middleware/seen_ids.py",
            "middleware/outbound_*",
            "middleware/websocket_*",
        ),
    ),
)


def check_floors(report: dict[str, Any], floors: tuple[Floor, ...] = FLOORS) -> list[str]:
    """Print each group's coverage and return what is wrong.

    Lines and branches are judged apart, so that many covered lines do not hide a branch.

    Args:
        report: what ``coverage json`` wrote, with branches measured.
        floors: what to hold it against.
    """
    files = {_inside_package(name): file["summary"] for name, file in report["files"].items()}
    wrong: list[str] = []
    for floor in floors:
        chosen = [
            summary
            for name, summary in files.items()
            if any(fnmatch(name, pattern) for pattern in floor.patterns)
        ]
        if not chosen:
            wrong.append(f"{floor.name}: no file matches {', '.join(floor.patterns)}")
            continue
        for what, covered, total in (
            ("lines", "covered_lines", "num_statements"),
            ("branches", "covered_branches", "num_branches"),
        ):
            percent = _percent(sum(s[covered] for s in chosen), sum(s[total] for s in chosen))
            line = f"{floor.name}: {percent:.2f} % of the {what} (floor {floor.percent} %)"
            print(line)  # noqa: T201  # a script's answer
            if percent < floor.percent:
                wrong.append(line)
    return wrong


def main() -> int:
    """Check the report named on the command line; return 1 if a floor is not reached."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    wrong = check_floors(report)
    for line in wrong:
        print("below its floor:", line)  # noqa: T201  # a script's answer
    return 1 if wrong else 0


def _inside_package(name: str) -> str:
    """Return ``store/store.py`` for a file in its room, in a link tree or in site-packages."""
    parts = PurePath(name).parts
    if "refold" in parts:
        parts = parts[len(parts) - parts[::-1].index("refold") :]
    return "/".join(parts)


def _percent(covered: int, total: int) -> float:
    return 100.0 if total == 0 else 100.0 * covered / total


if __name__ == "__main__":
    sys.exit(main())
