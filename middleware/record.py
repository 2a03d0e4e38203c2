"""`record`: write every action that reaches the reducer to a log.

What belongs here: what is written, and when.  What does not: how a line is written, which
`LogWriter` knows.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from refold.actions.action import Action
from refold.errors import LogWriteError
from refold.replay.action_codec import encode_payload, encode_state
from refold.replay.canonical_digest import state_digest
from refold.replay.log_record import LogRecord
from refold.replay.log_writer import LogWriter
from refold.store.dispatch_context import DispatchContext, current_dispatch_context, handling

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["Recorder", "record"]

_DIGEST_EVERY: Final = 256
"""A digest reads the whole state, so it is not made for every record; verification names the
stretch of at most so many records in which a replay went another way."""


def record(path: Path | str, /) -> Recorder:
    """Return middleware that records a store's run; list it anywhere.

    Args:
        path: a file ending in ``.jsonl``, or a folder.  It must not hold a log yet.
    """
    return Recorder(Path(path))


class Recorder:
    """Middleware that records one store."""

    sets_cause = True
    """The record of an action is the cause of what is dispatched while it is handled."""

    def __init__(self, path: Path) -> None:
        """Keep the path; the file is created when a store is made with this middleware."""
        self._path = path
        self._store: StoreAPI[Any] | None = None
        self._writer: LogWriter | None = None
        self._writer_name = secrets.token_hex(4)
        self._since_digest = 0
        self._failure: Exception | None = None
        self._encoded: tuple[Action | None, dict[str, Any]] = None, {}
        """The action on its way, and its payload."""

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Create the log with the store's present state as its start.

        Raises:
            LogExistsError: there is a log at the path.
            LogWriteError: the log cannot be created.
        """
        if self._writer is not None:
            message = f"{self._path} is being recorded by another store; give each its own record()"
            raise LogWriteError(message)
        self._store = store
        self._writer = LogWriter(
            self._path,
            start_state=encode_state(store.state),
            start_digest=state_digest(store.state),
            digest_every=_DIGEST_EVERY,
        )

        def handle(action: Action, /) -> Action:
            if self._failure is not None:
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
        except Exception as error:
            self._failure = error
            self._writer.close()
            raise self._refusal() from error
        handling(DispatchContext(cause=records[-1].id))

    def close(self) -> None:
        """Write the last state's digest and close the file."""
        if self._writer is None or self._store is None or self._failure is not None:
            return
        if self._since_digest:
            self._writer.checkpoint(state_digest(self._store.state))
        self._writer.close()

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
        return LogWriteError(
            f"recording to {self._path} failed after seq {head}: {self._failure}; the records up to"
            f" there are whole, and the store refuses further actions because they would be lost;"
            f" mend the cause and start a new recording"
        )
