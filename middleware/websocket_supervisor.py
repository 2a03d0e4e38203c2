"""`WebSocketSupervisor`: the reconnect machine, the attempts that it asks for, and their ends.

What belongs here: connecting, disconnecting and serving, from whatever task they are asked for.
What does not: messages, which the outbox and the inbox have; any decision, which the machine makes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from refold.actions.connection import ConnectionEnded, ConnectionLostAndRetryScheduled, LastError
from refold.errors import ConnectionClosedError, ConnectionFatalError
from refold.middleware.goodbye import Goodbye
from refold.middleware.reconnect_driver import ReconnectDriver
from refold.middleware.shared_connector import SharedConnector
from refold.middleware.websocket_attempts import WebSocketAttempts
from refold.middleware.websocket_dial import new_session
from refold.reducers.reconnect_machine import (
    CloseLink,
    ConnectRequested,
    Dial,
    DisconnectRequested,
    Event,
    Phase,
    ReconnectPolicy,
    RetryDue,
    StopAttempt,
    Tell,
)

if TYPE_CHECKING:
    import aiohttp

    from refold.actions.action import Action
    from refold.middleware.websocket_parts import WebSocketParts

__all__ = ["WebSocketSupervisor"]

_LEFT: Final = "the connection cannot be used again after its store was left"


class WebSocketSupervisor:
    """Keeps one connection as open as somebody wants it."""

    def __init__(
        self,
        parts: WebSocketParts,
        session: aiohttp.ClientSession | None,
        *,
        connects_at_once: bool,
    ) -> None:
        """Open nothing.

        Args:
            parts: what all attempts share.
            session: used and never closed; None for one of its own.
            connects_at_once: whether `serve` connects at once.
        """
        self._parts = parts
        self._session = session
        self._is_wanted = connects_at_once
        self._is_left = False
        self._goodbye = Goodbye()
        self._ended_by: LastError | None = None
        self._attempts: WebSocketAttempts | None = None
        options = parts.options
        policy = ReconnectPolicy(
            backoff=options.backoff,
            max_attempts=options.max_attempts,
            max_elapsed_seconds=options.max_elapsed,
            can_refresh_auth=parts.refresh_auth is not None,
        )
        self._driver = ReconnectDriver(policy, self._perform)

    @property
    def phase(self) -> Phase:
        """What the connection is doing."""
        return self._driver.phase

    @property
    def can_send_at_once(self) -> bool:
        """Whether a message that comes now leaves now."""
        return self._attempts is not None and self._attempts.can_send_at_once

    def refuse_if_unusable(self) -> None:
        """Refuse another loop, and every use after the last.

        Raises:
            ConnectionClosedError: the store was left.
            WrongThreadError: another event loop runs the store.
        """
        self._parts.owner.refuse_others()
        if self._is_left:
            raise ConnectionClosedError(_LEFT)

    async def serve(self, *, is_last: bool = False) -> None:
        """Serve until cancelled, then close; it may be called again later.

        Args:
            is_last: whether nothing will follow, so that whoever waits for a link is told so.
        """
        shared = SharedConnector.acquire()
        session = self._session or new_session(
            shared.connector, follows_redirects=self._parts.options.follows_redirects
        )
        try:
            self._parts.outbox.start()
            async with asyncio.TaskGroup() as group:
                self._attempts = WebSocketAttempts(
                    self._parts,
                    group,
                    session,
                    feed=self._feed,
                    on_crash=self._driver.crash,
                    on_end=self._note_end_of_attempt,
                )
                if self._is_wanted:
                    self._feed(ConnectRequested())
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self._is_left = is_last
                    await self._close_link()
                    if is_last:
                        await self._parts.inbox.drain(self._parts.options.close_timeout)
        finally:
            self._attempts = None
            self._parts.outbox.stop()
            self._driver.abandon()  # closing itself may have been cancelled
            if session is not self._session:
                await session.close()
            await shared.release()

    def close(self) -> None:
        """Refuse every use from now on."""
        self._is_left = True
        self._driver.abandon()  # wakes whoever waits for a link

    async def connect(self, *, wait: bool = False) -> None:
        """See `WebSocketConnection.connect`."""
        self.refuse_if_unusable()
        self._is_wanted = True
        while self._driver.phase is Phase.CLOSING and self._is_wanted:
            await self._driver.next_phase()
        if self._is_wanted:  # nobody disconnected meanwhile
            self._feed(ConnectRequested())
        while wait and self._driver.phase is not Phase.OPEN:
            self.refuse_if_unusable()
            if self._attempts is not None and self._driver.phase is Phase.IDLE:
                raise self._new_end_error()
            await self._driver.next_phase()

    async def disconnect(self, goodbye: Goodbye) -> None:
        """See `WebSocketConnection.disconnect`."""
        self._parts.owner.refuse_others()
        self._goodbye = goodbye
        await self._close_link()
        if not self._is_wanted:  # nobody connected meanwhile
            await self._parts.inbox.drain(self._parts.options.close_timeout)

    def reconnect_now(self) -> None:
        """See `WebSocketConnection.reconnect_now`."""
        self._parts.owner.refuse_others()
        self._feed(RetryDue())

    async def _close_link(self) -> None:
        """Have the machine disconnect, and wait until what was open is closed."""
        self._is_wanted = False
        task = None if self._attempts is None else self._attempts.task
        self._feed(DisconnectRequested())
        while self._driver.phase is not Phase.IDLE and not self._is_wanted:
            await self._driver.next_phase()
        if task is not None and task is not asyncio.current_task():
            await asyncio.wait([task], timeout=self._parts.options.close_timeout)

    def _feed(self, event: Event) -> None:
        if self._attempts is not None:  # else not running yet, or no longer
            self._driver.feed(event)

    def _perform(self, effect: Tell | Dial | StopAttempt | CloseLink) -> None:
        match effect:
            case Tell(action):
                self._tell(action)
            case Dial() as dial if self._attempts is not None:
                self._attempts.begin(dial)
            case StopAttempt() if self._attempts is not None:
                self._attempts.stop()
            case CloseLink() if self._attempts is not None:
                self._attempts.close_link(self._goodbye)
            case _:  # it is over
                pass

    def _note_end_of_attempt(self) -> None:
        """End the connection if its attempt was cancelled by others than the machine.

        A loop that is closed cancels every task, in whatever order.
        """
        if self._driver.phase in {Phase.DIALING, Phase.OPEN, Phase.CLOSING}:
            self._driver.abandon()

    def _tell(self, action: Action) -> None:
        """Dispatch a change of the connection, after or before what it means for messages."""
        if isinstance(action, ConnectionEnded):
            self._ended_by = action.error
            self._parts.outbox.on_ended(self._new_end_error)
        self._parts.tell(action)
        if isinstance(action, ConnectionLostAndRetryScheduled | ConnectionEnded):
            self._parts.outbox.tell_drops()  # volatile messages do not outlive their link

    def _new_end_error(self) -> Exception:
        if self._is_left:
            return ConnectionClosedError(_LEFT)
        reason = self._ended_by.message if self._ended_by else "it was disconnected"
        return ConnectionFatalError(f"the connection ended: {reason}")
