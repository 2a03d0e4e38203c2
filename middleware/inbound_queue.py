"""`InboundQueue`: a bounded queue between the reader of a link and whoever handles its messages."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Generic, Literal, TypeAlias, TypeVar, get_args

from refold.middleware.check_count import check_count

__all__ = ["InboundQueue", "InboundQueueClosedError", "Overflow"]

T = TypeVar("T")

Overflow: TypeAlias = Literal["block", "drop_oldest", "drop_newest"]
"""What `InboundQueue.put` does with a full queue: wait, or give up a message and count it."""

_OVERFLOWS: Final = get_args(Overflow)

_Turn: TypeAlias = "asyncio.Future[None]"


class InboundQueueClosedError(Exception):
    """The queue is closed: nothing more goes in, or, for a consumer, nothing is left."""


class InboundQueue(Generic[T]):
    """Messages in the order in which they came, at most so many.

    A reader that waits in `put` reads no more, so the peer is slowed down by TCP itself.  A wait
    that is cancelled changes nothing: that message is not in the queue, all others are.
    """

    def __init__(self, max_messages: int = 1000, overflow: Overflow = "block") -> None:
        """Start empty and open.

        Args:
            max_messages: how many may wait, 1 or more.
            overflow: ``block`` makes `put` wait for room; ``drop_oldest`` gives up the message that
                waits for longest, ``drop_newest`` the one that comes.

        Raises:
            TypeError: ``max_messages`` is no int.
            ValueError: it is less than 1, or there is no such overflow.
        """
        check_count("max_messages", max_messages)
        if overflow not in _OVERFLOWS:
            message = f"overflow must be one of {', '.join(_OVERFLOWS)}, got {overflow!r}"
            raise ValueError(message)
        self._max_messages = max_messages
        self._overflow: Overflow = overflow
        self._items: deque[T] = deque()
        self._putters: deque[_Turn] = deque()
        self._admitted = 0  # putters that were given room and did not run yet
        self._getters: deque[_Turn] = deque()
        self._is_closed = False
        self._dropped = 0
        self._untold = 0

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._items)

    @property
    def is_full(self) -> bool:
        """Whether no further message has room."""
        return len(self._items) + self._admitted >= self._max_messages

    @property
    def is_blocking(self) -> bool:
        """Whether a `put` waits: the link is not being read, so its silence proves nothing."""
        return bool(self._putters) or self._admitted > 0

    @property
    def dropped_count(self) -> int:
        """Messages given up because the queue was full."""
        return self._dropped

    def take_new_drops(self) -> int:
        """Return the messages given up since this was last called: so many tell of once."""
        untold, self._untold = self._untold, 0
        return untold

    async def put(self, item: T) -> None:
        """Add a message; return at once if there is room.

        Raises:
            InboundQueueClosedError: the queue is closed.
        """
        if self._is_closed:
            message = "the inbound queue is closed; a new link needs a queue of its own"
            raise InboundQueueClosedError(message)
        if self._overflow == "block":
            if self.is_full or self.is_blocking:
                await self._wait_for_room()
        elif self.is_full:
            self._dropped += 1
            self._untold += 1
            if self._overflow == "drop_newest":
                return
            self._items.popleft()
        self._items.append(item)
        _wake_first(self._getters)
        self._admit()

    async def get(self) -> T:
        """Remove and return the message that waits for longest; wait for one.

        Raises:
            InboundQueueClosedError: the queue is closed and nothing is left in it.
        """
        while not self._items:
            if self._is_at_its_end():
                message = "the inbound queue is closed and nothing is left in it"
                raise InboundQueueClosedError(message)
            await self._wait_for_item()
        item = self._items.popleft()
        self._admit()
        self._wake_all_at_the_end()
        return item

    def close(self) -> None:
        """Take no new message; what is there, and whatever waits in `put`, can still be got."""
        self._is_closed = True
        self._wake_all_at_the_end()

    def clear(self) -> int:
        """Remove all messages that are in the queue; return how many they were."""
        removed = len(self._items)
        self._items.clear()
        self._admit()
        self._wake_all_at_the_end()
        return removed

    async def _wait_for_room(self) -> None:
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._putters.append(turn)  # not let in here: one let in before may not have run yet
        try:
            await turn
        except BaseException:
            if turn.cancelled():
                _forget(turn, self._putters)
            else:  # it was let in, and its task was cancelled before it ran
                self._admitted -= 1
            self._admit()
            self._wake_all_at_the_end()
            raise
        self._admitted -= 1

    async def _wait_for_item(self) -> None:
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._getters.append(turn)
        try:
            await turn
        except BaseException:
            if turn.cancelled():
                _forget(turn, self._getters)
            else:
                _wake_first(self._getters)  # for the message that this one does not take
            raise

    def _admit(self) -> None:
        """Let the first who wait put their messages, as many as there is room for."""
        while self._putters and not self.is_full:
            self._admitted += _wake_first(self._putters)

    def _is_at_its_end(self) -> bool:
        return self._is_closed and not self._items and not self.is_blocking

    def _wake_all_at_the_end(self) -> None:
        while self._getters and self._is_at_its_end():
            _wake_first(self._getters)


def _wake_first(turns: deque[_Turn]) -> bool:
    """Wake whoever waits for longest; tell whether anybody did."""
    while turns:
        turn = turns.popleft()
        if not turn.done():  # else it was cancelled, and its task did not run yet
            turn.set_result(None)
            return True
    return False


def _forget(turn: _Turn, turns: deque[_Turn]) -> None:
    """Remove a cancelled turn, unless whoever woke the next one did so already."""
    if turn in turns:
        turns.remove(turn)
