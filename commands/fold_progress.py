"""`fold_progress`: a progress bar while a long log is folded, on a terminal only."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from refold.replay.log_segments import Segment, list_segments, open_segment

__all__ = ["fold_progress"]

_SHOWN_FROM: Final = 20_000
"""Lines of a log that gets a bar; a shorter one is folded in less than half a second."""

_STEP: Final = 1_000
"""Lines between two updates of the bar, so that it costs nothing."""


@contextmanager
def fold_progress(path: Path, console: Console | None = None) -> Generator[Callable[[], None]]:
    """Show a bar on stderr inside the block; give a function to call for every commit read.

    Args:
        path: the log; one that cannot be read gets no bar.
        console: where to show it; None for stderr.
    """
    console = console or Console(stderr=True)
    total = _count_commits(path) if console.is_terminal else 0
    if total < _SHOWN_FROM:
        yield lambda: None
        return
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        done = 0

        def count_entry() -> None:
            nonlocal done
            done += 1
            if done % _STEP == 0:
                progress.update(task, completed=done)

        yield count_entry


def _count_commits(path: Path) -> int:
    """Return how many lines the segments have together, their headers left out."""
    try:
        return sum(_count_lines(segment) - 1 for segment in list_segments(path))
    except (OSError, EOFError, zlib.error):
        return 0


def _count_lines(segment: Segment) -> int:
    with open_segment(segment) as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
