"""Opening a socket by aiohttp, with the settings that make its client dependable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from refold.middleware.websocket_options import WebSocketOptions
    from refold.middleware.websocket_target import ResolvedTarget

__all__ = ["new_session", "open_socket"]


def new_session() -> aiohttp.ClientSession:
    """Return a session that lets every connection have its own socket.

    aiohttp's default of 100 sockets makes the next one wait in silence, and its own time limits
    would cut ours.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    )


async def open_socket(
    session: aiohttp.ClientSession, target: ResolvedTarget, options: WebSocketOptions
) -> aiohttp.ClientWebSocketResponse[Any]:
    """Open a socket whose pings, heartbeat and closing are ours.

    aiohttp's own heartbeat closes live links, and its own closing has no time limit.
    """
    return await session.ws_connect(
        target.url,
        headers=target.headers,
        protocols=target.protocols,
        autoping=False,
        autoclose=False,
        heartbeat=None,
        max_msg_size=options.max_message_bytes,
        timeout=aiohttp.ClientWSTimeout(
            ws_close=options.close_timeout  # pyright: ignore[reportCallIssue]  # attr.s is opaque
        ),
    )
