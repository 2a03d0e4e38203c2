"""Recorded sessions as tests: each still leads to what was accepted of it.

What belongs here: what a test of an application needs.  What does not: accepting, which
``refold golden FOLDER --accept`` does, because somebody has to review it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from refold.reducers.reducer import as_reducer
from refold.replay.golden_folder import find_sessions, find_stale
from refold.replay.golden_paths import json_text
from refold.replay.golden_session import Judgement, judge_session

__all__ = ["check_golden", "golden_sessions"]

_MOST_PATHS: Final = 12
"""Lines below one slice of a failure."""


def golden_sessions(folder: Path | str) -> list[Path]:
    """Return the logs in a folder and below it, in order, for ``pytest.mark.parametrize``.

    Raises:
        FileNotFoundError: there is none, or an accepted file is left whose log is gone: a test that
            is not there cannot fail.
    """
    where = Path(folder)
    logs, stale = find_sessions(where), find_stale(where)
    if not logs:
        message = f"the folder {where} holds no log, nor does one below it; record sessions there"
        raise FileNotFoundError(message)
    if stale:
        message = (
            f"{stale[0]} was accepted, but its log is gone; restore the log, or remove the file by"
            f" refold golden {where} --accept"
        )
        raise FileNotFoundError(message)
    return logs


def check_golden(log: Path | str, reducer: Callable[[Any, Any], Any], /) -> None:
    """Fold a recorded session, and fail unless it leads to what was accepted of it.

    Where nothing was accepted yet, the digests in the log are compared.

    Args:
        log: the path that ``record`` was given.
        reducer: today's.

    Raises:
        AssertionError: it leads elsewhere, or cannot be folded; what was raised is the cause.
    """
    judgement = judge_session(Path(log), as_reducer(reducer))
    if judgement.verdict in {"same", "new"}:
        return
    raise AssertionError("\n".join(_lines(Path(log), judgement))) from judgement.error


def _lines(log: Path, judgement: Judgement) -> Iterator[str]:
    error = judgement.error
    reason = judgement.reason if error is None else f"{type(error).__name__}: {error}"
    yield f"{log} is not golden ({judgement.verdict}): {reason}"
    for one in judgement.slices:
        yield f"  {one.slice or 'the whole state'} {one.where}"
        for path in one.paths[:_MOST_PATHS]:
            yield f"    {path.path}: {json_text(path.accepted)} -> {json_text(path.today)}"
        if len(one.paths) > _MOST_PATHS:
            yield f"    ... and {len(one.paths) - _MOST_PATHS} more"
    if judgement.verdict == "differs":
        yield f"if that is as it should be: refold golden {log} --accept"
