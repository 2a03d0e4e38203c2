"""`WebRtcTransport` over a real relay and real sockets: what opens, what fails, what is left."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.errors import AuthenticationError, DialError, MissingExtraError, PipeClosedError
from refold.middleware.peer_network.peer_address import parse_peer_address
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.relay_server import RelayServer
from refold.middleware.peer_network.relay_transport import RelayTransport
from refold.middleware.peer_network.secure_channel import SecureChannel, secure_channel
from refold.middleware.peer_network.signalling import (
    Description,
    Refusal,
    decode_signal,
    encode_signal,
)
from refold.middleware.peer_network.webrtc_transport import WebRtcTransport
from refold.reducers.evolve import evolve
from tests.connection.sockets.running import eventually, open_descriptors
from tests.peers.channel_pairs import ALICE, BOB, MALLORY, end_of
from tests.peers.webrtc_scene import addresses_of_this_machine, needs_aiortc

if TYPE_CHECKING:
    from refold.middleware.peer_network.webrtc_session import WebRtcSession

pytestmark = needs_aiortc

OVER_A_DEAD_RELAY = f"/ip4/127.0.0.1/tcp/9/ws/p2p-circuit/webrtc/p2p/{BOB.peer_id}"


@pytest.fixture(autouse=True)
def _loopback() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]  # autouse
    with addresses_of_this_machine("127.0.0.1"):
        yield


@attrs.frozen
class Scene:
    """A relay, Alice who dials, and Bob who is registered there."""

    server: RelayServer
    alice: WebRtcTransport
    alice_relay: RelayTransport
    bob: WebRtcTransport
    bob_relay: RelayTransport
    address: str
    taken: asyncio.Queue[SecureChannel]
    """What Bob was given."""

    async def dial(self) -> SecureChannel:
        """Let Alice dial Bob."""
        return await self.alice.dial(self.address, BOB.peer_id)

    async def circuit(self) -> SecureChannel:
        """Return a circuit on which Alice can signal what she likes."""
        url = parse_peer_address(self.address).websocket_url
        return await self.alice_relay.dial_circuit(url, BOB.peer_id, purpose="signalling")


@asynccontextmanager
async def scenes(*, dial_timeout: float = 10.0) -> AsyncGenerator[Scene]:
    """Give a scene in which Bob listens, and free all of it."""
    async with RelayServer() as server:
        alice_relay = RelayTransport(ALICE, server.url)
        bob_relay = RelayTransport(BOB, server.url)
        alice = WebRtcTransport(ALICE, alice_relay, dial_timeout=dial_timeout)
        bob = WebRtcTransport(BOB, bob_relay, dial_timeout=dial_timeout)
        taken: asyncio.Queue[SecureChannel] = asyncio.Queue()
        await bob_relay.listen(SecureChannel.abort)
        await bob.listen(taken.put_nowait)
        try:
            address = bob.addresses()[0]
            yield Scene(server, alice, alice_relay, bob, bob_relay, address, taken)
        finally:
            await bob.close()
            await alice.close()
            await bob_relay.close()


def new_session() -> WebRtcSession:
    """Return a session of this machine's."""
    from refold.middleware.peer_network.webrtc_session import (  # noqa: PLC0415  # an optional part
        WebRtcSession,
    )

    return WebRtcSession()


# --- what opens -----------------------------------------------------------------------------------


async def test_a_data_channel_is_arranged_over_the_relay_and_is_between_the_two_alone() -> None:
    """Both know who the other is; the relay may go, and messages still come through."""
    async with scenes() as scene:
        dialed = await scene.dial()
        taken = await scene.taken.get()
        assert (dialed.peer_id, taken.peer_id) == (BOB.peer_id, ALICE.peer_id)
        await eventually(lambda: scene.server.counts.circuits == 0, 5)
        await scene.server.close()
        message = bytes(range(256)) * 4096
        await asyncio.gather(dialed.send(message), taken.send(message))
        assert await taken.receive() == message
        assert await dialed.receive() == message
        await dialed.close()
        assert (await end_of(taken)).is_clean
        await taken.close()


async def test_several_dials_at_once_each_get_a_channel() -> None:
    """Channels do not disturb each other."""
    async with scenes() as scene:
        dialed = await asyncio.gather(*(scene.dial() for _ in range(4)))
        for number, channel in enumerate(dialed):
            await channel.send(bytes([number]))
        taken = [await scene.taken.get() for _ in dialed]
        assert {await channel.receive() for channel in taken} == {b"\0", b"\1", b"\2", b"\3"}
        for channel in (*dialed, *taken):
            await channel.close()


async def test_channels_live_on_when_the_transport_is_closed() -> None:
    """Closing a transport ends listening, not what it has given away."""
    async with scenes() as scene:
        dialed = await scene.dial()
        taken = await scene.taken.get()
        await scene.bob.close()
        await scene.alice.close()
        await dialed.send(b"still here")
        assert await taken.receive() == b"still here"
        await dialed.close()
        await taken.close()


@asynccontextmanager
async def listening_process(
    relay_url: str,
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """Give Bob in a process of his own, and his address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.peers.webrtc_listening_program", relay_url, "02" * 32),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_two_processes_talk_and_one_says_goodbye() -> None:
    """A peer that ends its program cleanly ends its data channels cleanly."""
    async with RelayServer() as server, listening_process(server.url) as (process, address):
        alice = WebRtcTransport(ALICE, RelayTransport(ALICE))
        channel = await alice.dial(address, BOB.peer_id)
        await channel.send(b"hello")
        assert await channel.receive() == b"hello"
        assert process.stdin is not None
        process.stdin.close()
        assert (await end_of(channel)).is_clean
        await channel.close()
        assert await process.wait() == 0


async def test_a_killed_process_answers_no_more_and_its_channel_can_be_closed() -> None:
    """Nobody says that it is gone, which keepalive has to find out; closing is bounded."""
    async with RelayServer() as server, listening_process(server.url) as (process, address):
        alice = WebRtcTransport(ALICE, RelayTransport(ALICE))
        channel = await alice.dial(address, BOB.peer_id)
        process.kill()
        await process.wait()
        await channel.send(b"anybody?")
        waiting = asyncio.create_task(channel.receive())
        await channel.close()
        with pytest.raises(PipeClosedError):
            await waiting


# --- addresses ------------------------------------------------------------------------------------


async def test_it_advertises_each_relay_once_it_listens() -> None:
    """An address says over which relay a data channel is arranged."""
    relay = RelayTransport(BOB, "ws://127.0.0.1:4001", "wss://relay.example")
    transport = WebRtcTransport(BOB, relay)
    assert transport.kind == "webrtc"
    assert transport.addresses() == []
    await transport.listen(SecureChannel.abort)
    assert transport.addresses() == [
        f"/ip4/127.0.0.1/tcp/4001/ws/p2p-circuit/webrtc/p2p/{BOB.peer_id}",
        f"/dns/relay.example/tcp/443/wss/p2p-circuit/webrtc/p2p/{BOB.peer_id}",
    ]
    await transport.close()
    assert transport.addresses() == []


async def test_only_addresses_for_webrtc_of_that_peer_are_dialable() -> None:
    """Other kinds, other peers and nonsense are skipped."""
    transport = WebRtcTransport(ALICE, RelayTransport(ALICE))
    parsed = parse_peer_address(OVER_A_DEAD_RELAY)
    others = [
        evolve(parsed, kind="relay").text,
        evolve(parsed, kind="direct").text,
        evolve(parsed, peer_id=MALLORY.peer_id).text,
        "nonsense",
        "",
    ]
    presence = Presence(BOB.peer_id, pvector([*others, OVER_A_DEAD_RELAY]), 0, 1)
    assert transport.dialable(presence) == [OVER_A_DEAD_RELAY]
    for address in (others[0], "nonsense"):
        with pytest.raises(DialError, match="is no address for WebRTC"):
            await transport.dial(address, BOB.peer_id)


# --- what fails -----------------------------------------------------------------------------------


async def test_a_dead_relay_is_a_dial_error() -> None:
    """Without a relay there is no way to arrange anything."""
    with pytest.raises(DialError, match=r"127\.0\.0\.1:9"):
        await WebRtcTransport(ALICE, RelayTransport(ALICE)).dial(OVER_A_DEAD_RELAY, BOB.peer_id)


async def test_a_machine_without_an_address_fails_before_it_asks_anybody() -> None:
    """The error names the cause, and comes however long the deadline is."""
    alice = WebRtcTransport(ALICE, RelayTransport(ALICE), dial_timeout=3600)
    words = "no address to offer: WebRTC needs one besides"
    with addresses_of_this_machine(), pytest.raises(DialError, match=words):
        await alice.dial(OVER_A_DEAD_RELAY, BOB.peer_id)


async def test_the_dialler_is_told_at_once_that_the_other_end_has_no_address() -> None:
    """An end that cannot answer refuses, and says why."""
    async with scenes(dial_timeout=3600) as scene:
        session = new_session()
        offer = await session.offer()
        circuit = await scene.circuit()
        with addresses_of_this_machine():
            await circuit.send(encode_signal(Description(offer)))
            with pytest.raises(DialError, match="refused: this machine has no address to offer"):
                decode_signal(await circuit.receive())
        await circuit.close()
        await session.hang_up()


@pytest.mark.parametrize(
    "offer", [b"nonsense", b"", encode_signal(Description("v=0")), encode_signal(Refusal("no"))]
)
async def test_a_bad_offer_is_refused_and_others_are_still_answered(offer: bytes) -> None:
    """Whoever has a key may signal; what it signals breaks nothing."""
    async with scenes() as scene:
        circuit = await scene.circuit()
        await circuit.send(offer)
        with pytest.raises(DialError, match="the other end refused: the other end"):
            decode_signal(await circuit.receive())
        await end_of(circuit)
        await circuit.close()
        dialed = await scene.dial()
        await dialed.close()
        await (await scene.taken.get()).close()


Reply = Callable[[SecureChannel], Awaitable[object]]


@asynccontextmanager
async def signalled_by(scene: Scene, reply: Reply) -> AsyncGenerator[None]:
    """Let Bob answer circuits for signalling by something else than a transport."""
    async with asyncio.TaskGroup() as group:

        async def serve(circuit: SecureChannel) -> None:
            await reply(circuit)
            await end_of(circuit)
            await circuit.close()

        scene.bob_relay.on_signalling(lambda circuit: _start(group, serve(circuit)))
        yield


def _start(group: asyncio.TaskGroup, work: Awaitable[None]) -> None:
    async def run() -> None:
        await work

    group.create_task(run())


def sends(data: bytes) -> Reply:
    """Return what answers any offer by the same."""

    async def send(circuit: SecureChannel) -> None:
        await circuit.receive()
        await circuit.send(data)

    return send


BAD_ANSWERS = {
    "nonsense": (sends(b"nonsense"), "which is no description"),
    "refusal": (sends(encode_signal(Refusal("not\n today"))), "the other end refused: not today"),
    "no channel": (sends(encode_signal(Description("v=0"))), "answer cannot be used"),
    "hung up": (SecureChannel.close, "the other end hung up before a data channel was open"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_a_bad_answer_is_a_dial_error_at_once(name: str) -> None:
    """Whatever a peer answers, the deadline need not pass."""
    reply, words = BAD_ANSWERS[name]
    async with scenes(dial_timeout=3600) as scene, signalled_by(scene, reply):
        with pytest.raises(DialError, match=words):
            await scene.dial()


async def test_a_peer_that_does_not_answer_is_given_up_after_the_deadline() -> None:
    """The transport has a deadline of its own, whatever aiortc waits for."""

    async def say_nothing(circuit: SecureChannel) -> None:
        await circuit.receive()

    async with scenes(dial_timeout=0.3) as scene, signalled_by(scene, say_nothing):
        with pytest.raises(DialError, match=r"no data channel was open within 0\.3 s"):
            await scene.dial()


async def test_a_peer_that_is_gone_after_its_answer_is_given_up_after_the_deadline() -> None:
    """An address at which nobody is would be tried for half a minute."""

    async def answer_and_go(circuit: SecureChannel) -> None:
        session = new_session()
        answer = await session.answer(decode_signal(await circuit.receive()).sdp)
        await session.hang_up()
        await circuit.send(encode_signal(Description(answer)))

    async with scenes(dial_timeout=0.3) as scene, signalled_by(scene, answer_and_go):
        before = asyncio.all_tasks()
        with pytest.raises(DialError, match=r"no data channel was open within 0\.3 s"):
            await scene.dial()
        await eventually(lambda: asyncio.all_tasks() <= before, 5)


async def test_a_data_channel_to_somebody_else_is_no_channel() -> None:
    """DTLS's certificates prove nothing: who is at the far end must have the key."""

    async def answer_as_mallory(circuit: SecureChannel) -> None:
        session = new_session()
        answer = await session.answer(decode_signal(await circuit.receive()).sdp)
        await circuit.send(encode_signal(Description(answer)))
        with pytest.raises(AuthenticationError):
            await secure_channel(
                await session.opened(),
                MALLORY,
                is_dialer=False,
                expected_peer_id=None,
                timeout=5.0,
            )
        await session.hang_up()

    async with scenes() as scene, signalled_by(scene, answer_as_mallory):
        with pytest.raises(AuthenticationError, match=MALLORY.peer_id):
            await scene.dial()


async def test_whoever_signalled_must_be_at_the_end_of_the_data_channel() -> None:
    """Nobody can have a data channel that another one asked for."""
    async with scenes() as scene:
        circuit, session = await scene.circuit(), new_session()
        await circuit.send(encode_signal(Description(await session.offer())))
        await session.take_answer(decode_signal(await circuit.receive()).sdp)
        with pytest.raises(AuthenticationError):
            await secure_channel(
                await session.opened(),
                MALLORY,
                is_dialer=True,
                expected_peer_id=BOB.peer_id,
                timeout=5.0,
            )
        await circuit.close()
        await session.hang_up()
        assert scene.taken.empty()


async def test_a_peer_that_is_not_at_the_relay_is_a_dial_error() -> None:
    """The relay's own words are in the error."""
    async with scenes() as scene:
        with pytest.raises(DialError, match="not registered at this relay"):
            await scene.alice.dial(scene.address, MALLORY.peer_id)


# --- bounds and what is left ----------------------------------------------------------------------


async def test_too_many_offers_at_once_are_refused() -> None:
    """Each offer costs sockets, so only 16 are answered at a time."""
    async with scenes() as scene:
        circuits = [await scene.circuit() for _ in range(16)]
        one_more = await scene.circuit()
        assert not (await end_of(one_more)).is_clean
        with pytest.raises(DialError, match="hung up before a data channel was open"):
            await scene.dial()
        for circuit in (*circuits, one_more):
            await circuit.close()


async def test_who_signals_nothing_is_not_waited_for_longer_than_the_deadline() -> None:
    """A circuit that stays silent does not keep its place."""
    async with scenes(dial_timeout=0.1) as scene:
        circuit = await scene.circuit()
        await end_of(circuit)
        await circuit.close()


async def test_a_cancelled_dial_leaves_nothing() -> None:
    """Whoever stops waiting for a dial gets back all that it used."""
    asked = asyncio.Event()

    async def ask(circuit: SecureChannel) -> None:
        await circuit.receive()
        asked.set()

    async with scenes() as scene, signalled_by(scene, ask):
        before = asyncio.all_tasks(), open_descriptors()
        dialing = asyncio.create_task(scene.dial())
        await asked.wait()
        dialing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialing
        await eventually(lambda: (asyncio.all_tasks(), open_descriptors()) == before, 5)


async def test_closing_stops_answering_and_leaves_nothing() -> None:
    """Who is answered while the transport closes is hung up on, and nobody is answered after it."""
    async with scenes(dial_timeout=3600) as scene:
        before = asyncio.all_tasks()
        circuit = await scene.circuit()
        await scene.bob.close()
        await end_of(circuit)
        await circuit.close()
        with pytest.raises(DialError, match="hung up"):
            await scene.dial()
        await eventually(lambda: asyncio.all_tasks() <= before, 5)


async def test_nothing_is_left_after_many_connections() -> None:
    """Tasks and descriptors go with their channels."""
    async with scenes() as scene:
        before = asyncio.all_tasks(), open_descriptors()
        for _ in range(3):
            dialed = await scene.dial()
            taken = await scene.taken.get()
            await asyncio.gather(dialed.close(), taken.close())
        await eventually(lambda: (asyncio.all_tasks(), open_descriptors()) == before, 5)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport cannot even be made without aiortc."""
    package = "refold.middleware.peer_network"
    monkeypatch.setitem(sys.modules, "aiortc", None)
    monkeypatch.delitem(sys.modules, f"{package}.webrtc_session", raising=False)
    identity = PeerIdentity.generate()
    with pytest.raises(MissingExtraError, match=r"pip install 'refold\[webrtc\]'") as caught:
        WebRtcTransport(identity, RelayTransport(identity))
    assert isinstance(caught.value, ImportError)
    assert caught.value.name == "aiortc"
