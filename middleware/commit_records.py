"""`CommitRecords`: what one commit says in a log.

What belongs here: envelopes, and which record gets a digest.  What does not: writing them.

Envelopes are as `envelope_of` writes those of records, without making records: each action class
has one, in which a commit of a single action changes what is different.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from refold.replay.action_codec import encode_payload
from refold.replay.canonical_digest import state_digest
from refold.replay.fast_envelope import envelope_of
from refold.replay.log_record import LogRecord
from refold.store.dispatch_context import DispatchContext, saved_dispatch_context
from refold.store.inputs import take_drawn_inputs

if TYPE_CHECKING:
    from refold.actions.action import Action

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
        self._envelopes: dict[type[Action], dict[str, Any]] = {}
        self.encoded: tuple[Action | None, dict[str, Any]] = None, {}
        """The action that is on its way to the reducer, and its payload."""

    @property
    def has_undigested(self) -> bool:
        """Whether there are records after the last digest."""
        return self._since_digest > 0

    def envelopes(self, head: int, actions: tuple[Action, ...]) -> list[dict[str, Any]]:
        """Return the envelopes of a transaction's actions.

        Args:
            head: the number of the record before them.
            actions: one or more.

        Raises:
            PayloadError: one cannot be recorded.
        """
        last = head + len(actions)
        return [
            self.envelope(seq, action, is_last=seq == last).copy()
            for seq, action in enumerate(actions, start=head + 1)
        ]

    def envelope(self, seq: int, action: Action, *, is_last: bool = True) -> dict[str, Any]:
        """Return the envelope of an action, which the next call may change.

        Args:
            seq: its number.
            action: what was committed.
            is_last: whether the present state is the one after it.

        Raises:
            PayloadError: it cannot be recorded.
        """
        known, payload = self.encoded
        cls = action.__class__
        envelope = self._envelopes.get(cls) or self._new_envelope(cls)
        envelope["seq"] = seq
        envelope["id"] = f"{self._writer_name}-{seq}"
        envelope["at_ms"] = action.at_ms
        context = saved_dispatch_context()
        if isinstance(context, DispatchContext):
            envelope["cause"], envelope["origin"] = context.cause, context.origin
        else:
            envelope["cause"], envelope["origin"] = context, "app"
        envelope["payload"] = payload if action is known else encode_payload(action)
        envelope["inputs"] = take_drawn_inputs()
        self._since_digest += 1
        if is_last and self._since_digest >= DIGEST_EVERY:
            envelope["digest"], self._since_digest = state_digest(self._read_state()), 0
        else:
            envelope["digest"] = None
        return envelope

    def _new_envelope(self, cls: type[Action]) -> dict[str, Any]:
        """Enter the envelope of a class; its keys are in the order in which they are written."""
        name, version = cls.wire_name, cls.wire_version
        record = LogRecord(0, "", name, version, at_ms=None, cause=None, origin="app", payload={})
        return self._envelopes.setdefault(cls, envelope_of(record))
