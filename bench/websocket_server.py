"""A WebSocket server of its own process, which sends prepared bytes as fast as they are taken.

What belongs here: RFC 6455 as far as well behaved clients need it, without any library, so that no
contestant's library does the server's part.  What does not: measuring.

``python websocket_server.py`` prints its port and serves until its input is closed.  It obeys
texts: ``flood 3`` sends all messages three times, ``report`` answers how many other texts have
arrived and how many bytes they had.  Pings are answered, and a close frame by another.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import sys
from collections.abc import Callable
from typing import Final

from websocket_messages import MESSAGES

__all__ = ["ServedSocket", "listen"]

_TEXT: Final = 1
_CLOSE: Final = 8
_PING: Final = 9
_PONG: Final = 10
_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SHORT: Final = 126
"""Payloads of fewer bytes have their length in the second byte."""


def _frame(opcode: int, payload: bytes) -> bytes:
    if len(payload) < _SHORT:
        return bytes((0x80 | opcode, len(payload))) + payload
    return bytes((0x80 | opcode, _SHORT)) + len(payload).to_bytes(2, "big") + payload


_ALL_MESSAGES: Final = b"".join(_frame(_TEXT, text.encode()) for text in MESSAGES)


class ServedSocket(asyncio.Protocol):
    """One client."""

    def __init__(self, watch: Callable[[asyncio.Transport], None] | None = None) -> None:
        """Wait for the handshake.

        Args:
            watch: called with the transport of each client that comes; None for nobody.
        """
        self._watch = watch
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._is_open = False
        self._texts = 0
        self._bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # for type checkers
        self._transport = transport
        if self._watch is not None:
            self._watch(transport)

    def data_received(self, data: bytes) -> None:
        """Shake hands, then take one frame after the other."""
        self._unread += data
        if not self._is_open:
            self._shake_hands()
        while self._is_open and self._take_frame():
            pass

    def _shake_hands(self) -> None:
        head, end, rest = bytes(self._unread).partition(b"\r\n\r\n")
        if not end:
            return
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        key = {name.lower(): value for name, value in lines.items()}[b"sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())
        self._write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._unread = bytearray(rest)
        self._is_open = True

    def _take_frame(self) -> bool:
        """Take a masked frame of fewer than 65,536 bytes, if one is there whole."""
        unread, mask_at = self._unread, 2
        if len(unread) < mask_at:
            return False
        length = unread[1] & 0x7F
        if length == _SHORT:
            mask_at = 4
            length = int.from_bytes(unread[2:4], "big")
        end = mask_at + 4 + length
        if len(unread) < end:
            return False
        mask = bytes(unread[mask_at : mask_at + 4]) * (length // 4 + 1)
        masked = int.from_bytes(unread[mask_at + 4 : end], "big")
        payload = (masked ^ int.from_bytes(mask[:length], "big")).to_bytes(length, "big")
        opcode = unread[0] & 0x0F
        del unread[:end]
        self._obey(opcode, payload)
        return True

    def _obey(self, opcode: int, payload: bytes) -> None:
        if opcode == _CLOSE:
            self._write(_frame(_CLOSE, payload))
            if self._transport is not None:
                self._transport.close()
        elif opcode == _PING:
            self._write(_frame(_PONG, payload))
        elif payload.startswith(b"flood "):
            self._write(_ALL_MESSAGES * int(payload[6:]))
        elif payload == b"report":
            self._write(_frame(_TEXT, f"[{self._texts},{self._bytes}]".encode()))
        elif opcode == _TEXT:
            self._texts += 1
            self._bytes += len(payload)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def listen(
    port: int = 0, watch: Callable[[asyncio.Transport], None] | None = None
) -> asyncio.Server:
    """Return a server on loopback.

    Args:
        port: 0 for any that is free.
        watch: called with the transport of each client that comes; None for nobody.
    """
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: ServedSocket(watch), "127.0.0.1", port, backlog=1024)


async def _serve_until_input_ends() -> None:
    server = await listen()
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()
    os._exit(0)  # clients that are still there are not waited for


if __name__ == "__main__":
    asyncio.run(_serve_until_input_ends())
