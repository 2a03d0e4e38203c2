"""`PacedCalls`: many small calls, some in each step of the event loop, so that others run between.

What belongs here: the queue.  What does not: what is called, and whether it still makes sense by
then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PacedCalls"]

_CALLS_IN_A_STEP: Final = 100
"""Beginning so many runs, with all that follows, is 1 to 3 ms; ten thousand at once is 200 ms."""


class PacedCalls:
    """Calls each function once, in their order, from the next step of the running loop on."""

    def __init__(self) -> None:
        """Start with none."""
        self._calls: deque[Callable[[], object]] = deque()
        self._is_calling = False

    def add(self, call: Callable[[], object]) -> None:
        """Call a function that raises nothing, in its turn."""
        self._calls.append(call)
        if not self._is_calling:
            self._is_calling = True
            asyncio.get_running_loop().call_soon(self._call_some)

    def _call_some(self) -> None:
        calls = self._calls
        for _ in range(min(len(calls), _CALLS_IN_A_STEP)):
            calls.popleft()()
        self._is_calling = bool(calls)
        if calls:
            asyncio.get_running_loop().call_soon(self._call_some)
