"""`SharedConnector`: aiohttp's connector, one for all connections of an event loop.

Cookies and headers are a session's own; a connector has the sockets, without a limit to their
number, and remembers looked-up names.  One for each connection would take 3 KiB.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

import aiohttp

__all__ = ["SharedConnector"]


class SharedConnector:
    """A connector that is closed by whoever lets go of it last."""

    def __init__(self) -> None:
        """Begin without a user."""
        self.connector = aiohttp.TCPConnector(limit=0)
        self._users = 0

    @classmethod
    def acquire(cls) -> SharedConnector:
        """Return that of the running loop; `release` it in the end."""
        loop = asyncio.get_running_loop()
        shared = _of_loop.get(loop)
        if shared is None:
            shared = _of_loop[loop] = cls()
        shared._users += 1  # its own
        return shared

    async def release(self) -> None:
        """Let go of it."""
        self._users -= 1
        if not self._users:
            del _of_loop[asyncio.get_running_loop()]
            await self.connector.close()


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, SharedConnector] = WeakKeyDictionary()
