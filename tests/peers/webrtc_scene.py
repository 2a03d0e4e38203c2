"""Two data channels in one process, over real UDP sockets on loopback, signalled by hand.

What belongs here: what tests of WebRTC share, and their skip.  What does not: the pipe over them.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCPeerConnection

__all__ = ["ChannelEnd", "addresses_of_this_machine", "channel_ends", "needs_aiortc"]

needs_aiortc = pytest.mark.skipif(
    importlib.util.find_spec("aiortc") is None,
    reason="optional part missing: aiortc, of the extra webrtc",
)


class ChannelEnd:
    """An open data channel and the connection that carries it."""

    def __init__(self, connection: RTCPeerConnection) -> None:
        """Put a channel on a connection that is not open yet."""
        self.connection = connection
        self.channel = connection.createDataChannel("test", negotiated=True, id=0)

    async def hang_up(self) -> None:
        """End the connection, and with it the channel."""
        await self.connection.close()


@contextmanager
def addresses_of_this_machine(*addresses: str) -> Generator[None]:
    """Let aioice find these addresses and no others; it leaves out 127.0.0.1 by itself."""

    def found(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001  # aioice's own
        return list(addresses) if use_ipv4 or use_ipv6 else []

    with patch("aioice.ice.get_host_addresses", found):
        yield


@asynccontextmanager
async def channel_ends() -> AsyncGenerator[tuple[ChannelEnd, ChannelEnd]]:
    """Give both ends of an open channel, and hang up in the end."""
    with addresses_of_this_machine("127.0.0.1"):
        left, right = _new_end(), _new_end()
        try:
            await left.connection.setLocalDescription()
            await right.connection.setRemoteDescription(left.connection.localDescription)
            await right.connection.setLocalDescription()
            await left.connection.setRemoteDescription(right.connection.localDescription)
            await asyncio.gather(_opened(left.channel), _opened(right.channel))
            yield left, right
        finally:
            await asyncio.gather(left.hang_up(), right.hang_up())


def _new_end() -> ChannelEnd:
    import aiortc  # noqa: PLC0415  # an optional part

    return ChannelEnd(aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[])))


async def _opened(channel: RTCDataChannel) -> None:
    is_open = asyncio.Event()
    channel.on("open", is_open.set)
    if channel.readyState != "open":
        await is_open.wait()
