"""`CommitRecords`: what one commit says in a log.

What belongs here: envelopes, and which record gets a digest.  What does not: writing them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from refold.replay.action_codec import encode_payload
from refold.replay.canonical_digest import state_digest
from refold.replay.fast_envelope import build_record
from refold.store.dispatch_context import current_dispatch_context

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.log_record import LogRecord

__all__ = ["DIGEST_EVERY", "CommitRecords"]

DIGEST_EVERY: Final = 256
"""A digest reads the whole state, so it is not made for every record; verification names the
stretch of at most so many records in which a replay went another way."""


class CommitRecords:
    """Makes the records of one writer."""

    def __init__(self, read_state: Callable[[], Any], *, is_digest_due: bool) -> None:
        """Begin a writing.

        Args:
            read_state: gives the present state.
            is_digest_due: whether the next record shall have a digest, so that `verify` sees a
                wrong state at once.
        """
        self._read_state = read_state
        self._writer_name = secrets.token_hex(4)
        self._since_digest = DIGEST_EVERY if is_digest_due else 0
        self._encoded: tuple[Action | None, dict[str, Any]] = None, {}

    def encode(self, action: Action) -> None:
        """Encode an action that is on its way to the reducer.

        Raises:
            PayloadError: it cannot be recorded.
        """
        self._encoded = action, encode_payload(action)

    @property
    def has_undigested(self) -> bool:
        """Whether there are records after the last digest."""
        return self._since_digest > 0

    def after(self, head: int, actions: tuple[Action, ...]) -> list[LogRecord]:
        """Return the records of a commit.

        Args:
            head: the number of the record before them.
            actions: one, or those of a transaction.

        Raises:
            PayloadError: one cannot be recorded.
        """
        context = current_dispatch_context()
        self._since_digest += len(actions)
        digest = None
        if self._since_digest >= DIGEST_EVERY:
            digest, self._since_digest = state_digest(self._read_state()), 0
        last = head + len(actions)
        return [
            build_record(
                (
                    seq,
                    f"{self._writer_name}-{seq}",
                    action.wire_name,
                    action.wire_version,
                    action.at_ms,
                    context.cause,
                    context.origin,
                    self._payload_of(action),
                    None,
                    digest if seq == last else None,
                )
            )
            for seq, action in enumerate(actions, start=head + 1)
        ]

    def _payload_of(self, action: Action) -> dict[str, Any]:
        known, payload = self._encoded
        return payload if action is known else encode_payload(action)
