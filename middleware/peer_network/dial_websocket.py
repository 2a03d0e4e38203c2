"""`dial_websocket`: a client's pipe, or a `DialError` that says why there is none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from refold.errors import DialError
from refold.middleware.peer_network.refusal import REFUSAL_HEADER
from refold.middleware.peer_network.websocket_pipe import MAX_MESSAGE_BYTES, WebSocketPipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace

__all__ = ["dial_websocket"]

_LONGEST_REASON: Final = 200
"""Characters of what a server says that go into an error."""


async def dial_websocket(
    url: str,
    *,
    timeout: float,  # noqa: ASYNC109  # a failed dial has a text of its own
    headers: Mapping[str, str] | None = None,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
) -> WebSocketPipe:
    """Open a WebSocket for a pipe of its own.

    It follows no redirect, and takes neither a proxy nor credentials from the environment.

    Args:
        url: ``ws://`` or ``wss://``.
        timeout: seconds until it must be open.
        headers: of the handshake, beside those of a WebSocket.
        max_message_bytes: the longest message, either way.

    Raises:
        DialError: nobody answered there in time, or the answer was a refusal.
    """
    dialing = _Dialing()
    session = aiohttp.ClientSession(
        # limit: aiohttp's default of 100 makes the next one wait in silence.  ThreadedResolver:
        # another one has a channel of its own that outlives the session.
        connector=aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver()),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        trace_configs=[dialing.trace()],
        trust_env=False,
    )
    is_open = False
    try:
        async with asyncio.timeout(timeout):
            socket = await session.ws_connect(
                url,
                headers=headers,
                autoping=True,
                autoclose=False,
                heartbeat=None,
                compress=0,
                max_msg_size=max_message_bytes + 1,  # aiohttp refuses one of exactly that size
            )
        pipe = dialing.pipe(socket, max_message_bytes)
        is_open = True
    except TimeoutError as error:
        message = f"{url} did not answer within {timeout:g} s"
        raise DialError(message) from error
    except aiohttp.WSServerHandshakeError as error:
        raise DialError(_refusal_in(url, error)) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        message = f"{url} cannot be reached: {str(error) or type(error).__name__}"
        raise DialError(message) from error
    finally:
        if is_open:
            session.detach()  # the socket lives by itself, and takes its connector with it
        else:
            await session.close()
    return pipe


def _refusal_in(url: str, error: aiohttp.WSServerHandshakeError) -> str:
    """Return what the server says of its refusal, or at least its HTTP status."""
    reason = error.headers.get(REFUSAL_HEADER, "") if error.headers is not None else ""
    said = "".join(each for each in reason[:_LONGEST_REASON] if each.isprintable())
    return f"{url} refused: {said or f'HTTP {error.status}'}"


class _Dialing:
    """What aiohttp's tracing tells of one handshake: the connection below, and a redirect."""

    def __init__(self) -> None:
        self._response: aiohttp.ClientResponse | None = None

    def trace(self) -> aiohttp.TraceConfig:
        """Return what tells it."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._take_response)
        config.on_request_redirect.append(_refuse_redirect)
        return config

    def pipe(
        self, socket: aiohttp.ClientWebSocketResponse[Any], max_message_bytes: int
    ) -> WebSocketPipe:
        """Return the pipe over the socket that was opened.

        Raises:
            DialError: the connection is gone already.
        """
        response = self._response
        connection = None if response is None else response.connection
        transport = None if connection is None else connection.transport
        if response is None or not isinstance(transport, asyncio.Transport):
            message = "the connection broke right after the handshake"
            raise DialError(message)
        return WebSocketPipe(
            socket, transport, release=response.close, max_message_bytes=max_message_bytes
        )

    async def _take_response(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        end: aiohttp.TraceRequestEndParams,
    ) -> None:
        self._response = end.response


async def _refuse_redirect(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    redirect: aiohttp.TraceRequestRedirectParams,
) -> None:
    """Stop at the first redirect.

    Raises:
        DialError: always.
    """
    redirect.response.close()
    message = f"{redirect.url} refused: it redirects (HTTP {redirect.response.status}), which"
    message += " is not followed; dial the new address itself"
    raise DialError(message)
