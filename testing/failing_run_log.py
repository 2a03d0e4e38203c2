"""`write_failing_run`: a run that breaks a law, as a log that the ``refold`` command line opens."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refold.reducers.reducer import as_reducer
from refold.replay.action_codec import encode_payload, encode_state
from refold.replay.canonical_digest import state_digest
from refold.replay.log_record import LogRecord
from refold.replay.log_writer import LogWriter
from refold.replay.recorded_schema import recorded_schema_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from refold.actions.action import Action

__all__ = ["write_failing_run"]


def write_failing_run(
    path: Path | str, reducer: Callable[[Any, Any], Any], actions: Iterable[Action], /
) -> None:
    """Write a run as a log, such as the `actions` of a `BrokenLawError`.

    All actions are written, also one that the reducer raises for, which no store would have
    recorded: so ``refold show`` shows it and ``refold replay`` stops at it.  No middleware runs.

    Args:
        path: a file ending in ``.jsonl``, or a folder; nothing may be there.
        reducer: what folds the run; its initial state is where the log starts.
        actions: the run.

    Raises:
        LogExistsError: there is a log already.
        LogWriteError: it cannot be written.
        PayloadError: a value does not fit its declared type.
    """
    fold = as_reducer(reducer)
    state: Any = fold.initial
    writer = LogWriter(
        Path(path),
        start_state=encode_state(state),
        start_digest=state_digest(state),
        digest_every=1,
        schema_fingerprint=recorded_schema_fingerprint(fold, state),
    )
    with contextlib.closing(writer):
        for seq, action in enumerate(actions, start=1):
            digest: str | None = None
            with contextlib.suppress(Exception):  # it is what the log is to show
                state = fold(state, action)
                digest = state_digest(state)
            writer.append([_record(seq, action, digest)])


def _record(seq: int, action: Action, digest: str | None) -> LogRecord:
    return LogRecord(
        seq=seq,
        id=f"laws-{seq}",
        name=action.wire_name,
        version=action.wire_version,
        at_ms=action.at_ms,
        cause=None,
        origin="app",
        payload=encode_payload(action),
        digest=digest,
    )
