"""`KeyframeSaver`: save a keyframe beside a log every so many records.

What belongs here: when, and in which thread.  What does not: the files, which `log_keyframes`
knows.

A state never changes, so a thread of its own may encode it and wait for the disk while actions are
dispatched.  One keyframe at a time is made; one that falls due meanwhile is made as soon as a
commit finds the thread done.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any, Final

from refold.replay.action_codec import encode_state
from refold.replay.action_log import Keyframe
from refold.replay.canonical_digest import state_digest
from refold.replay.log_keyframes import save_keyframe
from refold.replay.log_segments import is_one_file

__all__ = ["KeyframeSaver", "check_keyframe_every"]

_logger: Final = logging.getLogger("refold.record")


class KeyframeSaver:
    """Counts the records of one writer, and saves its states."""

    def __init__(self, log: Path, every: int) -> None:
        """Save a keyframe after so many records.

        Args:
            log: the folder.
            every: records, 1 or more.
        """
        self._log = log
        self._every = every
        self._since = 0
        self._thread: threading.Thread | None = None
        self._has_failed = False

    def is_due_after(self, count: int) -> bool:
        """Take note of new records; tell whether a keyframe shall be made now."""
        self._since += count
        is_busy = self._thread is not None and self._thread.is_alive()
        return self._since >= self._every and not is_busy

    def save(self, seq: int, state: Any) -> None:
        """Begin to save the state after a record."""
        self._since = 0
        thread = threading.Thread(
            target=self._save, args=(seq, state), name="refold-keyframe", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # there can be no more threads
            self._report(seq, error)
        else:
            self._thread = thread

    def close(self) -> None:
        """Wait for what was begun; twice is harmless."""
        if self._thread is not None:
            self._thread.join()

    def _save(self, seq: int, state: Any) -> None:
        try:
            save_keyframe(self._log, Keyframe(seq, encode_state(state), state_digest(state)))
        except Exception as error:  # noqa: BLE001  # the recording goes on without it
            self._report(seq, error)

    def _report(self, seq: int, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            _logger.warning(
                "no keyframe was saved in %s after seq %d: %s; recording goes on, and later"
                " failures of keyframes are not told",
                self._log,
                seq,
                error,
            )


def check_keyframe_every(every: int | None, log: Path) -> None:
    """Refuse a count that is none, and keyframes of a log that is one file.

    Raises:
        ValueError: one of the two.
    """
    if every is not None and every < 1:
        message = f"keyframe_every expects 1 or more, or None, got {every}"
        raise ValueError(message)
    if every is not None and is_one_file(log):
        message = (
            f"{log} is one file, and keyframe_every needs a place for keyframes; give the path of"
            f" a folder, which does not end in .jsonl"
        )
        raise ValueError(message)
