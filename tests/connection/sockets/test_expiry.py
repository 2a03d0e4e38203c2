"""Messages whose time is over while nothing else happens: rule 36.

What belongs here: the timer.  What does not: what expired before a link, see `test_overflow`.
"""

from __future__ import annotations

import asyncio
from typing import Final

import attrs
import pytest

from refold.errors import NotDeliveredError
from refold.middleware.acknowledgements import Acknowledgements
from refold.middleware.websocket_options import WebSocketOptions
from tests.connection.sockets.acknowledging import ACKS, AcknowledgingPeer, match, wrap
from tests.connection.sockets.peers import peer
from tests.connection.sockets.running import running

QUIET: Final = WebSocketOptions(heartbeat_interval=None)


@pytest.mark.looptime
async def test_rule_36_a_message_expires_while_nothing_else_happens() -> None:
    """Rule 36: its own timer ends it, with no link, no send and no other event."""
    loop = asyncio.get_running_loop()
    async with running(
        "ws://127.0.0.1:1/", options=QUIET, acknowledgements=ACKS, connects_at_once=False
    ) as scene:
        begun = loop.time()
        kept = scene.connection.send("kept")
        plain = scene.connection.send("plain", ttl=5.0)
        acked = scene.connection.send("acked", ttl=7.0, ack=True)
        assert await asyncio.wait_for(plain.settled(), 100) == "expired"
        assert loop.time() - begun == pytest.approx(5, abs=0.1)
        assert scene.connection.queue_size == 2
        with pytest.raises(NotDeliveredError) as raised:
            await asyncio.wait_for(acked.future, 100)
        assert raised.value.result == "expired"
        assert loop.time() - begun == pytest.approx(7, abs=0.1)
        assert scene.connection.queue_size == 1
        assert kept.result == "queued"


@pytest.mark.looptime
async def test_rule_36_a_message_behind_a_full_window_expires_by_itself() -> None:
    """Rule 36: what waits for an acknowledgement of another is over in time, and never leaves."""
    far_end = AcknowledgingPeer(acknowledges=False)
    acks = Acknowledgements(wrap, match, window=1, timeout=1000.0)
    loop = asyncio.get_running_loop()
    async with (
        peer(far_end) as server,
        running(server.url, options=QUIET, acknowledgements=acks) as scene,
    ):
        await scene.connection.connect(wait=True)
        first = scene.connection.send("first", ack=True)
        begun = loop.time()
        second = scene.connection.send("second", ttl=3.0, ack=True)
        with pytest.raises(NotDeliveredError) as raised:
            await asyncio.wait_for(second.future, 100)
        assert raised.value.result == "expired"
        assert loop.time() - begun == pytest.approx(3, abs=0.1)
        far_end.acknowledge(first.ack_id)
        await first.future
        await asyncio.sleep(10)
        assert [it["body"] for it in far_end.received] == ["first"]


@pytest.mark.looptime
async def test_rule_36_room_that_an_expired_message_leaves_is_given_on() -> None:
    """Rule 36: who waits for room gets that of an expired message, without another event."""
    options = attrs.evolve(QUIET, max_queue=1, overflow="block")
    loop = asyncio.get_running_loop()
    async with running("ws://127.0.0.1:1/", options=options, connects_at_once=False) as scene:
        begun = loop.time()
        scene.connection.send("short", ttl=4.0)
        await asyncio.wait_for(scene.connection.send_when_room("next"), 100)
        assert loop.time() - begun == pytest.approx(4, abs=0.1)
        assert scene.connection.clear_queue() == ["next"]
