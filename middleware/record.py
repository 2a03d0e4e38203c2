"""`record`: write every action that reaches the reducer to a log.

What belongs here: what is written, and when.  What does not: how a line is written, which
`LogWriter` knows.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from refold.actions.action import Action
from refold.errors import LogWriteError, ReplayMismatchError
from refold.replay.action_codec import encode_payload, encode_state
from refold.replay.canonical_digest import changed_slices, state_digest
from refold.replay.log_group_sync import GroupSync
from refold.replay.log_options import LogOptions, Sync
from refold.replay.log_record import LogRecord
from refold.replay.log_writer import LogWriter
from refold.store.dispatch_context import DispatchContext, current_dispatch_context, handling

if TYPE_CHECKING:
    from refold.replay.log_recovery import CutTail
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["Recorder", "record"]

_DIGEST_EVERY: Final = 256
"""A digest reads the whole state, so it is not made for every record; verification names the
stretch of at most so many records in which a replay went another way."""


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
) -> Recorder:
    """Return middleware that records a store's run; list it anywhere.

    A killed program loses nothing that was dispatched, whatever ``sync`` says.  A loss of power
    takes with ``"never"`` what the operating system had not written yet, often the last half
    minute; with ``"group"`` at most the last ``group_records`` commits or ``group_ms``, and nothing
    that ``await store.flushed()`` returned for; with ``"always"`` nothing whose dispatch returned.

    Args:
        path: a file ending in ``.jsonl``, or a folder of segments.
        sync: when the disk is made to write: ``"never"``, ``"group"`` or ``"always"``.
        resume: go on with the log at the path, if there is one; the store's state must be the one
            the log ends with: ``state=replay(path, reducer).at(head)``.  An unfinished last line,
            which a killed writer leaves, is cut off first and kept in a file beside it.
        on_write_error: ``"stop"`` lets the store refuse further actions; ``"go_on"`` goes on
            without recording and says so once in the log of the program, and in `failure`.
        group_records: commits after which a group is put on disk, 1 or more.
        group_ms: milliseconds after which it is, 1 or more.
        segment_bytes: bytes of records after which the next segment begins; None for no limit.
        segment_age_s: seconds after which the next record ends its segment; None for no limit.
        keep_bytes: how much of the closed segments is kept; None for all.
        keep_age_s: seconds that a closed segment is kept; None for ever.
        compress: compress closed segments.

    Raises:
        ValueError: an option is none of its values, or the path is one file and segments are
            asked for.
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
    return Recorder(Path(path), options, resume=resume, on_write_error=on_write_error)


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
    ) -> None:
        """Keep the choices; the file is opened when a store is made with this middleware."""
        self._path = path
        self._options = options or LogOptions()
        self._resume = resume
        self._goes_on = on_write_error == "go_on"
        self._store: StoreAPI[Any] | None = None
        self._writer: LogWriter | None = None
        self._group: GroupSync | None = None
        self._writer_name = secrets.token_hex(4)
        self._since_digest = 0
        self._failure: Exception | None = None
        self._encoded: tuple[Action | None, dict[str, Any]] = None, {}
        """The action on its way, and its payload."""

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
            LogDamagedError: the log is damaged elsewhere than at its end.
            ReplayMismatchError: the store's state is not the one that the log ends with.
        """
        if self._writer is not None:
            message = f"{self._path} is being recorded by another store; give each its own record()"
            raise LogWriteError(message)
        self._store = store
        self._writer = self._open(store.state)
        if self._options.sync == "group":
            self._group = GroupSync(
                self._writer,
                group_records=self._options.group_records,
                group_ms=self._options.group_ms,
                on_failure=self._fail,
            )

        def handle(action: Action, /) -> Action:
            if self._failure is not None:
                if self._goes_on:
                    return next(action)
                raise self._refusal() from self._failure
            if isinstance(action, Action):  # pyright: ignore[reportUnnecessaryIsInstance]  # a thunk
                self._encoded = action, encode_payload(action)  # refused before anything changes
            return next(action)

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
            records = self._records_of(actions, self._writer.head)
            self._writer.append(records)
            if self._group is not None:
                self._group.note()
            if self._writer.is_segment_full and self._store is not None:
                state = self._store.state
                self._writer.begin_segment(encode_state(state), state_digest(state))
        except Exception as error:
            self._fail(error)
            if self._goes_on:
                return
            raise self._refusal() from error
        handling(DispatchContext(cause=records[-1].id))

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
        if self._writer is None or self._store is None or self._failure is not None:
            return
        try:
            if self._since_digest:
                self._writer.checkpoint(state_digest(self._store.state))
            if self._group is not None:
                self._group.note()
                self._group.close()
        finally:
            self._writer.close()

    def _open(self, state: Any) -> LogWriter:
        """Open the log for writing."""
        digest = state_digest(state)
        writer = LogWriter(
            self._path,
            start_state=encode_state(state),
            start_digest=digest,
            digest_every=_DIGEST_EVERY,
            options=self._options,
            resume=self._resume,
        )
        if writer.cut_tail is not None:
            torn = writer.cut_tail.torn
            _logger.warning(
                "%s had an unfinished line at seq %d; its %d bytes were moved to %s",
                self._path,
                torn.seq,
                torn.size_bytes,
                writer.cut_tail.kept_at,
            )
        if writer.head and writer.last_digest is None:
            self._since_digest = _DIGEST_EVERY  # so that verify() sees a wrong state at once
        elif writer.last_digest not in {None, digest}:
            writer.close()
            raise _wrong_state(self._path, state, writer.head, str(writer.last_digest), digest)
        return writer

    def _fail(self, error: Exception) -> None:
        """Close the log as it stands, after what could not be written."""
        if self._failure is not None or self._writer is None:
            return
        self._failure = error
        self._writer.close()
        if self._goes_on:
            _logger.error(
                "recording to %s failed after seq %d: %s; the store goes on without recording",
                self._path,
                self._writer.head,
                error,
            )

    def _records_of(self, actions: tuple[Action, ...], head: int) -> list[LogRecord]:
        context = current_dispatch_context()
        self._since_digest += len(actions)
        digest = None
        if self._since_digest >= _DIGEST_EVERY and self._store is not None:
            digest, self._since_digest = state_digest(self._store.state), 0
        last = head + len(actions)
        return [
            LogRecord(
                seq=seq,
                id=f"{self._writer_name}-{seq}",
                name=action.wire_name,
                version=action.wire_version,
                at_ms=action.at_ms,
                cause=context.cause,
                origin=context.origin,
                payload=self._payload_of(action),
                digest=digest if seq == last else None,
            )
            for seq, action in enumerate(actions, start=head + 1)
        ]

    def _payload_of(self, action: Action) -> dict[str, Any]:
        known, payload = self._encoded
        return payload if action is known else encode_payload(action)

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


def _wrong_state(
    path: Path, state: Any, head: int, expected: str, found: str
) -> ReplayMismatchError:
    where = ".".join([type(state).__name__, *changed_slices(expected, found)[:1]])
    message = (
        f"the store's state is not the one that {path} ends with at seq {head}, in {where}: digest"
        f" {expected[:32]} was recorded, {found[:32]} was found; make the store with"
        f" state=replay(path, reducer).at({head})"
    )
    return ReplayMismatchError(message, seq=head, path=where, expected=expected, found=found)
