"""`GroupSync`: put many commits on disk together, by count and by time.

What belongs here: when, and who waits for it.  What does not: what is written.

What was dispatched in one turn of the event loop is written together when the turn ends: one call
of the system, and not one for each commit, which takes a fifth of a dispatch's time.
One `fsync` at a time runs in a thread, so that the event loop goes on meanwhile; what is written
meanwhile waits for the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from asyncio.events import _get_running_loop  # pyright: ignore[reportPrivateUsage]  # the public one raises if there is none: 10 x the time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from refold.errors import LogWriteError

if TYPE_CHECKING:
    from refold.replay.line_chain import CommitText
    from refold.replay.log_writer import LogWriter

__all__ = ["GroupSync"]

_MOST_HELD: Final = 1000
"""Commits: some 200 kB; more together are not written any faster."""


class GroupSync:
    """Holds what one writer is to write, and counts what of it is written and what is on disk."""

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
        self._held: list[CommitText] = []
        self._held_bytes = 0
        self._most_held = min(group_records, _MOST_HELD)
        self._written = 0
        self._synced = 0
        self._turn_of: asyncio.AbstractEventLoop | None = None
        """The loop at the end of whose turn what is held is written; None if none will do it."""
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[None] | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._failure: Exception | None = None
        # A program may end, or forget its store, without closing it.
        self._write_rest = weakref.finalize(self, _write_quietly, writer, self._held, os.getpid())

    def hold(self, commit: CommitText) -> None:
        """Take a commit, which is written when this turn of the event loop ends, or before.

        Raises:
            LogWriteError: it, or another that is held, could not be written; or there is no event
                loop, a group was full, and the disk failed.
        """
        held = self._held
        held.append(commit)
        loop = _get_running_loop()
        if loop is not self._turn_of:
            self._await_end_of_turn(loop)
        if len(held) >= self._most_held:
            self.write_held()
            self._put_on_disk_if_full(loop)

    def count_held_bytes(self) -> int:
        """Return how many bytes are held; to be asked after each `hold`, or never."""
        held = self._held
        before = self._held_bytes if len(held) > 1 else 0
        self._held_bytes = before + len(held[-1][1]) if held else 0
        return self._held_bytes

    def write_held(self) -> None:
        """Write all that is held.

        Raises:
            LogWriteError: not all could be written; the log ends with the last one that could.
        """
        if self._held:
            count = len(self._held)
            try:
                self._writer.append_commits(self._held)
            except LogWriteError:
                self._held.clear()  # the log has ended before them
                raise
            self._written += count
            self._most_held = self._next_most_held()

    def note(self) -> None:
        """Take note of one commit that was written.

        Raises:
            LogWriteError: there is no event loop, a group was full, and the disk failed.
        """
        self._written += 1
        loop = _get_running_loop()
        if loop is not None:
            self._arm(loop)
        self._put_on_disk_if_full(loop)

    async def flushed(self) -> None:
        """Wait until all that was written by now is on disk.

        Raises:
            LogWriteError: the disk failed.
        """
        if self._failure is not None:
            raise self._error(self._failure)
        try:
            self.write_held()
        except LogWriteError as error:
            self._fail(error)
            raise
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
        self._write_rest.detach()
        if self._failure is None and (self._held or self._synced < self._written):
            try:
                self.write_held()
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

    def _await_end_of_turn(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._turn_of = loop
        if loop is not None:
            loop.call_soon(self._write_at_end_of_turn)
            self._arm(loop)

    def _write_at_end_of_turn(self) -> None:
        self._turn_of = None
        if self._failure is None:
            try:
                self.write_held()
            except LogWriteError as error:
                self._fail(error)

    def _put_on_disk_if_full(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if self._written - self._synced < self._group_records:
            return
        if loop is None:
            self._writer.sync()
            self._synced = self._written
            self._most_held = self._next_most_held()
        else:
            self._start(loop)

    def _next_most_held(self) -> int:
        """Return how many commits may be held until a group is full, or while one is on its way."""
        room = self._group_records - (self._written - self._synced)
        return min(room, _MOST_HELD) if room > 0 else _MOST_HELD

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to put on disk what is written, unless that is being done already."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running is not None or self._failure is not None:
            return
        try:
            self.write_held()
            descriptor = self._writer.duplicate_descriptor()
        except (LogWriteError, OSError) as error:
            self._fail(error)
            return
        written = self._written
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
            self._most_held = self._next_most_held()
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


def _write_quietly(writer: LogWriter, held: list[CommitText], process: int) -> None:
    """Write what is held when nobody is left to hear of a failure; a forked copy has nothing."""
    if held and os.getpid() == process:
        with contextlib.suppress(LogWriteError):
            writer.append_commits(held)


def _sync_and_close(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
