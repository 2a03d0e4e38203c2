"""`OwningLoop`: the event loop that something lives in, and refusing every other."""

from __future__ import annotations

import asyncio

from refold.errors import WrongThreadError

__all__ = ["OwningLoop"]


class OwningLoop:
    """Nobody's until it is adopted; then only the adopting loop may be the running one."""

    def __init__(self, what: str) -> None:
        """Name what the errors speak of, such as ``the connection``."""
        self._what = what
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The owner; None before `adopt`."""
        return self._loop

    def adopt(self) -> None:
        """Let the running loop be the owner."""
        self._loop = asyncio.get_running_loop()

    def refuse_others(self) -> None:
        """Refuse another thread, another loop and a forked process.

        Raises:
            WrongThreadError: the running loop is not the owner.
        """
        if self._loop is None:
            return
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is not self._loop:
            message = (
                f"{self._what} belongs to the loop that entered its store, and was used from"
                f" another loop, thread or process; call it there by loop.call_soon_threadsafe, or"
                f" give this one a store of its own"
            )
            raise WrongThreadError(message)
