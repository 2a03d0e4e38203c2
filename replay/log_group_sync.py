"""`GroupSync`: put many commits on disk together, by count and by time.

What belongs here: when, and who waits for it.  What does not: what is written.

One `fsync` at a time runs in a thread, so that the event loop goes on meanwhile; what is written
meanwhile waits for the next one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from refold.errors import LogWriteError

if TYPE_CHECKING:
    from refold.replay.log_writer import LogWriter

__all__ = ["GroupSync"]


class GroupSync:
    """Counts what one writer has written, and what of it is on disk."""

    def __init__(
        self,
        writer: LogWriter,
        *,
        group_records: int,
        group_ms: int,
        on_failure: Callable[[Exception], object],
    ) -> None:
        """Watch over a writer.

        Args:
            writer: what to put on disk.
            group_records: commits after which it is done, 1 or more.
            group_ms: milliseconds after a commit by which it is begun, 1 or more.
            on_failure: called once if the disk fails; nothing is tried after it.
        """
        self._writer = writer
        self._group_records = group_records
        self._group_s = group_ms / 1000
        self._on_failure = on_failure
        self._written = 0
        self._synced = 0
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[None] | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._failure: Exception | None = None

    def note(self) -> None:
        """Take note of one commit that was written.

        Raises:
            LogWriteError: there is no event loop, a group was full, and the disk failed.
        """
        self._written += 1
        is_full = self._written - self._synced >= self._group_records
        if self._timer is not None and not is_full:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            if is_full:
                self._writer.sync()
                self._synced = self._written
            return
        if is_full:
            self._start(loop)
        else:
            self._arm(loop)

    async def flushed(self) -> None:
        """Wait until all that was written by now is on disk.

        Raises:
            LogWriteError: the disk failed.
        """
        if self._failure is not None:
            raise self._error(self._failure)
        if self._synced >= self._written:
            return
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        self._waiting.append((self._written, waiting))
        self._start(loop)
        await waiting

    def close(self) -> None:
        """Put the rest on disk, and end every waiting.

        Raises:
            LogWriteError: the disk failed.
        """
        if self._timer is not None:
            self._timer.cancel()
        if self._failure is None and self._synced < self._written:
            try:
                self._writer.sync()
            except LogWriteError as error:
                self._failure = error
                self._wake()
                raise
            self._synced = self._written
        self._wake()

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._running is None:
            self._timer = loop.call_later(self._group_s, self._start, loop)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to put on disk what is written, unless that is being done already."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running is not None or self._failure is not None:
            return
        written = self._written
        try:
            descriptor = self._writer.duplicate_descriptor()
        except OSError as error:
            self._fail(error)
            return
        self._running = loop.run_in_executor(None, _sync_and_close, descriptor)
        self._running.add_done_callback(lambda done: self._finish(loop, done, written))

    def _finish(
        self, loop: asyncio.AbstractEventLoop, done: asyncio.Future[None], written: int
    ) -> None:
        self._running = None
        error = None if done.cancelled() else done.exception()
        if isinstance(error, Exception):
            self._fail(error)
            return
        if not done.cancelled():
            self._synced = max(self._synced, written)
        self._wake()
        if self._waiting or self._written - self._synced >= self._group_records:
            self._start(loop)
        elif self._written > self._synced:
            self._arm(loop)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._wake()
        self._on_failure(error)

    def _wake(self) -> None:
        """Let those go on whose records are on disk, or will never be."""
        waiting, self._waiting = self._waiting, []
        for written, future in waiting:
            if future.done():
                continue
            if self._failure is not None:
                future.set_exception(self._error(self._failure))
            elif written <= self._synced:
                future.set_result(None)
            else:
                self._waiting.append((written, future))

    def _error(self, cause: Exception) -> LogWriteError:
        error = LogWriteError(
            f"what was recorded to {self._writer.path} is not surely on disk: {cause}; up to seq"
            f" {self._writer.head} it can be read, but a loss of power may take it"
        )
        error.__cause__ = cause
        return error


def _sync_and_close(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
