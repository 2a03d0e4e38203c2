"""What happens to a message that does not fit the outbound queue: its policies, drops and line.

What belongs here: the names, counting what was dropped, and the line of senders that wait for room.
What does not: the messages and their bounds, which `OutboundQueue` has.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import attrs

if TYPE_CHECKING:
    from refold.middleware.bounded_messages import BoundedMessages

__all__ = [
    "DropCause",
    "DropTally",
    "LineOutcome",
    "OverflowPolicy",
    "WaitingLine",
    "check_overflow_policy",
]

OverflowPolicy: TypeAlias = Literal["raise", "drop_oldest", "drop_newest", "block"]
"""What a full queue does: refuse the message by an error, drop the message that waits longest, drop
the one that comes, or let the sender wait for room."""

DropCause: TypeAlias = Literal["drop_oldest", "drop_newest", "volatile"]
"""Why messages were dropped: a policy, or that they were volatile and could not leave."""

LineOutcome: TypeAlias = Literal["room", "too_late", "turned_away"]
"""How waiting for room ended."""


def check_overflow_policy(name: object) -> OverflowPolicy:
    """Return the policy of this name.

    Raises:
        ValueError: there is none; the message lists the choices.
    """
    for policy in get_args(OverflowPolicy):
        if name == policy:
            return policy  # type: ignore[no-any-return]  # what get_args gives has no type
    choices = ", ".join(repr(policy) for policy in get_args(OverflowPolicy))
    message = f"overflow must be one of {choices}, got {name!r}"
    raise ValueError(message)


class DropTally:
    """Counts dropped messages, so that one action can tell of many."""

    def __init__(self) -> None:
        """Start at 0."""
        self.total = 0
        """Messages dropped so far, taken or not."""
        self._untold: Counter[DropCause] = Counter()

    def add(self, cause: DropCause) -> None:
        """Count one more."""
        self.total += 1
        self._untold[cause] += 1

    def take(self) -> tuple[int, DropCause] | None:
        """Return how many were dropped since they were last taken, and why; None if none was.

        Each call tells of one cause: call until it returns None.
        """
        cause = next(iter(self._untold), None)
        return None if cause is None else (self._untold.pop(cause), cause)


@attrs.define(eq=False)
class _Place:
    """One sender in the line."""

    size_bytes: int
    future: asyncio.Future[LineOutcome]
    is_taken_at_once: bool = False
    """Whether it was let in only because somebody stood ready to take a message."""


class WaitingLine:
    """Senders that wait for room, in the order in which they came; nobody overtakes.

    Whoever is let in counts as in the line until its task takes the place.  So nobody gets that
    room before it, and if it is cancelled in between it takes none and the next is let in.  They
    are let in one by one: a task that begins in this turn runs before one that is woken in it.
    """

    def __init__(self, messages: BoundedMessages) -> None:
        """Start empty.

        Args:
            messages: where room is waited for.
        """
        self._messages = messages
        self._waiting: deque[_Place] = deque()
        self._let_in: _Place | None = None
        """Who was let in and has not taken the place yet."""

    def __len__(self) -> int:
        """Return how many must go first."""
        return len(self._waiting) + (0 if self._let_in is None else 1)

    async def wait(
        self, size_bytes: int, timeout_seconds: float | None, *, is_taken_at_once: bool
    ) -> LineOutcome:
        """Wait for room.

        Args:
            size_bytes: the room that is needed.
            timeout_seconds: how long to wait at most; None for ever.
            is_taken_at_once: see `let_in`.

        Returns:
            ``room`` if there is, which the caller must take before it awaits anything, and then
            call `let_in` for the next.
        """
        loop = asyncio.get_running_loop()
        place = _Place(size_bytes, loop.create_future())
        timer = None
        if timeout_seconds is not None:
            timer = loop.call_later(timeout_seconds, _tell, place, "too_late")
        self._waiting.append(place)
        self.let_in(is_taken_at_once=is_taken_at_once)
        outcome: LineOutcome | None = None
        try:
            outcome = await place.future
            return outcome
        finally:
            if timer is not None:
                timer.cancel()
            self._leave(place)
            if outcome != "room":  # else the caller has to take it first
                self.let_in(is_taken_at_once=place.is_taken_at_once)

    def let_in(self, *, is_taken_at_once: bool = False) -> None:
        """Let in the first, if there is room for it and nobody is on the way in.

        Args:
            is_taken_at_once: whether somebody stands ready to take a message, so that an empty
                queue needs no room for it.
        """
        while self._waiting and self._let_in is None:
            place = self._waiting[0]
            if not place.future.done():
                if not self._messages.has_room(place.size_bytes, is_taken_at_once=is_taken_at_once):
                    return
                place.is_taken_at_once = is_taken_at_once
                self._let_in = place
                place.future.set_result("room")
            self._waiting.popleft()

    def turn_away(self) -> None:
        """Let all who still wait go without a place."""
        waiting, self._waiting = self._waiting, deque()
        for place in waiting:
            _tell(place, "turned_away")

    def _leave(self, place: _Place) -> None:
        if place is self._let_in:
            self._let_in = None
        elif place in self._waiting:
            self._waiting.remove(place)


def _tell(place: _Place, outcome: LineOutcome) -> None:
    """Say how waiting ended, unless that is said already."""
    if not place.future.done():
        place.future.set_result(outcome)
