"""`WebSocketAttempts`: one attempt after another, each in a task of its own.

What belongs here: that there is never more than one, and that none ends unnoticed.  What does not:
when to begin one, which the reconnect machine decides.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING

from refold.middleware.websocket_attempt import WebSocketAttempt

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    import aiohttp

    from refold.middleware.goodbye import Goodbye
    from refold.middleware.websocket_parts import WebSocketParts
    from refold.reducers.reconnect_machine import Dial, Event

__all__ = ["WebSocketAttempts"]


class WebSocketAttempts:
    """The attempts between one entering and leaving of the store."""

    def __init__(  # noqa: PLR0913  # keyword-only callbacks
        self,
        parts: WebSocketParts,
        group: asyncio.TaskGroup,
        session: aiohttp.ClientSession,
        *,
        feed: Callable[[Event], None],
        on_crash: Callable[[Exception], None],
        on_end: Callable[[], None],
    ) -> None:
        """Begin none.

        Args:
            parts: what all attempts share.
            group: where their tasks run.
            session: dials.
            feed: gives the machine an event.
            on_crash: called with what an attempt should never have raised.
            on_end: called when the latest attempt has ended, in whatever way.
        """
        self._parts = parts
        self._group = group
        self._session = session
        self._feed = feed
        self._on_crash = on_crash
        self._on_end = on_end
        self._context = contextvars.copy_context()
        self._latest: WebSocketAttempt | None = None
        self.task: asyncio.Task[None] | None = None
        """That of the latest attempt; None before the first."""

    @property
    def can_send_at_once(self) -> bool:
        """Whether a message that comes now leaves now."""
        return self._latest is not None and self._latest.can_send_at_once

    def begin(self, dial: Dial) -> None:
        """Begin an attempt, which waits for the one before to be gone."""
        attempt = WebSocketAttempt(
            parts=self._parts,
            session=self._session,
            feed=self._feed,
            number=dial.attempt,
            refreshes_auth=dial.refreshes_auth,
        )
        self._latest = attempt
        self.task = self._group.create_task(
            self._live(attempt, self.task),
            name="refold websocket",
            context=self._context.copy(),  # not that of whoever called connect
        )
        self.task.add_done_callback(lambda _task: self._note_end_of(attempt))

    def stop(self) -> None:
        """Cancel the latest."""
        if self.task is not None:
            self.task.cancel()

    def close_link(self, goodbye: Goodbye) -> None:
        """Begin to close the link of the latest."""
        if self._latest is not None:
            self._latest.close_link(goodbye)

    async def _live(self, attempt: WebSocketAttempt, previous: asyncio.Task[None] | None) -> None:
        """Run an attempt; an error in it ends the connection, never the application."""
        try:
            await attempt.run(previous)
        except Exception as error:  # noqa: BLE001  # the store's other services go on
            self._on_crash(error)

    def _note_end_of(self, attempt: WebSocketAttempt) -> None:
        if attempt is self._latest:
            self._on_end()
