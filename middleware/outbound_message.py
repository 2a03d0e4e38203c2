"""`QueuedOutbound`: a message on its way out, its terms, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from refold.reducers.check_positive_number import check_positive_number

__all__ = ["DeliveryResult", "Message", "QueuedOutbound", "SendTerms", "size_of_message"]

Message: TypeAlias = str | bytes
"""A text or a binary message."""

DeliveryResult: TypeAlias = Literal["queued", "handed_to_socket", "dropped", "expired", "cleared"]
"""What became of a message.  ``queued``: it waits, and may be sent yet.  ``handed_to_socket``: the
socket took it, which is no proof that the peer has it: 4 MB were once "sent" to a dead one.
``dropped``: there was no room, or it was volatile and there was no link.  ``expired``: its time was
over before it could leave.  ``cleared``: the application took it back."""


@attrs.frozen(kw_only=True)
class SendTerms:
    """On what terms a message is sent.

    Raises:
        TypeError: the time to live is no number.
        ValueError: the time to live is not finite and above 0.
    """

    ttl_seconds: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(check_positive_number)
    )
    """How long it is worth sending, from the call on; None for ever."""

    is_volatile: bool = False
    """Whether to drop it rather than keep it while there is no link."""

    ack_id: str | None = None
    """By which the peer acknowledges it; None if nobody waits for that."""

    on_settled: Callable[[DeliveryResult], None] | None = None
    """Called once, when the message is no longer ``queued``; it must not raise."""


@attrs.define(eq=False)
class QueuedOutbound:
    """A message in the queue; two with the same content are still two."""

    message: Message
    """What to send."""

    size_bytes: int
    """Its length; a text counts as its UTF-8 form."""

    terms: SendTerms = SendTerms()
    """On what terms."""

    expires_at: float | None = None
    """When it is no longer worth sending, in seconds by the queue's clock; None for never."""

    result: DeliveryResult = attrs.field(default="queued", init=False)
    """What became of it; once it is another than ``queued`` it stays so."""

    _waiting: list[asyncio.Future[None]] | None = attrs.field(default=None, init=False, repr=False)
    """Who waits in `settled`; None for nobody, which is usual."""

    async def settled(self) -> DeliveryResult:
        """Wait until it left the queue, or until waiting is of no use; return what became of it.

        Returns:
            ``queued`` only if the connection ended while the message waited.
        """
        if self.result == "queued":
            future = asyncio.get_running_loop().create_future()
            self._waiting = [*(self._waiting or ()), future]
            try:
                await future
            finally:
                others = [other for other in self._waiting or () if other is not future]
                self._waiting = others or None
        return self.result

    def settle(self, result: DeliveryResult) -> None:
        """Note what became of it; the queue calls this, once."""
        self.result = result
        if self.terms.on_settled is not None:
            self.terms.on_settled(result)
        if self._waiting:
            self.stop_waiting()

    def stop_waiting(self) -> None:
        """Let those who wait in `settled` go on with the present result."""
        waiting, self._waiting = self._waiting, None
        for future in waiting or ():
            if not future.done():
                future.set_result(None)


def size_of_message(message: object) -> int:
    """Return how many bytes a message has on the wire, without its frame.

    Raises:
        TypeError: it is neither text nor bytes.
        UnicodeEncodeError: it is a text with a lone surrogate, which no peer would accept.
    """
    if isinstance(message, str):
        return len(message) if message.isascii() else len(message.encode())
    if isinstance(message, bytes):
        return len(message)
    error = f"a message must be str or bytes, got {type(message).__name__}; encode it first"
    raise TypeError(error)
