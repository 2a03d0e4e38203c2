"""`WebRtcSession`: descriptions that are refused, the servers that are asked, and hanging up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from refold.errors import DialError
from refold.middleware.peer_network.ice_server import IceServer
from tests.connection.sockets.running import eventually, open_descriptors
from tests.peers.webrtc_scene import addresses_of_this_machine, needs_aiortc

if TYPE_CHECKING:
    from refold.middleware.peer_network.webrtc_session import WebRtcSession

pytestmark = needs_aiortc


@pytest.fixture(autouse=True)
def _loopback() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]  # autouse
    with addresses_of_this_machine("127.0.0.1"):
        yield


@asynccontextmanager
async def sessions(*ice_servers: IceServer) -> AsyncGenerator[tuple[WebRtcSession, WebRtcSession]]:
    """Give two sessions, and hang up in the end."""
    from refold.middleware.peer_network.webrtc_session import (  # noqa: PLC0415  # an optional part
        WebRtcSession,
    )

    left, right = WebRtcSession(ice_servers), WebRtcSession(ice_servers)
    try:
        yield left, right
    finally:
        await asyncio.gather(left.hang_up(), right.hang_up())


async def test_an_offer_and_its_answer_open_a_pipe() -> None:
    """Two descriptions are all that has to be exchanged."""
    async with sessions() as (left, right):
        await left.take_answer(await right.answer(await left.offer()))
        one, other = await asyncio.gather(left.opened(), right.opened())
        await one.send(b"there")
        await other.send(b"back")
        assert (await other.receive(), await one.receive()) == (b"there", b"back")


async def test_without_servers_nobody_is_asked() -> None:
    """No server is used that nobody chose, as aiortc's own default would be."""
    own_default = "aiortc.rtcicetransport.RTCIceGatherer.getDefaultIceServers"
    with patch(own_default, side_effect=AssertionError("a public server")) as asked:
        async with sessions() as (left, _):
            await left.offer()
    asked.assert_not_called()


async def test_a_given_server_is_asked() -> None:
    """The user's own list is used."""
    questions: asyncio.Queue[bytes] = asyncio.Queue()

    class Listener(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            del addr
            questions.put_nowait(data)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Listener, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    async with sessions(IceServer(f"stun:127.0.0.1:{port}")) as (left, _):
        offering = asyncio.create_task(left.offer())
        question = await questions.get()
        assert question[:2] == b"\x00\x01", "a binding request begins like this (RFC 8489, 5)"
        offering.cancel()
    transport.close()


def test_a_credential_is_never_shown() -> None:
    """What a TURN server is told stays out of logs."""
    assert "secret" not in repr(IceServer("turn:127.0.0.1:9", "somebody", "secret"))


async def test_a_machine_without_an_address_fails_at_once_on_either_side() -> None:
    """There is no waiting for a connection that can never come about."""
    async with sessions() as (left, right):
        offer = await left.offer()
        with addresses_of_this_machine():
            with pytest.raises(DialError, match="no address to offer: WebRTC needs one besides"):
                await right.answer(offer)
            async with sessions() as (third, _):
                with pytest.raises(DialError, match="or a TURN server in ice_servers"):
                    await third.offer()


def without(words: str) -> Callable[[str], str]:
    """Return what leaves out the lines that begin so."""

    def leave_out(offer: str) -> str:
        return "".join(
            line for line in offer.splitlines(keepends=True) if not line.startswith(words)
        )

    return leave_out


BAD_DESCRIPTIONS: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda _: "", "of one data channel and nothing else"),
    "nonsense": (lambda _: "hello", "of one data channel and nothing else"),
    "with sound": (
        lambda offer: offer + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n",
        "of one data channel and nothing else",
    ),
    "no address": (without("a=candidate:"), "names no address"),
    "no fingerprint": (without("a=fingerprint:"), "has no fingerprint"),
    "no password": (without("a=ice-"), "ValueError: ICE username fragment or password is missing"),
    "half a line": (lambda offer: offer.replace("a=candidate:", "a=candidate:\r\na=x:"), "Error"),
}


@pytest.mark.parametrize("name", BAD_DESCRIPTIONS)
async def test_a_description_of_no_use_is_refused(name: str) -> None:
    """Whatever another end says, it is a `DialError` that tells what is wrong."""
    spoil, words = BAD_DESCRIPTIONS[name]
    async with sessions() as (left, right):
        offer = await left.offer()
        with pytest.raises(DialError, match=f"the other end's offer cannot be used.*{words}"):
            await right.answer(spoil(offer))
        with pytest.raises(DialError, match=f"the other end's answer cannot be used.*{words}"):
            await left.take_answer(spoil(offer))


async def test_hanging_up_ends_the_waiting_for_a_pipe() -> None:
    """An attempt that is given up tells so, also to who waits for it."""
    async with sessions() as (left, right):
        await left.take_answer(await right.answer(await left.offer()))
        await right.hang_up()
        opening = asyncio.create_task(left.opened())
        await left.hang_up()
        with pytest.raises(DialError, match="no data channel could be opened"):
            await opening


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 30, 100, 300, 1_000, 3_000])
@pytest.mark.parametrize("is_other_there", [True, False])
async def test_hanging_up_at_any_moment_leaves_nothing(turns: int, is_other_there: bool) -> None:  # noqa: FBT001
    """No task and no descriptor stays, however far the two were."""
    before = asyncio.all_tasks(), open_descriptors()
    async with sessions() as (left, right):
        answer = await right.answer(await left.offer())
        if not is_other_there:
            await right.hang_up()
        await left.take_answer(answer)
        for _ in range(turns):
            await asyncio.sleep(0)
    await eventually(lambda: (asyncio.all_tasks(), open_descriptors()) == before, 3)


async def test_hanging_up_is_bounded_and_allowed_twice() -> None:
    """A session that was never used, and one that was hung up, can be hung up."""
    async with sessions() as (left, _):
        await left.hang_up()
        await left.hang_up()
