"""`ApplicationPing`: a heartbeat of messages, for a peer that does not answer ping frames."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from refold.middleware.outbound_message import Message

__all__ = ["ApplicationPing"]


@attrs.frozen
class ApplicationPing:
    """What is sent each heartbeat interval in place of a ping frame.

    Raises:
        TypeError: an argument is no function.
    """

    make: Callable[[], object] = attrs.field(validator=attrs.validators.is_callable())
    """Makes the message; see `WebSocketConnection.send` for what it may be."""

    is_answer: Callable[[Message], bool] = attrs.field(validator=attrs.validators.is_callable())
    """Called with each message that arrives; one that answers goes no further, and tells the
    latency.  That the peer lives is proved by any message."""
