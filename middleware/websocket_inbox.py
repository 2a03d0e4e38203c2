"""`WebSocketInbox`: what arrives, from the reader of the open link to the application.

What belongs here: decoding, finding acknowledgements, and telling of what went wrong.  What does
not: calling handlers, which `MessageHandlers` does; and reading, which `WebSocketLink` does.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from refold.actions.websocket_messages import (
    BadMessageReceived,
    InboundMessagesDropped,
    MessageHandlerFailed,
)
from refold.middleware.decode_message import BadMessage
from refold.middleware.paced_telling import PacedTelling

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from refold.actions.action import Action
    from refold.middleware.message_decoder import MessageDecoder
    from refold.middleware.message_handlers import MessageHandlers
    from refold.middleware.outbound_message import Message

__all__ = ["WebSocketInbox"]

_ANY_TYPE = ""
"""The type of a message that nobody has decoded."""

_log = logging.getLogger("refold.websocket")


class WebSocketInbox:
    """The messages of one connection, over all its links."""

    def __init__(  # noqa: PLR0913  # keyword-only
        self,
        *,
        on_message: Callable[[Message], None] | None,
        handlers: MessageHandlers | None,
        decoder: MessageDecoder,
        acknowledge: Callable[[Any], None] | None,
        interval_seconds: float,
        tell: Callable[[Action], None],
    ) -> None:
        """Begin with nothing.

        Args:
            on_message: called with each raw message; None for nobody.
            handlers: given each decoded message; None if nobody wants them decoded.
            decoder: decodes, for the handlers.
            acknowledge: called with each message, decoded if there are handlers; None for nobody.
            interval_seconds: bad and dropped messages are told of no more often than this.
            tell: dispatches an action, and never raises.
        """
        self._on_message = on_message
        self._handlers = handlers
        self._decode = decoder.decode
        self._acknowledge = acknowledge
        self._tell = tell
        self._latest_bad: BadMessage | None = None
        self._bad = PacedTelling(interval_seconds, self._tell_bad)
        self._drops = PacedTelling(interval_seconds, self._tell_drops)
        if handlers is not None:
            handlers.report_to(self._tell_failure, self._drops.note)

    @property
    def last_seen(self) -> Hashable | None:
        """The id of the last message that had one; None if there is none."""
        return None if self._handlers is None else self._handlers.last_seen

    @property
    def has_waiting(self) -> bool:
        """Whether a message waits for a handler."""
        return self._handlers is not None and self._handlers.waiting_count > 0

    def take(self, raw: Message) -> Callable[[], Awaitable[None]] | None:
        """Hand a message to the application; what that raises is told, and ends nothing.

        Returns:
            None; or, when there is no room for more, what waits for room.
        """
        if self._on_message is not None:
            self._guarded(self._on_message, raw)
        handlers = self._handlers
        if handlers is None:
            if self._acknowledge is not None:
                self._guarded(self._acknowledge, raw)
            return None
        message = self._decode(raw)
        if isinstance(message, BadMessage):
            self._latest_bad = message
            self._bad.note()
            return None
        if self._acknowledge is not None:
            self._guarded(self._acknowledge, message)
        return handlers.take(message)

    async def settle(self, seconds: float) -> None:
        """Let nothing of an old link come later than this; see `MessageHandlers.settle`."""
        if self._handlers is not None:
            self._tell_given_up(await self._handlers.settle(seconds))

    async def drain(self, seconds: float) -> None:
        """Wait for the handlers, cancel what takes longer, and tell what is untold."""
        if self._handlers is not None:
            self._tell_given_up(await self._handlers.drain(seconds))
        self._bad.flush()
        self._drops.flush()

    def _guarded(self, function: Callable[[Any], None], message: Any) -> None:
        try:
            function(message)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # a user's function
            _log.exception("a function that takes messages raised")
            self._tell_failure(_ANY_TYPE, error)

    def _tell_failure(self, wire_type: str, error: BaseException) -> None:
        self._tell(MessageHandlerFailed.from_error(wire_type, error))

    def _tell_bad(self, count: int) -> None:
        if self._latest_bad is not None:
            bad = self._latest_bad
            self._tell(BadMessageReceived(bad.reason, bad.sample, count))

    def _tell_drops(self, count: int) -> None:
        if self._handlers is not None and self._handlers.overflow != "block":
            self._tell(InboundMessagesDropped(count, self._handlers.overflow))

    def _tell_given_up(self, count: int) -> None:
        if count:
            self._tell(InboundMessagesDropped(count, "link_ended"))
