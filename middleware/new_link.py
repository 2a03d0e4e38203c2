"""`NewLink`: an open link as its greeting sees it, before anything else is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable

import attrs

__all__ = ["NewLink"]


@attrs.frozen(kw_only=True)
class NewLink:
    """What ``on_open`` is given: to authenticate, to subscribe, to ask for what was missed."""

    is_reconnect: bool
    """Whether this connection had a link before."""

    last_seen: Hashable | None
    """The id of the last message that arrived, as `MessageHandlers.identify` gives it; None if
    there is none, or if the peer had better begin at the beginning."""

    _write: Callable[[object], Awaitable[None]] = attrs.field(alias="write", repr=False)

    async def send(self, payload: object) -> None:
        """Write a message to the socket, before all that is queued.

        Args:
            payload: as in `WebSocketConnection.send`.

        Raises:
            ConnectionResetError: the link is closing, or the connection broke.
            InvalidPayloadError: it cannot be sent.
        """
        await self._write(payload)
