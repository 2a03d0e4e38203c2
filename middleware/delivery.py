"""`Delivery`: a message that the peer has to acknowledge, and the future that tells how it went."""

from __future__ import annotations

import asyncio

import attrs

from refold.errors import AckTimeoutError, NotDeliveredError
from refold.middleware.outbound_message import DeliveryResult, QueuedOutbound

__all__ = ["Delivery"]


@attrs.define(eq=False)
class Delivery:
    """One acknowledged message; `AcknowledgedDelivery` moves it, its sender holds the future."""

    ack_id: str
    """By which the peer acknowledges it; the same each time it is sent."""

    future: asyncio.Future[None]
    """Done when the peer acknowledged it; cancelling it stops sending.  It raises
    `AckTimeoutError`, `NotDeliveredError` if the message was given up before the peer had it, or
    what ended the connection."""

    entry: QueuedOutbound
    """The message."""

    has_begun: bool = attrs.field(default=False, init=False)
    """Whether it was given to a socket at least once, so that it may be acknowledged."""

    resends: int = attrs.field(default=0, init=False)
    """How often it was sent again on the present link."""

    deadline: float | None = attrs.field(default=None, init=False)
    """When its acknowledgement is late, in seconds by the clock; None while it is to be sent."""

    def succeed(self) -> None:
        """Say that the peer has it."""
        if not self.future.done():
            self.future.set_result(None)

    def fail(self, error: Exception) -> None:
        """Give an error to whoever waits; nobody needs to, so asyncio shall not complain."""
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()

    def give_up(self, result: DeliveryResult) -> None:
        """Say that it will not be sent again."""
        message = (
            f"message {self.ack_id!r} was {result} before the peer acknowledged it, and will not be"
            f" sent again; send it anew if it still matters"
        )
        self.fail(NotDeliveredError(message, result=result))

    def time_out(self, ack_timeout_seconds: float) -> None:
        """Say that the peer did not acknowledge it."""
        message = (
            f"the peer did not acknowledge message {self.ack_id!r}, sent {self.resends + 1} times"
            f" on one link, within {ack_timeout_seconds:g} s each; it may have arrived all the"
            f" same, so send it anew only if the peer can tell that it is the same"
        )
        self.fail(AckTimeoutError(message, ack_id=self.ack_id))
