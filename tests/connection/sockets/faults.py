"""Every way in which a peer fails, by name."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Final

from tests.connection.sockets.peers import (
    CLOSE,
    PONG,
    TEXT,
    Behaviour,
    Wire,
    drip,
    keeps_silent,
    resets_at_once,
    speaks_garbage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FATAL_FAULTS", "RETRIED_FAULTS", "closes_with", "refuses_with"]


def closes_with(code: int) -> Behaviour:
    """Return a peer that accepts and closes with a code at once."""

    async def behaviour(wire: Wire) -> None:
        await wire.handshake()
        wire.say_goodbye(code)
        await wire.reader.read()

    return behaviour


def refuses_with(status: str) -> Behaviour:
    """Return a peer that refuses the handshake."""

    async def behaviour(wire: Wire) -> None:
        await wire.refuse(status)

    return behaviour


def _after_handshake(do: Callable[[Wire], object]) -> Behaviour:
    async def behaviour(wire: Wire) -> None:
        await wire.handshake()
        await wire.writer.drain()
        do(wire)

    return behaviour


def _stay(_wire: Wire) -> None:
    pass


def _unknown_opcode(wire: Wire) -> None:
    wire.send(3, b"what is this")


def _no_text(wire: Wire) -> None:
    wire.send(TEXT, b"\xff\xfe")


def _half_a_frame(wire: Wire) -> None:
    wire.writer.write(bytes([0x80 | TEXT, 100]) + b"only a part of it")


async def _breaks_in_the_handshake(wire: Wire) -> None:
    await wire.reader.readuntil(b"\r\n\r\n")
    wire.writer.write(b"HTTP/1.1 101 Swit")


async def _answers_with_a_wrong_key(wire: Wire) -> None:
    await wire.reader.readuntil(b"\r\n\r\n")
    wire.writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: bm90IHRoaXM=\r\n\r\n"
    )


async def _half_open(wire: Wire) -> None:
    await wire.handshake()
    below = wire.writer.get_extra_info("socket")
    below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await keeps_silent(wire)


async def _never_answers_but_greets(wire: Wire) -> None:
    await wire.handshake()
    wire.send(TEXT, b"hello")
    wire.send(PONG, b"nobody asked")
    await keeps_silent(wire)


RETRIED_FAULTS: Final[dict[str, Behaviour]] = {
    "silent": keeps_silent,
    "byte by byte": drip,
    "garbage": speaks_garbage,
    "reset at once": resets_at_once,
    "broken handshake": _breaks_in_the_handshake,
    "wrong key": _answers_with_a_wrong_key,
    "503": refuses_with("503 Service Unavailable"),
    "429": refuses_with("429 Too Many Requests"),
    "fin": _after_handshake(_stay),
    "reset": _after_handshake(Wire.reset),
    "mid-frame": _after_handshake(_half_a_frame),
    "half-open": _half_open,
    "greets and falls silent": _never_answers_but_greets,
    "no code": _after_handshake(lambda wire: wire.send(CLOSE)),
    **{str(code): closes_with(code) for code in (1000, 1001, 1011, 1012, 1013, 4000)},
}
"""After these another attempt follows."""

FATAL_FAULTS: Final[dict[str, Behaviour]] = {
    "401": refuses_with("401 Unauthorized"),
    "404": refuses_with("404 Not Found"),
    "1008": closes_with(1008),
    "4401": closes_with(4401),
    "code that no peer may send": closes_with(1006),
    "unknown opcode": _after_handshake(_unknown_opcode),
    "text that is none": _after_handshake(_no_text),
}
"""After these none does."""
