"""Opening a socket by aiohttp, with the settings that make its client dependable."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import aiohttp

from refold.errors import RedirectedError

if TYPE_CHECKING:
    from types import SimpleNamespace

    from refold.middleware.websocket_options import WebSocketOptions
    from refold.middleware.websocket_target import ResolvedTarget

__all__ = ["new_session", "open_socket"]


def new_session(
    connector: aiohttp.BaseConnector, *, follows_redirects: bool
) -> aiohttp.ClientSession:
    """Return a session of one connection's own.

    aiohttp's own time limits would cut ours.

    Args:
        connector: left open when the session is closed; without a limit of sockets, as aiohttp's
            default of 100 makes the next one wait in silence.
        follows_redirects: whether a handshake may go on at another address; aiohttp would send it
            the headers that were meant for the first one.
    """
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        trace_configs=None if follows_redirects else [_refusing_redirects()],
    )


@functools.cache
def _refusing_redirects() -> aiohttp.TraceConfig:
    """Return what makes a session refuse redirects: one for all, as each takes 2 KiB."""
    refusing = aiohttp.TraceConfig()
    refusing.on_request_redirect.append(_refuse_redirect)
    return refusing


async def _refuse_redirect(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    redirect: aiohttp.TraceRequestRedirectParams,
) -> None:
    """Stop at the first redirect.

    Raises:
        RedirectedError: always; the message does not repeat the address.
    """
    redirect.response.close()
    status = redirect.response.status
    message = f"the server redirected the handshake with HTTP {status}; dial the new address itself"
    raise RedirectedError(message, http_status=status)


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
