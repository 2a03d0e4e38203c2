"""Section G, rule 39: what a result of sending means; rules 40 to 42 have files of their own."""

from __future__ import annotations

import asyncio
import inspect
from typing import Final

import attrs

from refold.middleware.websocket_connection import WebSocketConnection
from tests.connection.sockets.peers import Wire, echoes, peer
from tests.connection.sockets.running import FAST, eventually, running
from tests.connection.sockets.test_silence import never_reads

ROOMY: Final = attrs.evolve(FAST, max_queue_bytes=2**26, close_timeout=0.1)


async def test_rule_39_a_result_says_queued_or_handed_and_never_delivered() -> None:
    """Rule 39: a dead reader is handed what the buffers take; the rest stays queued, in order."""
    async with peer(never_reads) as server, running(server.url, options=ROOMY) as scene:
        sent = [scene.connection.send("x" * 60_000) for _ in range(300)]
        assert {message.result for message in sent} == {"queued"}
        await scene.connection.connect(wait=True)
        await eventually(lambda: sent[0].result == "handed_to_socket", 10)
        results = [message.result for message in sent]
        handed = results.count("handed_to_socket")
        assert results == ["handed_to_socket"] * handed + ["queued"] * (300 - handed)
        assert scene.connection.queue_size == 300 - handed > 0


async def test_rule_39_a_message_is_removed_once_its_write_returned() -> None:
    """Rule 39: one whose write did not return is still first in the queue for the next link."""
    received: list[object] = []
    reset = asyncio.Event()

    async def resets_later(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await reset.wait()
        wire.reset()

    async with (
        peer(resets_later) as server,
        running(server.url, options=ROOMY, on_message=received.append) as scene,
    ):
        sent = [scene.connection.send(f"{number:06}" * 10_000) for number in range(300)]
        await eventually(lambda: 0 < scene.connection.queue_size < 300, 10)
        server.behaviour = echoes
        reset.set()
        await scene.until(lambda state: state.error_count == 1)
        left = [message.message for message in sent if message.result == "queued"]
        assert 0 < len(left) <= 300
        await eventually(lambda: len(received) == len(left), 10)
    assert received == left


def test_rule_39_the_documentation_says_what_handed_means() -> None:
    """Rule 39: who reads about `send` learns that a socket's word is no proof."""
    told = " ".join((inspect.getdoc(WebSocketConnection.send) or "").split())
    assert "``handed_to_socket`` is no proof that the peer has it" in told
