"""`DirectTransport`: two peers over real sockets, and who does not get in."""

from __future__ import annotations

import asyncio
import signal
import socket

import aiohttp
import pytest
from aiohttp import web
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.errors import AuthenticationError, DialError, PipeClosedError
from refold.middleware.peer_network.dial_websocket import dial_websocket
from refold.middleware.peer_network.direct_transport import DirectTransport
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.websocket_listener import ListenerBounds
from tests.connection.sockets.running import eventually
from tests.peers.transport_scene import (
    SECONDS,
    leaving_nothing,
    listening,
    pipe_server,
    running_program,
)

_DIALS = """
import asyncio, sys
from refold.middleware.peer_network.direct_transport import DirectTransport
from refold.middleware.peer_network.peer_identity import PeerIdentity
async def main():
    channel = await DirectTransport(PeerIdentity.generate()).dial(sys.argv[1], sys.argv[2])
    await channel.send(b"here")
    await asyncio.Event().wait()
asyncio.run(main())
"""

ALICE, BOB, EVE = (PeerIdentity.from_seed(bytes([number]) * 32) for number in (1, 2, 3))


async def test_two_peers_talk_both_ways_up_to_one_mebibyte() -> None:
    """Each end learns the other's id, and whole messages of any size go both ways."""
    async with leaving_nothing(), listening(DirectTransport(BOB)) as bob:
        there = await DirectTransport(ALICE).dial(bob.address, BOB.peer_id)
        here = await bob.next_channel()
        assert (there.peer_id, here.peer_id) == (BOB.peer_id, ALICE.peer_id)
        for source, sink in ((there, here), (here, there)):
            for message in (b"", b"hello", b"x" * 2**20):
                await source.send(message)
                assert await sink.receive() == message
        await asyncio.gather(here.close(), there.close())


async def test_channels_outlive_the_listener() -> None:
    """Closing the transport lets nobody in any more, and leaves channels that it gave away."""
    async with leaving_nothing():
        async with listening(DirectTransport(BOB)) as bob:
            address = bob.address
            there = await DirectTransport(ALICE).dial(address, BOB.peer_id)
            here = await bob.next_channel()
        with pytest.raises(DialError, match="cannot be reached"):
            await DirectTransport(ALICE).dial(address, BOB.peer_id)
        await there.send(b"still here")
        assert await here.receive() == b"still here"
        closing = asyncio.create_task(there.close())
        with pytest.raises(PipeClosedError) as raised:
            await here.receive()
        assert raised.value.is_clean
        await asyncio.gather(here.close(), closing)


async def test_somebody_else_at_the_address_is_an_authentication_error() -> None:
    """Dialling Alice's id at Bob's listener fails at the handshake, and Bob has no channel."""
    async with leaving_nothing(), listening(DirectTransport(BOB)) as bob:
        with pytest.raises(AuthenticationError):
            await DirectTransport(EVE).dial(bob.address, ALICE.peer_id)
        assert bob.came.empty()


async def test_a_killed_peer_is_seen() -> None:
    """SIGKILL of the other process ends the channel, and not as a goodbye."""
    async with (
        listening(DirectTransport(BOB)) as bob,
        running_program(_DIALS, bob.address, BOB.peer_id) as program,
    ):
        channel = await bob.next_channel()
        assert await channel.receive() == b"here"
        program.send_signal(signal.SIGKILL)
        async with asyncio.timeout(SECONDS):
            with pytest.raises(PipeClosedError) as raised:
                await channel.receive()
        assert not raised.value.is_clean
        channel.abort()


async def test_dialable_are_own_direct_addresses_of_the_peer() -> None:
    """Addresses of another kind, of another peer and nonsense are skipped; the order is kept."""
    direct = f"/ip4/127.0.0.1/tcp/4001/ws/p2p/{BOB.peer_id}"
    other = f"/dns/bob.example/tcp/443/wss/p2p/{BOB.peer_id}"
    addresses = pvector(
        [
            other,
            "nonsense",
            f"/ip4/127.0.0.1/tcp/4001/ws/p2p-circuit/p2p/{BOB.peer_id}",
            f"/ip4/127.0.0.1/tcp/4001/ws/p2p/{EVE.peer_id}",
            direct,
        ]
    )
    presence = Presence(BOB.peer_id, addresses, 0, 1)
    assert DirectTransport(ALICE).dialable(presence) == [other, direct]


@pytest.mark.parametrize("address", ["", "nonsense", "/ip4/127.0.0.1/tcp/1/ws/p2p-circuit/p2p/X"])
async def test_an_address_of_another_kind_is_a_dial_error(address: str) -> None:
    """Nothing is dialled; the error names the address."""
    with pytest.raises(DialError, match="is no address of a peer's own listener"):
        await DirectTransport(ALICE).dial(address, BOB.peer_id)


def test_a_listener_everywhere_needs_an_address_to_advertise() -> None:
    """0.0.0.0 can be dialled by nobody; with advertised_host, that is what is advertised."""
    with pytest.raises(ValueError, match="advertised_host"):
        DirectTransport(BOB, "0.0.0.0")  # noqa: S104  # refused


async def test_what_is_advertised_is_the_advertised_host() -> None:
    """The port is the real one, the host the one that others know; nothing before it listens."""
    transport = DirectTransport(BOB, advertised_host="bob.example")
    assert transport.addresses() == []
    async with listening(transport) as bob:
        assert bob.address.startswith("/dns/bob.example/tcp/")
        assert bob.address.endswith(f"/ws/p2p/{BOB.peer_id}")


async def test_a_listener_that_says_nothing_is_given_up() -> None:
    """A server that takes the connection and answers nothing: a DialError after the time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        transport = DirectTransport(ALICE, handshake_timeout=0.1)
        with pytest.raises(DialError, match=r"did not answer within 0\.1 s"):
            await transport.dial(f"/ip4/127.0.0.1/tcp/{port}/ws/p2p/{BOB.peer_id}", BOB.peer_id)


async def test_a_dialler_that_says_nothing_is_dropped() -> None:
    """Whoever opens a WebSocket and proves nothing is gone after the handshake's time."""
    transport = DirectTransport(BOB, handshake_timeout=0.1)
    async with leaving_nothing(), listening(transport) as bob:
        port = bob.address.split("/")[4]
        pipe = await dial_websocket(f"ws://127.0.0.1:{port}", timeout=SECONDS)
        async with asyncio.timeout(SECONDS):
            with pytest.raises(PipeClosedError):
                await pipe.receive()


async def test_closing_breaks_handshakes_under_way() -> None:
    """What is no channel yet when the transport is closed never becomes one."""
    async with leaving_nothing():
        async with listening(DirectTransport(BOB)) as bob:
            port = bob.address.split("/")[4]
            pipe = await dial_websocket(f"ws://127.0.0.1:{port}", timeout=SECONDS)
        async with asyncio.timeout(SECONDS):
            with pytest.raises(PipeClosedError):
                await pipe.receive()


# --- the listener's bounds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (ListenerBounds(max_sockets=2), "there are 2 connections already, the most"),
        (ListenerBounds(max_sockets_per_address=2), "127.0.0.1 has 2 connections already"),
        (ListenerBounds(handshakes_per_second=0.5), "more than 0.5 handshakes per second"),
    ],
    ids=["sockets", "sockets per address", "handshakes per second"],
)
async def test_one_above_a_bound_is_refused_with_the_reason(
    bounds: ListenerBounds, words: str
) -> None:
    """Two get in, the third's DialError has the reason, and the two stay whole."""
    async with leaving_nothing(), pipe_server(bounds) as server:
        dialed = [await dial_websocket(server.url, timeout=SECONDS) for _ in range(2)]
        ends = [(dialer, await server.came.get()) for dialer in dialed]
        with pytest.raises(DialError, match=words):
            await dial_websocket(server.url, timeout=SECONDS)
        for dialer, listener in ends:
            await dialer.send(b"whole")
            assert await listener.receive() == b"whole"
            await asyncio.gather(dialer.close(), listener.close())


async def test_room_comes_back_when_a_connection_ends() -> None:
    """A bound counts what is there, not what has been."""
    async with pipe_server(ListenerBounds(max_sockets=1)) as server:
        for _ in range(3):
            dialer = await dial_websocket(server.url, timeout=SECONDS)
            dialer.abort()
            await eventually(lambda: server.listener.socket_count == 0, SECONDS)


async def test_a_connection_that_sends_nothing_is_dropped() -> None:
    """It counts from the first moment, and is gone after handshake_seconds."""
    bounds = ListenerBounds(handshake_seconds=0.1)
    async with leaving_nothing(), pipe_server(bounds) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.listener.port)
        await eventually(lambda: server.listener.socket_count == 1, SECONDS)
        async with asyncio.timeout(SECONDS):
            assert await reader.read() == b""
        writer.close()
        assert server.listener.socket_count == 0


async def test_far_too_many_silent_connections_are_dropped_at_once() -> None:
    """Above the bound and its spare room, a connection is not even answered."""
    bounds = ListenerBounds(max_sockets=1)
    async with leaving_nothing(), pipe_server(bounds) as server:
        port = server.listener.port
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(80)]
        await eventually(lambda: server.listener.socket_count == 65, SECONDS)
        for _, writer in held:
            writer.close()


async def test_a_web_page_is_refused_unless_its_origin_is_allowed() -> None:
    """A handshake with an Origin comes from a browser: 403, but for those that are named."""
    bounds = ListenerBounds(allowed_origins=frozenset({"https://wallet.example"}))
    async with pipe_server(bounds) as server:
        for origin in ("https://evil.example", "null", ""):
            with pytest.raises(DialError, match="web pages may not connect here"):
                await dial_websocket(server.url, timeout=SECONDS, headers={"Origin": origin})
        headers = {"Origin": "https://wallet.example"}
        pipe = await dial_websocket(server.url, timeout=SECONDS, headers=headers)
        pipe.abort()


async def test_what_is_no_websocket_gets_an_answer_of_http() -> None:
    """A browser's plain request: 426 and a sentence, and the connection is closed."""
    async with pipe_server() as server, aiohttp.ClientSession() as session:
        url = server.url.replace("ws:", "http:")
        async with session.get(url) as response:
            assert (response.status, await response.text()) == (
                426,
                "expected the handshake of a WebSocket\n",
            )


async def test_garbage_leaves_other_connections_whole() -> None:
    """Bytes that are no HTTP end their own connection and nothing else."""
    async with leaving_nothing(), pipe_server() as server:
        dialer = await dial_websocket(server.url, timeout=SECONDS)
        listener = await server.came.get()
        for garbage in (
            b"\x16\x03\x01\x02\x00",
            b"\r\n\r\nGET",
            b"\xff" * 10_000,
            b"GET / X\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.listener.port)
            writer.write(garbage)
            writer.write_eof()
            async with asyncio.timeout(SECONDS):
                await reader.read()
            writer.close()
        await dialer.send(b"whole")
        assert await listener.receive() == b"whole"
        await asyncio.gather(dialer.close(), listener.close())


# --- dialling ------------------------------------------------------------------------------------


async def test_redirects_are_refused() -> None:
    """The handshake does not go on at another address; the error says so."""

    async def redirect(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "ws://127.0.0.1:1/"})

    server = web.Server(redirect, access_log=None)
    listening_here = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    port = listening_here.sockets[0].getsockname()[1]
    async with leaving_nothing():
        with pytest.raises(DialError, match=r"it redirects \(HTTP 302\)"):
            await dial_websocket(f"ws://127.0.0.1:{port}", timeout=SECONDS)
    listening_here.close()
    await server.shutdown(0)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """With HTTP_PROXY set, the address itself is dialled."""
    for name in ("http_proxy", "HTTP_PROXY", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with pipe_server() as server:
        pipe = await dial_websocket(server.url, timeout=SECONDS)
        pipe.abort()


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1", "ws://nowhere.invalid:1", "nonsense", "ws://"])
async def test_where_nobody_is_a_dial_error_names_the_url(url: str) -> None:
    """Whatever is wrong with an address, the error is a DialError, and nothing is left."""
    async with leaving_nothing():
        with pytest.raises(DialError) as raised:
            await dial_websocket(url, timeout=SECONDS)
        assert url in str(raised.value)
