"""`RelayServer`: registering, dialling through it, presences, and every bound."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from refold.errors import DialError, PipeClosedError
from refold.middleware.peer_network import relay_frames as frames
from refold.middleware.peer_network.dial_websocket import dial_websocket
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.rate_bound import RateBound
from refold.middleware.peer_network.relay_bounds import RelayBounds
from refold.middleware.peer_network.relay_server import RelayServer
from refold.middleware.peer_network.websocket_listener import ListenerBounds
from tests.connection.sockets.running import eventually
from tests.peers.transport_scene import (
    NOW_MS,
    SECONDS,
    leaving_nothing,
    presence_of,
    registered,
    running_program,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from refold.middleware.peer_network.websocket_pipe import WebSocketPipe

ALICE, BOB, EVE = (PeerIdentity.from_seed(bytes([number]) * 32) for number in (1, 2, 3))

_REGISTERS = """
import asyncio, sys
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.relay_transport import RelayTransport
async def main():
    transport = RelayTransport(PeerIdentity.from_seed(bytes([2]) * 32), sys.argv[1])
    channels = []
    await transport.listen(channels.append)
    await asyncio.Event().wait()
asyncio.run(main())
"""


class RawPeer:
    """A registration frame by frame, by hand."""

    def __init__(self, pipe: WebSocketPipe, host: str) -> None:
        """Take the pipe to the relay, and where it is."""
        self.pipe = pipe
        self.host = host

    async def next(self) -> frames.FrameFromRelay:
        """Return the next frame that is no ping."""
        async with asyncio.timeout(SECONDS):
            while isinstance(
                frame := frames.decode_from_relay(await self.pipe.receive()), frames.Ping
            ):
                pass
            return frame

    async def say(self, frame: frames.FrameFromPeer) -> None:
        """Send a frame."""
        await self.pipe.send(frames.encode_frame(frame))

    async def prove(self, identity: PeerIdentity, peer_id: str | None = None) -> None:
        """Sign the challenge, perhaps in another's name."""
        challenge = await self.next()
        assert isinstance(challenge, frames.Challenge)
        name = peer_id or identity.peer_id
        text = frames.registration_text(challenge.nonce, name, self.host)
        await self.say(frames.Register(name, identity.sign(text)))

    async def end(self) -> PipeClosedError:
        """Return how the registration ends."""
        while True:
            try:
                await self.next()
            except PipeClosedError as error:
                return error


@asynccontextmanager
async def raw_peer(relay: RelayServer) -> AsyncGenerator[RawPeer]:
    """Give a connection to the relay's registrations."""
    pipe = await dial_websocket(relay.url + frames.REGISTRATIONS_PATH, timeout=SECONDS)
    try:
        yield RawPeer(pipe, relay.url.removeprefix("ws://"))
    finally:
        await pipe.close()


@asynccontextmanager
async def raw_member(relay: RelayServer, identity: PeerIdentity) -> AsyncGenerator[RawPeer]:
    """Give a registered peer that has been told all presences."""
    async with raw_peer(relay) as peer:
        await peer.prove(identity)
        while not isinstance(await peer.next(), frames.PresencesComplete):
            pass
        yield peer


async def dial_circuit(relay: RelayServer, peer_id: str, query: str = "") -> WebSocketPipe:
    """Dial a peer by hand."""
    url = f"{relay.url}{frames.CIRCUITS_PATH}{peer_id}{query}"
    return await dial_websocket(url, timeout=SECONDS)


async def answer(relay: RelayServer, wanted: frames.FrameFromRelay) -> WebSocketPipe:
    """Answer a circuit by hand."""
    assert isinstance(wanted, frames.CircuitWanted)
    return await dial_websocket(
        f"{relay.url}{frames.ANSWERS_PATH}{wanted.circuit_id}",
        headers={frames.TOKEN_HEADER: wanted.token},
        timeout=SECONDS,
    )


# --- circuits ------------------------------------------------------------------------------------


async def test_a_circuit_passes_messages_both_ways_and_the_end_of_either() -> None:
    """What one end sends the other gets; a goodbye stays one, a break stays one."""
    async with leaving_nothing(), RelayServer() as relay, raw_member(relay, BOB) as bob:
        for is_clean in (True, False):
            dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id))
            there = await answer(relay, await bob.next())
            here = await dialing
            for source, sink in ((here, there), (there, here)):
                for message in (b"", b"x" * 60_000):
                    await source.send(message)
                    assert await sink.receive() == message
            assert relay.counts.circuits == 1
            await here.send(b"last")
            ending = asyncio.create_task(here.close()) if is_clean else None
            assert await there.receive() == b"last"
            if ending is None:
                here.abort()
            with pytest.raises(PipeClosedError) as raised:
                await there.receive()
            assert raised.value.is_clean is is_clean
            await eventually(lambda: relay.counts.circuits == 0, SECONDS)
            if ending is not None:
                await ending


async def test_a_peer_that_is_not_registered_cannot_be_dialled() -> None:
    """The DialError has the relay's reason."""
    async with leaving_nothing(), RelayServer() as relay:
        with pytest.raises(DialError, match="that peer is not registered at this relay"):
            await dial_circuit(relay, BOB.peer_id)


async def test_a_peer_that_does_not_answer_in_time_is_said_so() -> None:
    """The dialler waits no longer than answer_seconds, and the circuit counts no more."""
    bounds = RelayBounds(answer_seconds=0.05)
    async with (
        leaving_nothing(),
        RelayServer(bounds=bounds) as relay,
        raw_member(relay, BOB) as bob,
    ):
        with pytest.raises(DialError, match=r"did not answer the relay within 0\.05 s"):
            await dial_circuit(relay, BOB.peer_id)
        assert relay.counts.circuits == 0
        with pytest.raises(DialError, match="no circuit waits for this answer"):
            await answer(relay, await bob.next())


async def test_only_the_token_of_the_circuit_answers_it() -> None:
    """A guess is refused and leaves the circuit waiting; the token works, once."""
    async with leaving_nothing(), RelayServer() as relay, raw_member(relay, BOB) as bob:
        dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id))
        wanted = await bob.next()
        assert isinstance(wanted, frames.CircuitWanted)
        for guess in ("", wanted.token[:-1], wanted.circuit_id):
            forged = frames.CircuitWanted(wanted.circuit_id, guess, "link")
            with pytest.raises(DialError, match="no circuit waits for this answer"):
                await answer(relay, forged)
        there = await answer(relay, wanted)
        with pytest.raises(DialError, match="no circuit waits for this answer"):
            await answer(relay, wanted)
        here = await dialing
        await here.send(b"hello")
        assert await there.receive() == b"hello"
        await asyncio.gather(here.close(), there.close())


async def test_a_circuit_says_what_it_is_for() -> None:
    """A link by default, signalling if asked for; anything else is refused."""
    async with leaving_nothing(), RelayServer() as relay, raw_member(relay, BOB) as bob:
        for query, purpose in (("", "link"), ("?purpose=signalling", "signalling")):
            dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id, query))
            wanted = await bob.next()
            assert isinstance(wanted, frames.CircuitWanted)
            assert wanted.purpose == purpose
            there, here = await answer(relay, wanted), await dialing
            await asyncio.gather(here.close(), there.close())
        with pytest.raises(DialError, match="for a link or for signalling"):
            await dial_circuit(relay, BOB.peer_id, "?purpose=mining")


async def test_a_dialler_that_leaves_meanwhile_costs_nothing() -> None:
    """Its circuit ends as soon as the dialled peer comes, which sees that at once."""
    async with leaving_nothing(), RelayServer() as relay, raw_member(relay, BOB) as bob:
        dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id))
        wanted = await bob.next()
        dialing.cancel()
        await eventually(lambda: relay.counts.sockets == 1, SECONDS)
        there = await answer(relay, wanted)
        with pytest.raises(PipeClosedError):
            async with asyncio.timeout(SECONDS):
                await there.receive()
        await eventually(lambda: relay.counts.circuits == 0, SECONDS)


# --- registrations -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "peer_id", "words"),
    [
        (EVE, BOB.peer_id, "not signed by the key of that peer id"),
        (EVE, "nobody", "is no peer id"),
    ],
)
async def test_nobody_registers_in_the_name_of_another(
    identity: PeerIdentity, peer_id: str, words: str
) -> None:
    """A signature by another key is refused with the reason, and the real peer stays reachable."""
    async with leaving_nothing(), RelayServer() as relay, raw_member(relay, BOB) as bob:
        async with raw_peer(relay) as thief:
            await thief.prove(identity, peer_id)
            assert words in str(await thief.end())
        dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id))
        there, here = await answer(relay, await bob.next()), await dialing
        await asyncio.gather(here.close(), there.close())


async def test_a_proof_serves_once() -> None:
    """A recorded answer to one challenge is none to another."""
    async with leaving_nothing(), RelayServer() as relay:
        async with raw_peer(relay) as first:
            challenge = await first.next()
            assert isinstance(challenge, frames.Challenge)
            text = frames.registration_text(challenge.nonce, BOB.peer_id, first.host)
            proof = frames.Register(BOB.peer_id, BOB.sign(text))
            await first.say(proof)
            assert isinstance(await first.next(), frames.Registered)
        async with raw_peer(relay) as second:
            await second.next()
            await second.say(proof)
            assert "not signed by the key" in str(await second.end())


async def test_a_relay_cannot_register_its_peers_at_another_relay() -> None:
    """A challenge that was signed for one relay proves nothing at the one that it came from."""
    async with leaving_nothing(), RelayServer() as honest, raw_peer(honest) as passing_on:
        passing_on.host = "127.0.0.1:1"  # where the peer dialled: the relay in the middle
        await passing_on.prove(BOB)
        assert "not signed by the key" in str(await passing_on.end())


async def test_a_challenge_must_be_signed_in_time() -> None:
    """Whoever says nothing is dropped with the reason."""
    bounds = RelayBounds(registration_seconds=0.05)
    async with leaving_nothing(), RelayServer(bounds=bounds) as relay, raw_peer(relay) as peer:
        assert "not signed within 0.05 s" in str(await peer.end())


async def test_the_same_peer_may_register_again() -> None:
    """The newer registration takes the place of the older one, which is told so."""
    async with (
        leaving_nothing(),
        RelayServer(now_ms=lambda: NOW_MS) as relay,
        raw_member(relay, BOB) as old,
        raw_member(relay, ALICE) as alice,
    ):
        await old.say(frames.PublishPresence(presence_of(BOB, NOW_MS)))
        assert isinstance(await alice.next(), frames.PresencePublished)
        async with raw_member(relay, BOB) as new:
            assert "the peer registered again" in str(await old.end())
            assert (relay.counts.listeners, relay.counts.presences) == (2, 1)
            dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id))
            there, here = await answer(relay, await new.next()), await dialing
            await asyncio.gather(here.close(), there.close())
        assert await alice.next() == frames.PresenceWithdrawn(BOB.peer_id)


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"[]", b"\xff\xfe", b'{"type":"nothing"}', b'{"type":"ping"}'], ids=repr
)
@pytest.mark.parametrize("is_registered", [False, True])
async def test_garbage_ends_its_own_registration_only(
    garbage: bytes,
    is_registered: bool,  # noqa: FBT001
) -> None:
    """A frame that is none closes the connection with a reason; others do not notice."""
    async with leaving_nothing(), RelayServer() as relay, raw_member(relay, BOB) as bob:
        async with raw_peer(relay) as bad:
            if is_registered:
                await bad.prove(EVE)
            await bad.pipe.send(garbage)
            error = await bad.end()
            assert error.is_clean
            assert "expected a frame of a registered peer" in str(error)
        dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id))
        there, here = await answer(relay, await bob.next()), await dialing
        await asyncio.gather(here.close(), there.close())


@pytest.mark.parametrize("is_registered", [False, True])
async def test_a_frame_at_the_wrong_time_ends_the_registration(
    is_registered: bool,  # noqa: FBT001
) -> None:
    """First a proof, then anything but a proof."""
    async with leaving_nothing(), RelayServer() as relay, raw_peer(relay) as peer:
        if is_registered:
            await peer.prove(BOB)
            await peer.say(frames.Register(BOB.peer_id, b""))
            assert "registered already" in str(await peer.end())
        else:
            await peer.say(frames.PublishPresence(b""))
            assert "expected the signed challenge" in str(await peer.end())


async def test_a_silent_peer_is_dropped() -> None:
    """Pings that nobody answers end a registration, and with it the presence."""
    bounds = RelayBounds(ping_interval=0.05, ping_timeout=0.05)
    async with (
        leaving_nothing(),
        RelayServer(bounds=bounds) as relay,
        raw_member(relay, BOB) as bob,
    ):
        while relay.counts.listeners:  # whoever reads, but answers no ping
            try:
                await bob.next()
            except PipeClosedError:
                break
        await eventually(lambda: relay.counts.listeners == 0, SECONDS)


async def test_a_killed_peer_is_registered_no_more() -> None:
    """SIGKILL of a registered process ends its registration at once."""
    async with (
        leaving_nothing(),
        RelayServer() as relay,
        running_program(_REGISTERS, relay.url) as program,
    ):
        await eventually(lambda: relay.counts.listeners == 1, SECONDS)
        program.send_signal(signal.SIGKILL)
        await eventually(lambda: relay.counts.listeners == 0, SECONDS)


# --- presences -----------------------------------------------------------------------------------


async def test_presences_reach_those_who_are_there_and_those_who_come_later() -> None:
    """The newest of each peer, as it was signed; its withdrawal when its registration ends."""
    async with (
        leaving_nothing(),
        RelayServer(now_ms=lambda: NOW_MS) as relay,
        raw_member(relay, ALICE) as alice,
    ):
        async with raw_member(relay, BOB) as bob:
            for data in (presence_of(BOB, NOW_MS), presence_of(BOB, NOW_MS + 1, "Bob")):
                await bob.say(frames.PublishPresence(data))
                assert await alice.next() == frames.PresencePublished(BOB.peer_id, data)
            await bob.say(frames.PublishPresence(presence_of(BOB, NOW_MS)))  # an older one
            await bob.say(frames.Ping(b"1"))
            while await bob.next() != frames.Pong(b"1"):
                pass
            async with raw_peer(relay) as eve:
                await eve.prove(EVE)
                assert await eve.next() == frames.Registered()
                assert await eve.next() == frames.PresencePublished(BOB.peer_id, data)
                assert await eve.next() == frames.PresencesComplete()
        assert await alice.next() == frames.PresenceWithdrawn(BOB.peer_id)
        assert relay.counts.presences == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (presence_of(EVE, NOW_MS), "publish your own"),
        (presence_of(BOB, NOW_MS)[:-1] + b" ", "presence"),
        (presence_of(BOB, NOW_MS - 7_200_000), "presence"),
        (b"", "presence"),
    ],
    ids=["another's", "changed", "over", "empty"],
)
async def test_a_presence_that_does_not_hold_is_refused(data: bytes, words: str) -> None:
    """Its publisher learns why and stays registered; nobody else hears of it."""
    async with (
        leaving_nothing(),
        RelayServer(now_ms=lambda: NOW_MS) as relay,
        raw_member(relay, BOB) as bob,
    ):
        await bob.say(frames.PublishPresence(data))
        refused = await bob.next()
        assert isinstance(refused, frames.PresenceRefused)
        assert words in refused.reason
        assert (relay.counts.listeners, relay.counts.presences) == (1, 0)


async def test_a_presence_that_is_over_is_swept() -> None:
    """From its last millisecond on it is neither counted nor told."""
    now = NOW_MS
    async with (
        leaving_nothing(),
        RelayServer(now_ms=lambda: now) as relay,
        raw_member(relay, BOB) as bob,
    ):
        await bob.say(frames.PublishPresence(presence_of(BOB, NOW_MS)))
        await bob.next()
        assert relay.counts.presences == 1
        now += 3_600_000
        assert relay.counts.presences == 0
        async with raw_peer(relay) as alice:
            await alice.prove(ALICE)
            assert await alice.next() == frames.Registered()
            assert await alice.next() == frames.PresencesComplete()


# --- bounds --------------------------------------------------------------------------------------


async def test_one_listener_more_than_the_bound_is_refused() -> None:
    """The newcomer learns why; whoever is registered may register again."""
    async with (
        leaving_nothing(),
        RelayServer(bounds=RelayBounds(max_listeners=2)) as relay,
        raw_member(relay, BOB),
        raw_member(relay, ALICE),
    ):
        with pytest.raises(DialError, match="has 2 registered peers already, the most"):
            async with raw_peer(relay):
                pass


async def test_listeners_that_prove_themselves_at_once_are_bounded_too() -> None:
    """What counts is who is registered when the proof has come."""
    async with (
        leaving_nothing(),
        RelayServer(bounds=RelayBounds(max_listeners=1)) as relay,
        raw_peer(relay) as bob,
        raw_peer(relay) as alice,
    ):
        await bob.prove(BOB)
        assert isinstance(await bob.next(), frames.Registered)
        await alice.prove(ALICE)
        assert "has 1 registered peers already" in str(await alice.end())


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (RelayBounds(max_circuits_per_peer=1), "has 1 circuits already"),
        (RelayBounds(max_circuits=1), "the relay has 1 circuits already"),
    ],
)
async def test_one_circuit_more_than_the_bound_is_refused(bounds: RelayBounds, words: str) -> None:
    """A circuit that waits for its answer counts; room comes back when it ends."""
    async with (
        leaving_nothing(),
        RelayServer(bounds=bounds) as relay,
        raw_member(relay, BOB) as bob,
    ):
        for _ in range(2):
            dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id))
            wanted = await bob.next()
            with pytest.raises(DialError, match=words):
                await dial_circuit(relay, BOB.peer_id)
            there, here = await answer(relay, wanted), await dialing
            with pytest.raises(DialError, match=words):
                await dial_circuit(relay, BOB.peer_id)
            await asyncio.gather(here.close(), there.close())
            await eventually(lambda: relay.counts.circuits == 0, SECONDS)


async def test_too_many_presences_are_refused() -> None:
    """A peer that publishes faster than the bound learns so, and stays registered."""
    bounds = RelayBounds(presences_per_second=0.1)
    async with (
        leaving_nothing(),
        RelayServer(bounds=bounds, now_ms=lambda: NOW_MS) as relay,
        raw_member(relay, BOB) as bob,
    ):
        for number in range(2):
            await bob.say(frames.PublishPresence(presence_of(BOB, NOW_MS + number)))
        assert isinstance(await bob.next(), frames.PresencePublished)
        refused = await bob.next()
        assert refused == frames.PresenceRefused("more than 0.1 presences per second")
        assert relay.counts.listeners == 1


async def test_a_registered_peer_that_reads_nothing_is_dropped() -> None:
    """Frames for a slow reader are bounded; the others get theirs."""
    bounds = RelayBounds(max_queue=2, sockets=ListenerBounds(send_timeout=60))
    async with (
        leaving_nothing(),
        RelayServer(bounds=bounds) as relay,
        raw_member(relay, BOB) as slow,
        raw_member(relay, ALICE) as alice,
    ):
        pings = asyncio.create_task(_ping_without_end(slow))
        await eventually(lambda: relay.counts.listeners == 1, SECONDS)
        with pytest.raises(PipeClosedError):
            await pings
        await alice.say(frames.Ping(b"alive"))
        assert await alice.next() == frames.Pong(b"alive")


async def _ping_without_end(peer: RawPeer) -> None:
    while True:
        await peer.say(frames.Ping(b"x" * 8_000))


async def test_a_frame_that_is_too_long_ends_its_registration() -> None:
    """A registration carries small frames only, whatever a circuit may carry."""
    async with leaving_nothing(), RelayServer() as relay, raw_member(relay, BOB) as bob:
        raw: Any = bob.pipe
        raw._max_message_bytes = 2 * frames.MAX_FRAME_BYTES  # noqa: SLF001  # a peer that ignores it
        await bob.pipe.send(b" " * (frames.MAX_FRAME_BYTES + 1))
        await bob.end()
        await eventually(lambda: relay.counts.listeners == 0, SECONDS)


async def test_other_paths_are_refused_in_words() -> None:
    """Whoever dials a relay as if it were a peer learns what it is."""
    async with RelayServer() as relay:
        with pytest.raises(DialError, match="this is a relay of refold"):
            await dial_websocket(relay.url, timeout=SECONDS)


@pytest.mark.parametrize("field", ["max_listeners", "answer_seconds", "ping_interval"])
def test_a_bound_is_above_zero(field: str) -> None:
    """A bound of nothing is a mistake, and the error names it."""
    bounds: Any = RelayBounds
    with pytest.raises(ValueError, match=f"{field} must be above 0, got 0"):
        bounds(**{field: 0})


# --- the end -------------------------------------------------------------------------------------


async def test_closing_the_relay_ends_everything_with_the_reason() -> None:
    """Registrations and circuits are told goodbye; the same relay may listen again."""
    relay = RelayServer()
    async with leaving_nothing():
        await relay.start()
        async with raw_member(relay, BOB) as bob:
            dialing = asyncio.create_task(dial_circuit(relay, BOB.peer_id))
            there, here = await answer(relay, await bob.next()), await dialing
            url = relay.url
            ends = [bob.end(), RawPeer(there, "").end(), RawPeer(here, "").end()]
            errors, _ = await asyncio.gather(asyncio.gather(*ends), relay.close())
            assert {str(error) for error in errors} == {
                "the other end closed the pipe: the relay stops"
            }
        await relay.start()
        assert relay.url == url
        async with registered(url):
            assert relay.counts.listeners == 1
        await relay.close()


def test_a_rate_bound_gives_back_with_time() -> None:
    """A burst, then as many per second as said; names are forgotten once their bucket is full."""
    now = 0.0
    bound = RateBound(2, 4, lambda: now)
    assert [bound.take("a") for _ in range(6)] == [True] * 4 + [False] * 2
    assert bound.take("b")
    now = 0.5
    assert [bound.take("a") for _ in range(2)] == [True, False]
    now = 10.0
    assert bound.take("c")
    assert len(bound) == 1
