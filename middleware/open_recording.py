"""`open_recording`: open a log for the state that a store has.

What belongs here: whether the log and the state belong together.  What does not: recording.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from refold.errors import ReplayMismatchError
from refold.middleware.commit_records import DIGEST_EVERY
from refold.replay.action_codec import encode_state
from refold.replay.canonical_digest import changed_slices, state_digest
from refold.replay.log_writer import LogWriter

if TYPE_CHECKING:
    from refold.replay.log_options import LogOptions

__all__ = ["open_recording"]

_OTHER_SCHEMA: Final = (
    "the application's schema is not the one that was recorded, so this may be no more than another"
    " form of the same state; recording goes on"
)

_logger: Final = logging.getLogger("refold.record")


def open_recording(
    path: Path,
    state: Any,
    options: LogOptions,
    *,
    schema_fingerprint: str | None,
    resume: bool,
) -> LogWriter:
    """Return the writer of a log that goes on from a state.

    Raises:
        LogError: as `Recorder.__call__` says.
    """
    digest = state_digest(state)
    writer = LogWriter(
        path,
        start_state=encode_state(state),
        start_digest=digest,
        digest_every=DIGEST_EVERY,
        options=options,
        schema_fingerprint=schema_fingerprint,
        resume=resume,
    )
    if writer.cut_tail is not None:
        torn = writer.cut_tail.torn
        _logger.warning(
            "%s had an unfinished line at seq %d; its %d bytes were moved to %s",
            path,
            torn.seq,
            torn.size_bytes,
            writer.cut_tail.kept_at,
        )
    if writer.last_digest not in {None, digest}:
        error = _wrong_state(path, state, writer.head, str(writer.last_digest), digest)
        if writer.goes_on_from_other_schema:
            _logger.warning("%s; %s", error, _OTHER_SCHEMA)
        else:
            writer.close()
            raise error
    return writer


def _wrong_state(
    path: Path, state: Any, head: int, expected: str, found: str
) -> ReplayMismatchError:
    where = ".".join([type(state).__name__, *changed_slices(expected, found)[:1]])
    message = (
        f"the store's state is not the one that {path} ends with at seq {head}, in {where}: digest"
        f" {expected[:32]} was recorded, {found[:32]} was found; make the store with"
        f" state=hydrate(path, reducer).state"
    )
    return ReplayMismatchError(message, seq=head, path=where, expected=expected, found=found)
