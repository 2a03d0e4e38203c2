"""The import row: what ``import refold`` costs in a fresh interpreter.

Compared with importing what it must stand on: attrs, pyrsistent and asyncio.  The outcome is the
list of modules that must not be loaded by it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from row import Comparison, Entry, Row
from work import Outcome

__all__ = ["import_row"]

_FORBIDDEN: Final = ("aiohttp", "rich", "hypothesis")
"""DESIGN: importing refold loads none of these."""

_PROGRAM: Final = """
import json, sys, time
begin = time.process_time()
{imports}
spent = time.process_time() - begin
print(json.dumps([spent, [name for name in {forbidden!r} if name in sys.modules]]))
"""


def import_row() -> Row:
    """Return the row."""
    foundations = "attrs + pyrsistent + asyncio"
    return Row(
        "import",
        "import refold, which loads no aiohttp, rich or hypothesis",
        (
            Entry("refold", lambda: _ImportContestant("import refold"), [[]]),
            Entry(
                foundations, lambda: _ImportContestant("import attrs, pyrsistent, asyncio"), [[]]
            ),
        ),
        (Comparison(foundations, "at most"),),
    )


class _ImportContestant:
    """Starts an interpreter for each pass."""

    operations = 1

    def __init__(self, imports: str) -> None:
        self._program = _PROGRAM.format(imports=imports, forbidden=_FORBIDDEN)
        self._loaded: list[int | str] = []

    def measure(self, passes: int) -> float:
        """Return the CPU seconds of the import alone, without the interpreter's start."""
        total = 0.0
        for _ in range(passes):
            done = subprocess.run(  # noqa: S603  # this very interpreter
                [sys.executable, "-P", "-c", self._program],
                check=True,
                capture_output=True,
                text=True,
            )
            spent, self._loaded = json.loads(done.stdout)
            total += spent
        return total

    def outcome(self) -> Outcome:
        """Return the forbidden modules that were loaded."""
        return [self._loaded]

    def close(self) -> None:
        """Do nothing: every interpreter has ended."""
