"""The asynchronous form of a subscription: ``async for value in store.changes(select)``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from refold.errors import SubscriberTooSlowError

__all__ = ["StateChanges"]

R = TypeVar("R")


class StateChanges(AsyncIterator[R], Generic[R]):
    """Yields the present value, then every later one in order.

    It subscribes when it is made, so that nothing is missed before the first ``async for`` step,
    and ends when the store closes, when it is closed, or when it is forgotten.
    """

    def __init__(
        self,
        subscribe: Callable[[Callable[[R, R], None]], Callable[[], None]],
        present: R,
        max_pending: int,
    ) -> None:
        """Start to listen.

        Args:
            subscribe: calls a function with each new and old value; returns how to end that.
            present: the value to begin with.
            max_pending: how many unread values to keep, 1 or more.
        """
        self._pending: deque[R] = deque([present])
        self._max_pending = max_pending
        self._news = asyncio.Event()
        self._news.set()
        self._too_slow = False
        self._ended = False
        self._unsubscribe = subscribe(self._append)

    async def __anext__(self) -> R:
        """Return the next value.

        Raises:
            SubscriberTooSlowError: more values than ``max_pending`` were unread; the ones before
                are still given first.
        """
        while not self._pending:
            if self._too_slow:
                message = (
                    f"more than {self._max_pending} changes were waiting to be read; read faster,"
                    f" pass a larger max_pending, or select less"
                )
                raise SubscriberTooSlowError(message)
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._pending.popleft()

    async def aclose(self) -> None:
        """End this subscription only; values not yet read are still given."""
        self.end()

    def end(self) -> None:
        """Stop listening; values not yet read are still given."""
        self._unsubscribe()
        self._ended = True
        self._news.set()

    def _append(self, new: R, _old: R) -> None:
        if len(self._pending) >= self._max_pending:
            self._too_slow = True
            self._unsubscribe()
        else:
            self._pending.append(new)
        self._news.set()
