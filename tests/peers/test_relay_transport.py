"""`RelayTransport`: registrations that come back, circuits, and who is there."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.errors import AuthenticationError, DialError, PipeClosedError
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.presences_of_relays import PresencesOfRelays
from refold.middleware.peer_network.relay_membership import MembershipOptions
from refold.middleware.peer_network.relay_server import RelayServer
from refold.middleware.peer_network.relay_transport import RelayTransport
from refold.reducers.backoff_delay import Backoff
from tests.connection.sockets.running import eventually
from tests.peers.transport_scene import (
    FAST,
    NOW_MS,
    SECONDS,
    leaving_nothing,
    listening,
    presence_of,
    registered,
    running_program,
)

if TYPE_CHECKING:
    from refold.middleware.peer_network.secure_channel import SecureChannel

ALICE, BOB, EVE = (PeerIdentity.from_seed(bytes([number]) * 32) for number in (1, 2, 3))

_RELAY = """
import asyncio, sys
from refold.middleware.peer_network.relay_server import RelayServer
async def main():
    async with RelayServer(port=int(sys.argv[1])) as relay:
        print(relay.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_two_peers_talk_over_a_relay_up_to_one_mebibyte() -> None:
    """Each end learns the other's id, whole messages of any size go both ways, a close is clean."""
    async with leaving_nothing(), RelayServer() as relay, registered(relay.url, BOB) as (bob, _):
        there = await RelayTransport(ALICE).dial(bob.address, BOB.peer_id)
        here = await bob.next_channel()
        assert (there.peer_id, here.peer_id) == (BOB.peer_id, ALICE.peer_id)
        for source, sink in ((there, here), (here, there)):
            for message in (b"", b"hello", b"x" * 2**20):
                await source.send(message)
                assert await sink.receive() == message
        closing = asyncio.create_task(there.close())
        assert (await _end_of(here)).is_clean
        await asyncio.gather(here.close(), closing)
        await eventually(lambda: relay.counts.circuits == 0, SECONDS)


async def _end_of(channel: SecureChannel) -> PipeClosedError:
    async with asyncio.timeout(SECONDS):
        with pytest.raises(PipeClosedError) as raised:
            await channel.receive()
    return raised.value


async def test_a_relay_cannot_pass_somebody_off_as_another() -> None:
    """A relay that leads a dialler to the wrong peer: AuthenticationError."""
    async with leaving_nothing(), RelayServer() as relay, registered(relay.url, EVE):
        dishonest = relay._registrations  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        table = dishonest._registered  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        table[BOB.peer_id] = table[EVE.peer_id]
        alice = RelayTransport(ALICE)
        with pytest.raises(AuthenticationError):
            await alice.dial_circuit(relay.url, BOB.peer_id)
        del table[BOB.peer_id]


async def test_a_peer_that_is_not_registered_is_a_dial_error_with_the_reason() -> None:
    """The relay's words are in it, and the relay's address."""
    async with RelayServer() as relay:
        alice = RelayTransport(ALICE, relay.url)
        with pytest.raises(DialError, match="not registered at this relay") as raised:
            await alice.dial(RelayTransport(BOB, relay.url).addresses()[0], BOB.peer_id)
        assert relay.url in str(raised.value)


async def test_a_registration_comes_back_when_the_relay_restarts() -> None:
    """After each restart the peer can be dialled again, and its presence is there again."""
    relay = RelayServer(now_ms=lambda: NOW_MS)
    async with leaving_nothing():
        await relay.start()
        async with registered(relay.url, BOB) as (bob, transport):
            transport.publish_presence(presence_of(BOB, NOW_MS))
            for number in range(2, 4):
                await eventually(lambda: relay.counts.presences == 1, SECONDS)
                await relay.close()
                membership = transport.memberships[0]
                await eventually(lambda: not membership.is_registered, SECONDS)  # noqa: B023
                await relay.start()
                await eventually(lambda: membership.registrations == number, SECONDS)  # noqa: B023
                there = await RelayTransport(ALICE).dial(bob.address, BOB.peer_id)
                here = await bob.next_channel()
                await asyncio.gather(here.close(), there.close())
        await relay.close()


async def test_a_relay_that_is_killed_and_started_again_is_found_again() -> None:
    """SIGKILL of the relay's process is seen; a new one at the same port gets the registration."""
    async with leaving_nothing():
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        async with running_program(_RELAY, str(port)) as first:
            assert first.stdout is not None
            url = (await first.stdout.readline()).decode().strip()
            async with registered(url, BOB) as (bob, transport):
                there = await RelayTransport(ALICE).dial(bob.address, BOB.peer_id)
                here = await bob.next_channel()
                first.send_signal(signal.SIGKILL)
                assert not (await _end_of(here)).is_clean
                assert not (await _end_of(there)).is_clean
                here.abort()
                there.abort()
                async with running_program(_RELAY, str(port)):
                    membership = transport.memberships[0]
                    await eventually(lambda: membership.registrations == 2, SECONDS)


async def test_a_relay_that_is_away_does_not_hold_up_listening() -> None:
    """Listening returns once the relay was tried; the address is advertised, for it may come."""
    relay = RelayServer()
    await relay.start()
    url = relay.url
    await relay.close()
    async with leaving_nothing():
        transport = RelayTransport(BOB, url, options=FAST)
        async with listening(transport) as bob:
            assert not transport.memberships[0].is_registered
            assert "cannot be reached" in transport.memberships[0].last_failure
            assert bob.address.endswith(f"/ws/p2p-circuit/p2p/{BOB.peer_id}")
            await relay.start()
            await eventually(lambda: relay.counts.listeners == 1, SECONDS)
        await relay.close()


async def test_a_relay_that_hangs_is_given_up() -> None:
    """One that takes connections and says nothing, from the start or later, is tried again."""
    options = MembershipOptions(
        backoff=Backoff(initial_seconds=0.01, floor_seconds=0.01, cap_seconds=0.01),
        dial_timeout=0.05,
        ping_interval=0.05,
        ping_timeout=0.05,
    )
    async with leaving_nothing():
        with socket.create_server(("127.0.0.1", 0)) as silent:
            transport = RelayTransport(
                BOB, f"ws://127.0.0.1:{silent.getsockname()[1]}", options=options
            )
            async with listening(transport):
                assert "did not answer within 0.05 s" in transport.memberships[0].last_failure
        async with running_program(_RELAY, "0") as program:
            assert program.stdout is not None
            url = (await program.stdout.readline()).decode().strip()
            transport = RelayTransport(BOB, url, options=options)
            async with listening(transport):
                membership = transport.memberships[0]
                await eventually(lambda: membership.is_registered, SECONDS)
                program.send_signal(signal.SIGSTOP)
                await eventually(lambda: not membership.is_registered, SECONDS)
                program.send_signal(signal.SIGCONT)
                await eventually(lambda: membership.is_registered, SECONDS)


async def test_channels_outlive_the_transport() -> None:
    """Leaving the relay ends the registration, not the channels that were given away."""
    async with leaving_nothing(), RelayServer() as relay:
        async with registered(relay.url, BOB) as (bob, _):
            there = await RelayTransport(ALICE).dial(bob.address, BOB.peer_id)
            here = await bob.next_channel()
        await eventually(lambda: relay.counts.listeners == 0, SECONDS)
        await there.send(b"still here")
        assert await here.receive() == b"still here"
        await asyncio.gather(here.close(), there.close())


async def test_signalling_goes_to_another_listener_than_links() -> None:
    """A circuit for signalling reaches who asked for those; nobody asked: it is broken."""
    async with (
        leaving_nothing(),
        RelayServer() as relay,
        registered(relay.url, BOB) as (bob, transport),
    ):
        alice = RelayTransport(ALICE)
        there = await alice.dial_circuit(relay.url, BOB.peer_id, purpose="signalling")
        assert not (await _end_of(there)).is_clean
        signalled: asyncio.Queue[SecureChannel] = asyncio.Queue()
        transport.on_signalling(signalled.put_nowait)
        there = await alice.dial_circuit(relay.url, BOB.peer_id, purpose="signalling")
        here = await signalled.get()
        assert bob.came.empty()
        await asyncio.gather(here.close(), there.close())


async def test_dialable_are_relay_addresses_own_relays_first() -> None:
    """Addresses of another kind or another peer are skipped."""
    own = f"/ip4/127.0.0.1/tcp/4001/ws/p2p-circuit/p2p/{BOB.peer_id}"
    foreign = f"/dns/relay.example/tcp/443/wss/p2p/{EVE.peer_id}/p2p-circuit/p2p/{BOB.peer_id}"
    others = [
        "nonsense",
        f"/ip4/127.0.0.1/tcp/4001/ws/p2p/{BOB.peer_id}",
        f"/ip4/127.0.0.1/tcp/4001/ws/p2p-circuit/p2p/{EVE.peer_id}",
        f"/ip4/127.0.0.1/tcp/4001/ws/p2p-circuit/webrtc/p2p/{BOB.peer_id}",
    ]
    presence = Presence(BOB.peer_id, pvector([foreign, *others, own]), 0, 1)
    alice = RelayTransport(ALICE, "ws://127.0.0.1:4001")
    assert alice.dialable(presence) == [own, foreign]
    with pytest.raises(DialError, match="is no address over a relay"):
        await alice.dial(others[1], BOB.peer_id)


@pytest.mark.parametrize(
    "url",
    ["", "relay", "http://relay:1", "ws://", "ws://h:1/path", "ws://h:1?x=1", "ws://0.0.0.0:1"],
)
def test_what_is_no_relay_is_refused_when_it_is_given(url: str) -> None:
    """The ValueError repeats it, and says how one looks."""
    with pytest.raises(ValueError, match="expected ws://HOST:PORT"):
        RelayTransport(BOB, url)


def test_default_ports_are_those_of_the_web() -> None:
    """Without a port, ws is at 80 and wss at 443; one relay named twice is one relay."""
    transport = RelayTransport(BOB, "ws://relay.example", "wss://relay.example/")
    ends = [address.split("/p2p-circuit")[0] for address in transport.addresses()]
    assert ends == ["/dns/relay.example/tcp/80/ws", "/dns/relay.example/tcp/443/wss"]
    assert len(RelayTransport(BOB, "ws://h:1", "ws://h:1/").memberships) == 1


# --- presences -----------------------------------------------------------------------------------


async def test_presences_come_over_the_relay_and_go_with_the_registration() -> None:
    """Others' presences are told once each, their end too; one's own is not."""
    async with leaving_nothing(), RelayServer() as relay:
        told: list[str] = []
        alice = RelayTransport(ALICE, relay.url, options=FAST)
        alice.on_presence(lambda presence: told.append(presence.nickname), told.append)
        async with listening(alice):
            alice.publish_presence(presence_of(ALICE, _now(), "Alice"))
            async with registered(relay.url, BOB) as (_, bob):
                for name in ("Bob", "Bobby"):
                    bob.publish_presence(presence_of(BOB, _now() + len(name), name))
                    await eventually(lambda: name in told, SECONDS)  # noqa: B023
            await eventually(lambda: BOB.peer_id in told, SECONDS)
        assert told == ["Bob", "Bobby", BOB.peer_id]


def _now() -> int:
    return time.time_ns() // 1_000_000


class Told:
    """What `PresencesOfRelays` tells."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.lines: list[str] = []
        self.presences = PresencesOfRelays(
            ALICE.peer_id,
            lambda: NOW_MS,
            lambda presence: self.lines.append(f"+{presence.nickname}"),
            lambda peer_id: self.lines.append("-" + ("Bob" if peer_id == BOB.peer_id else "Eve")),
        )


def test_a_peer_is_there_while_one_relay_says_so() -> None:
    """Told by two relays: one presence; it goes when the second withdraws it."""
    told = Told()
    bob = presence_of(BOB, NOW_MS, "Bob")
    for relay in ("r1", "r2"):
        told.presences.begin(relay)
        told.presences.add(relay, BOB.peer_id, bob)
        told.presences.complete(relay)
    told.presences.withdraw("r1", BOB.peer_id)
    assert told.lines == ["+Bob"]
    told.presences.withdraw("r2", BOB.peer_id)
    told.presences.withdraw("r2", BOB.peer_id)
    assert told.lines == ["+Bob", "-Bob"]


def test_who_is_left_out_after_a_restart_is_there_no_more() -> None:
    """A relay that begins again tells all that it knows; what it does not repeat is withdrawn."""
    told = Told()
    told.presences.begin("r")
    told.presences.add("r", BOB.peer_id, presence_of(BOB, NOW_MS, "Bob"))
    told.presences.add("r", EVE.peer_id, presence_of(EVE, NOW_MS, "Eve"))
    told.presences.complete("r")
    told.presences.begin("r")
    told.presences.add("r", EVE.peer_id, presence_of(EVE, NOW_MS, "Eve"))
    assert told.lines == ["+Bob", "+Eve"]
    told.presences.complete("r")
    assert told.lines == ["+Bob", "+Eve", "-Bob"]


def test_a_relay_cannot_invent_presences() -> None:
    """Forged, mislabelled, expired ones and one's own are ignored."""
    told = Told()
    bob = presence_of(BOB, NOW_MS, "Bob")
    told.presences.add("r", BOB.peer_id, bob[:-2] + b"x}")
    told.presences.add("r", EVE.peer_id, bob)
    told.presences.add("r", BOB.peer_id, presence_of(BOB, NOW_MS - 7_200_000, "Bob"))
    told.presences.add("r", ALICE.peer_id, presence_of(ALICE, NOW_MS, "Alice"))
    told.presences.withdraw("r", EVE.peer_id)
    assert told.lines == []
