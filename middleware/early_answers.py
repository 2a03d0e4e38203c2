"""`EarlyAnswers`: answers to a proposal that arrive before the proposal itself.

Two peers' messages come over two links, so that the answer of one may overtake the proposal of the
other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refold.middleware.spend_messages import SpendAnswer

__all__ = ["EarlyAnswers"]

_MOST: Final = 200
"""Answers that are kept; of more, the oldest go: whoever makes up sessions must not fill memory."""


class EarlyAnswers:
    """Keeps answers to sessions that are not known yet, each with its sender."""

    def __init__(self) -> None:
        """Keep none yet."""
        self._kept: dict[tuple[str, str], SpendAnswer] = {}

    def keep(self, sender: str, answer: SpendAnswer) -> None:
        """Keep an answer; of two of one sender to one session, the first."""
        self._kept.setdefault((answer.session_id, sender), answer)
        if len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]

    def take(self, session_id: str) -> list[tuple[str, SpendAnswer]]:
        """Return the answers to a session, with their senders, and keep them no longer."""
        keys = [key for key in self._kept if key[0] == session_id]
        return [(sender, self._kept.pop((session, sender))) for session, sender in keys]
