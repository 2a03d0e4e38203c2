"""`record`: write every action that reaches the reducer to a log.

What belongs here: what is written, and when.  What does not: how a line is written, which
`LogWriter` knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from refold.actions.action import Action
from refold.actions.recording import RecordingFailedAndStoreGoesOnUnrecorded
from refold.errors import LogWriteError, StoreClosedError
from refold.middleware.commit_records import make_commit_records
from refold.middleware.open_recording import open_recording
from refold.replay.action_codec import encode_state
from refold.replay.canonical_digest import state_digest
from refold.replay.log_group_sync import GroupSync
from refold.replay.log_keyframe_saver import KeyframeSaver, check_keyframe_every
from refold.replay.log_options import LogOptions, Sync
from refold.replay.recorded_schema import recorded_schema_fingerprint
from refold.store.inputs import inputs_of

if TYPE_CHECKING:
    from refold.replay.log_recovery import CutTail
    from refold.replay.log_writer import LogWriter
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["Recorder", "record"]

OnWriteError: TypeAlias = Literal["stop", "go_on"]
"""What the store does when its log cannot be written."""

_ON_WRITE_ERROR: Final = ("stop", "go_on")

_logger: Final = logging.getLogger("refold.record")


def record(  # noqa: PLR0913  # all but the path by keyword
    path: Path | str,
    /,
    *,
    sync: Sync = "never",
    resume: bool = False,
    on_write_error: OnWriteError = "stop",
    group_records: int = 256,
    group_ms: int = 10,
    segment_bytes: int | None = None,
    segment_age_s: float | None = None,
    keep_bytes: int | None = None,
    keep_age_s: float | None = None,
    compress: bool = False,
    keyframe_every: int | None = None,
) -> Recorder:
    """Return middleware that records a store's run; list it anywhere.

    A killed program loses nothing that was dispatched; with ``sync="group"`` at most what it
    dispatched in the running turn of the event loop, or, without a loop, in a group that is not
    full.  A loss of power takes with ``"never"`` what the operating system had not written yet,
    often the last half minute; with ``"group"`` at most the last ``group_records`` commits or
    ``group_ms``; with ``"always"`` nothing whose dispatch returned.  Neither takes anything that
    ``await store.flushed()`` returned for.

    Args:
        path: a file ending in ``.jsonl``, or a folder of segments.
        sync: when the disk is made to write: ``"never"``, ``"group"`` or ``"always"``.
        resume: go on with the log at the path, if there is one; the store's state must be the one
            the log ends with: ``state=hydrate(path, reducer).state``.  Only the last segment is
            read.  An unfinished last line, which a killed writer leaves, is cut off first and kept
            in a file beside it.
        on_write_error: ``"stop"`` lets the store refuse further actions; ``"go_on"`` goes on
            without recording and says so once in the log of the program, in `failure`, and by the
            action ``RecordingFailedAndStoreGoesOnUnrecorded``, which ``recording_health_reducer``
            keeps for ``select_recording_failure``.
        group_records: commits after which a group is put on disk, 1 or more.
        group_ms: milliseconds after which it is, 1 or more.
        segment_bytes: bytes of records after which the next segment begins; None for no limit.
        segment_age_s: seconds after which the next record ends its segment; None for no limit.
        keep_bytes: how much of the closed segments is kept, and their keyframes; None for all.
        keep_age_s: seconds that a closed segment is kept; None for ever.
        compress: compress closed segments.
        keyframe_every: records after which the whole state is saved beside the segments, so that
            the last state is found without folding all; None for never.  A thread encodes it, which
            takes its share of the processor, and a file of the state's size stays on disk as long
            as its segment.  One that fails is told once and is missed by nobody.

    Raises:
        ValueError: an option is none of its values, or the path is one file and segments or
            keyframes are asked for.
    """
    if on_write_error not in _ON_WRITE_ERROR:
        message = f"on_write_error expects 'stop' or 'go_on', got {on_write_error!r}"
        raise ValueError(message)
    options = LogOptions(
        sync=sync,
        group_records=group_records,
        group_ms=group_ms,
        segment_bytes=segment_bytes,
        segment_age_s=segment_age_s,
        keep_bytes=keep_bytes,
        keep_age_s=keep_age_s,
        compress=compress,
    )
    options.check_path(Path(path))
    check_keyframe_every(keyframe_every, Path(path))
    return Recorder(
        Path(path),
        options,
        resume=resume,
        on_write_error=on_write_error,
        keyframe_every=keyframe_every,
    )


class Recorder:
    """Middleware that records one store."""

    sets_cause = True
    """The record of an action is the cause of what is dispatched while it is handled."""

    def __init__(
        self,
        path: Path,
        options: LogOptions | None = None,
        *,
        resume: bool = False,
        on_write_error: OnWriteError = "stop",
        keyframe_every: int | None = None,
    ) -> None:
        """Keep the choices; the file is opened when a store is made with this middleware."""
        self._path = path
        self._options = options or LogOptions()
        self._is_segmented = (
            self._options.segment_bytes is not None or self._options.segment_age_s is not None
        )
        self._resume = resume
        self._goes_on = on_write_error == "go_on"
        self._store: StoreAPI[Any] | None = None
        self._writer: LogWriter | None = None
        self._group: GroupSync | None = None
        self._keyframes = None if keyframe_every is None else KeyframeSaver(path, keyframe_every)
        self._has_housekeeping = self._is_segmented or self._keyframes is not None
        self._failure: Exception | None = None
        self._is_failure_untold = False

    @property
    def failure(self) -> Exception | None:
        """Why nothing is recorded any more; None while recording works."""
        return self._failure

    @property
    def cut_tail(self) -> CutTail | None:
        """What was cut off the log when it was opened; None if it ended whole."""
        return None if self._writer is None else self._writer.cut_tail

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Create the log with the store's present state as its start, or go on with it.

        Raises:
            LogExistsError: there is a log at the path, and `resume` is false.
            LogLockedError: another writer has it open.
            LogWriteError: the log cannot be created or written.
            LogDamagedError: its last segment is damaged elsewhere than at its end.
            ReplayMismatchError: the store's state is not the one that the log ends with.
        """
        if self._writer is not None:
            message = f"{self._path} is being recorded by another store; give each its own record()"
            raise LogWriteError(message)
        self._store = store
        inputs_of(store).note_draws()
        self._writer = writer = open_recording(
            self._path,
            store.state,
            self._options,
            schema_fingerprint=_schema_fingerprint(store),
            resume=self._resume,
        )
        is_digest_due = writer.head > 0 and writer.last_digest is None
        self._records = make_commit_records(
            writer.head, lambda: store.state, is_digest_due=is_digest_due
        )
        encode = self._records.encode
        if self._options.sync == "group":
            self._group = GroupSync(
                writer,
                group_records=self._options.group_records,
                group_ms=self._options.group_ms,
                on_failure=self._fail,
            )
        self._make_commit = self._records.commit
        self._append = writer.append_commit if self._group is None else self._group.hold

        def handle(action: Action, /) -> Action:
            if self._failure is None:
                if isinstance(action, Action):  # pyright: ignore[reportUnnecessaryIsInstance]  # a thunk
                    encode(action)  # refused before anything changes
            elif not self._goes_on:
                raise self._refusal() from self._failure
            result = next(action)
            if self._is_failure_untold:
                self._tell_failure()
            return result

        return handle

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Write one commit, and let what is dispatched in answer carry its id as the cause.

        Raises:
            LogWriteError: it could not be written; the log ends before it, and the store refuses
                further actions.
        """
        if self._writer is None or self._failure is not None:
            return
        try:
            self._append(self._make_commit(actions))
            if self._has_housekeeping:
                self._keep_house(len(actions))
        except Exception as error:
            self._fail(error)
            if not self._goes_on:
                raise self._refusal() from error

    async def flushed(self) -> None:
        """Wait until all committed records are as safe as `sync` promises.

        Raises:
            LogWriteError: they are not, because recording failed.
        """
        if self._failure is not None:
            raise self._refusal() from self._failure
        if self._group is not None:
            await self._group.flushed()

    def close(self) -> None:
        """Write the last state's digest and close the file.

        Raises:
            LogWriteError: what was recorded cannot be put on disk.
        """
        if self._keyframes is not None:
            self._keyframes.close()
        if self._writer is None or self._store is None or self._failure is not None:
            return
        try:
            self._write_held()
            if self._records.has_undigested():
                self._writer.checkpoint(state_digest(self._store.state))
            if self._group is not None:
                self._group.note()
                self._group.close()
        finally:
            self._writer.close()

    def _keep_house(self, count: int) -> None:
        """Begin a segment or a keyframe if one is due after so many new records."""
        if self._writer is None or self._store is None:
            return
        if self._is_segmented:
            held_bytes = 0 if self._group is None else self._group.count_held_bytes()
            if self._writer.is_segment_full(held_bytes):
                self._write_held()
                state, schema = self._store.state, _schema_fingerprint(self._store)
                self._writer.begin_segment(encode_state(state), state_digest(state), schema)
        if self._keyframes is not None and self._keyframes.is_due_after(count):
            self._write_held()
            self._keyframes.save(self._records.head(), self._store.state)

    def _write_held(self) -> None:
        if self._group is not None:
            self._group.write_held()

    def _fail(self, error: Exception) -> None:
        """Close the log as it stands, after what could not be written."""
        if self._failure is not None or self._writer is None:
            return
        self._failure = error
        self._writer.close()
        if not self._goes_on:
            return
        _logger.error(
            "recording to %s failed after seq %d: %s; the store goes on without recording",
            self._path,
            self._writer.head,
            error,
        )
        self._is_failure_untold = True
        with contextlib.suppress(RuntimeError):  # without a loop the next dispatch tells it
            asyncio.get_running_loop().call_soon(self._tell_failure)

    def _tell_failure(self) -> None:
        """Dispatch once that nothing is recorded any more, when no commit is under way."""
        if not self._is_failure_untold or self._store is None or self._writer is None:
            return
        self._is_failure_untold = False
        with contextlib.suppress(StoreClosedError):
            self._store.dispatch(
                RecordingFailedAndStoreGoesOnUnrecorded(self._writer.head, str(self._failure))
            )

    def _refusal(self) -> LogWriteError:
        head = 0 if self._writer is None else self._writer.head
        policy = (
            "the store goes on without recording"
            if self._goes_on
            else "the store refuses further actions because they would be lost"
        )
        return LogWriteError(
            f"recording to {self._path} failed after seq {head}: {self._failure}; the records up to"
            f" there are whole, and {policy}; mend the cause and start a new recording"
        )


def _schema_fingerprint(store: StoreAPI[Any]) -> str | None:
    """Return the fingerprint of the application; None if the store does not say its reducer."""
    reducer = getattr(store, "reducer", None)
    return None if reducer is None else recorded_schema_fingerprint(reducer, store.state)
