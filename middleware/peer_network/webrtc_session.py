"""`WebRtcSession`: one data channel of aiortc, from its first description to its end.

What belongs here: all that aiortc is told.  What does not: how descriptions travel, which
`WebRtcTransport` decides.  This is the only module that imports aiortc.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

from refold.errors import DialError
from refold.middleware.peer_network.data_channel_pipe import DataChannelPipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refold.middleware.peer_network.ice_server import IceServer

__all__ = ["WebRtcSession"]

_HANG_UP_TIMEOUT: Final = 2.0
"""Seconds that hanging up may be waited for; a TURN server that is gone takes longer."""

_hanging_up: set[asyncio.Task[None]] = set()
"""Those not finished: asyncio itself keeps no task alive."""


class WebRtcSession:
    """One attempt to open a data channel, by either end; used once."""

    def __init__(self, ice_servers: Sequence[IceServer] = ()) -> None:
        """Make the connection and its channel; nothing is sent yet.

        Args:
            ice_servers: asked for further addresses; with none, no server is asked.
        """
        # An empty list, and not None, which would mean a public STUN server that nobody chose.
        servers = [RTCIceServer(each.url, each.username, each.credential) for each in ice_servers]
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        # Both ends know the channel beforehand: no message can come before its pipe is there.
        channel = self._connection.createDataChannel("refold", negotiated=True, id=0)
        self.pipe: Final = DataChannelPipe(channel, self.hang_up)
        """Of use once `opened` has returned."""
        self._settled: Final = asyncio.get_running_loop().create_future()
        self._channel = channel
        channel.on("open", self._settle)
        channel.on("close", self._settle)
        self._connection.on("connectionstatechange", self._on_state)

    async def offer(self) -> str:
        """Return the description that the other end has to answer.

        Raises:
            DialError: this machine has no address to offer.
        """
        return await self._describe()

    async def answer(self, offer: str) -> str:
        """Return the description that answers another's.

        Raises:
            DialError: the offer is none, or this machine has no address to offer.
        """
        await self._take("offer", offer)
        return await self._describe()

    async def take_answer(self, answer: str) -> None:
        """Go on with the answer to the own offer.

        Raises:
            DialError: the answer is none.
        """
        await self._take("answer", answer)

    async def opened(self) -> DataChannelPipe:
        """Return the pipe, once messages can go through; the caller has the deadline.

        Raises:
            DialError: no pair of addresses, or no handshake, worked.
        """
        await self._settled
        if self._channel.readyState != "open":
            state = self._connection.iceConnectionState
            error = f"no data channel could be opened; the state of its addresses is {state!r}"
            raise DialError(error)
        return self.pipe

    async def hang_up(self) -> None:
        """Free all sockets and tasks; in a bounded time, and more than once is allowed."""
        task = asyncio.create_task(self._free(), name="refold webrtc hang up")
        _hanging_up.add(task)
        task.add_done_callback(_hanging_up.discard)
        await asyncio.wait([task], timeout=_HANG_UP_TIMEOUT)

    async def _free(self) -> None:
        """Close the connection, and whatever an attempt under way still starts after that.

        An attempt whose addresses have just been found good goes on for another 20 ms, and would
        leave a task that asks the closed sockets for consent for half a minute.
        """
        sctp = self._connection.sctp
        ice = None if sctp is None else sctp.transport.transport
        is_under_way = ice is not None and ice.state == "checking"
        await self._connection.close()
        if ice is not None and is_under_way:
            if ice.state == "closed":  # the attempt will still say how it ended
                has_ended = asyncio.Event()
                ice.on("statechange", has_ended.set)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_HANG_UP_TIMEOUT / 2):
                        await has_ended.wait()
            await ice.stop()

    async def _describe(self) -> str:
        await self._connection.setLocalDescription()
        description = self._connection.localDescription.sdp
        if not _has_an_address(description):  # it would stay in its first state for ever
            error = (
                "this machine has no address to offer: WebRTC needs one besides 127.0.0.1,"
                " or a TURN server in ice_servers"
            )
            raise DialError(error)
        return description

    async def _take(self, kind: str, description: str) -> None:
        _check(kind, description)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(description, kind))
        except (
            Exception
        ) as error:  # whatever aiortc's parser meets in a text that it did not expect
            message = f"the other end's {kind} cannot be used: {type(error).__name__}: {error}"
            raise DialError(message) from error

    def _on_state(self) -> None:
        if self._connection.connectionState in {"failed", "closed"}:
            self._settle()

    def _settle(self) -> None:
        with contextlib.suppress(asyncio.InvalidStateError):
            self._settled.set_result(None)


def _has_an_address(description: str) -> bool:
    return "\na=candidate:" in description


def _check(kind: str, description: str) -> None:
    """Refuse a description on which aiortc would stay silent for ever, or open more than a channel.

    Raises:
        DialError: what is wrong with it.
    """
    media = [line for line in description.splitlines() if line.startswith("m=")]
    if len(media) != 1 or not media[0].startswith("m=application "):
        wrong = "must be of one data channel and nothing else"
    elif not _has_an_address(description):
        wrong = "names no address at which its sender could be reached"
    elif "\na=fingerprint:" not in description:
        wrong = "has no fingerprint of a certificate"
    else:
        return
    error = f"the other end's {kind} cannot be used: it {wrong}"
    raise DialError(error)
