"""Two peers in two processes, over real sockets on loopback, by each kind of transport.

What belongs here: what one of them sees of the other.  What does not: many peers, and deaths at any
time.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.peers.processes.stage import PATIENCE, PeerProcess, RelayProcess, Stage
from tests.peers.webrtc_scene import needs_aiortc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

pytestmark = pytest.mark.timeout(120)

KINDS: Final = ("direct", "relay", pytest.param("webrtc", marks=needs_aiortc))

KEEPALIVE: Final[dict[str, Any]] = {
    "keepalive_interval": 1.0,
    "keepalive_timeout": 2.5,
    "direct_timeout": PATIENCE,
    "relay_timeout": PATIENCE,
    "webrtc_timeout": PATIENCE,
}
"""Of `PeerOptions`, in seconds; a busy machine shall not make a peer fall back."""

BOUND: Final = KEEPALIVE["keepalive_timeout"] + 10
"""Seconds in which keepalive finds a death; most are for a machine that does other things."""

SETUPS: Final[dict[str, dict[str, Any]]] = {
    "direct": {"transports": ["direct", "relay"], "options": {**KEEPALIVE, "order": ["direct"]}},
    "relay": {"transports": ["relay"]},  # without a listener of its own
    "webrtc": {"transports": ["webrtc", "relay"], "options": {**KEEPALIVE, "order": ["webrtc"]}},
}
"""A peer that dials by one kind only; all have the relay, on which they find each other."""

OPENED: Final = "peers/peer_link_opened"
CLOSED: Final = "peers/peer_link_closed"


@asynccontextmanager
async def two_peers(
    kind: str, **options: Any
) -> AsyncGenerator[tuple[Stage, PeerProcess, PeerProcess]]:
    """Start two peers of a kind, which know of each other; nobody is connected."""
    setup = {"options": KEEPALIVE, **SETUPS[kind]}
    setup["options"] = {**setup["options"], **options}
    async with Stage() as stage:
        relay = await stage.relay()
        setup["relay"] = relay.url
        ann, bob = await asyncio.gather(stage.peer("ann", **setup), stage.peer("bob", **setup))
        await see_each_other(stage, ann, bob)
        yield stage, ann, bob


async def see_each_other(stage: Stage, ann: PeerProcess, bob: PeerProcess) -> None:
    """Wait until each of two peers is online for the other."""
    await stage.until(
        lambda: ann.online == {bob.peer_id} and bob.online == {ann.peer_id},
        what="each being online for the other",
    )


async def connect(ann: PeerProcess, bob: PeerProcess, kind: str) -> None:
    """Let Ann dial Bob, and wait until both have the link."""
    outcome = await ann.ask("connect", peer_id=bob.peer_id)
    assert outcome["success"], outcome["error"]
    assert outcome["connection_type"] == kind
    await ann.until(OPENED, peer_id=bob.peer_id, transport=kind, is_inbound=False)
    await bob.until(OPENED, peer_id=ann.peer_id, transport=kind, is_inbound=True)


async def exchange_notes(ann: PeerProcess, bob: PeerProcess, about: str) -> None:
    """Send some notes each way at once, and check that each arrives, in order."""
    notes = [f"{about} {number}" for number in range(20)]
    await asyncio.gather(
        ann.ask("send", peer_id=bob.peer_id, notes=notes),
        bob.ask("send", peer_id=ann.peer_id, notes=notes),
    )
    for sender, reader in ((ann, bob), (bob, ann)):
        came = [await reader.until("note", peer_id=sender.peer_id) for _ in notes]
        assert [one["note"] for one in came] == notes


# --- connect, messages, clean stop ----------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_each_of_two_processes_dials_the_other_and_is_told_when_it_stops(kind: str) -> None:
    """Decision: `direct` and `relay` in the base install, extra `[webrtc]`; BYE on a clean stop.

    Either end may dial, both name the transport, notes go both ways, and a stop is seen.
    """
    async with two_peers(kind) as (stage, ann, bob):
        await connect(ann, bob, kind)
        await exchange_notes(ann, bob, "ann dialled")
        await ann.ask("disconnect", peer_id=bob.peer_id)
        told = await bob.until(CLOSED, peer_id=ann.peer_id)
        assert told["reason"].startswith("the peer left")
        told = await ann.until(CLOSED, peer_id=bob.peer_id)
        assert told["reason"] == "disconnected"
        await stage.until(lambda: not ann.links and not bob.links)

        await connect(bob, ann, kind)
        await exchange_notes(ann, bob, "bob dialled")
        left = await bob.stop()
        assert (left["tasks"], left["descriptors"]) == ([], [])
        told = await ann.until(CLOSED, peer_id=bob.peer_id)
        assert told["reason"].startswith("the peer left")
        await stage.until(lambda: not ann.links and not ann.online, what="bob being gone")
        left = await ann.stop()
        assert (left["tasks"], left["descriptors"]) == ([], [])


# --- death and hang -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_a_killed_process_is_seen_and_met_again_when_it_is_back(
    kind: str, tmp_path: Path
) -> None:
    """Decision: **keepalive**, and a peer id is that of a key, which a file keeps for a new life.

    A kill -9 is seen, at the latest by keepalive; then it is the same peer.  The newer presence,
    with its new addresses, takes the place of the old one.
    """
    async with Stage() as stage:
        relay = await stage.relay()
        setup = {"options": KEEPALIVE, **SETUPS[kind], "relay": relay.url}
        kept = {**setup, "identity": tmp_path / "bob.pem"}
        ann, bob = await asyncio.gather(stage.peer("ann", **setup), stage.peer("bob", **kept))
        await see_each_other(stage, ann, bob)
        await connect(ann, bob, kind)
        await bob.kill()
        told = await ann.until(CLOSED, peer_id=bob.peer_id, within=BOUND)
        assert not told["reason"].startswith("the peer left")
        await stage.until(lambda: not ann.links and not ann.online, what="bob being gone")

        again = await stage.peer("bob again", **kept)
        assert again.peer_id == bob.peer_id
        await see_each_other(stage, ann, again)
        await connect(ann, again, kind)
        await exchange_notes(ann, again, "in another life")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_process_that_hangs_is_found_by_keepalive_and_may_go_on_later(kind: str) -> None:
    """Decision: **keepalive** on every transport: a ping every so often, dead after silence.

    Silence for the keepalive's timeout ends a link; both ends agree after the hang.
    """
    async with two_peers(kind) as (stage, ann, bob):
        await connect(ann, bob, kind)
        await exchange_notes(ann, bob, "before")
        bob.hang()
        told = await ann.until(CLOSED, peer_id=bob.peer_id, within=BOUND)
        assert told["reason"] == "the peer was silent for 2.5 s"
        bob.go_on()
        await bob.until(CLOSED, peer_id=ann.peer_id)
        await stage.until(lambda: not ann.links and not bob.links)
        await see_each_other(stage, ann, bob)
        await connect(bob, ann, kind)
        await exchange_notes(ann, bob, "after")


async def test_a_short_hang_ends_no_link() -> None:
    """Decision: **keepalive**: who hangs for less than its timeout keeps its link and messages."""
    async with two_peers("direct", keepalive_interval=5.0, keepalive_timeout=60.0) as (_, ann, bob):
        await connect(ann, bob, "direct")
        bob.hang()
        await ann.ask("send", peer_id=bob.peer_id, notes=["while you slept"])
        bob.go_on()
        await bob.until("note", peer_id=ann.peer_id, note="while you slept")
        assert ann.links
        assert bob.links


# --- fallback -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["refuses", "never answers"])
async def test_a_dead_direct_address_is_left_for_the_relay_and_the_link_is_named_after_it(
    how: str,
) -> None:
    """Decision: the type is that of the transport that dialled, never guessed from the address.

    It is in the result, and in the state of both.  The seed's own bug: a relayed link labelled
    `direct`.
    """
    options = {**KEEPALIVE, "direct_timeout": 0.5}
    with socket.create_server(("127.0.0.1", 0)) as dead:  # it accepts, and says nothing
        port = dead.getsockname()[1]
        if how == "refuses":
            dead.close()
        async with Stage() as stage:
            relay = await stage.relay()
            setup = {"transports": ["direct", "relay"], "relay": relay.url, "options": options}
            ann, bob = await asyncio.gather(stage.peer("ann", **setup), stage.peer("bob", **setup))
            over_relay = next(one for one in bob.addresses[0] if "p2p-circuit" in one)
            gone = f"/ip4/127.0.0.1/tcp/{port}/ws/p2p/{bob.peer_id}"
            outcome = await ann.ask("connect_at", peer_id=bob.peer_id, addresses=[gone, over_relay])
            assert (outcome["success"], outcome["connection_type"]) == (True, "relay")
            told = await ann.until(OPENED, peer_id=bob.peer_id)
            assert told["transport"] == "relay"
            told = await bob.until(OPENED, peer_id=ann.peer_id)
            assert told["transport"] == "relay"
            await exchange_notes(ann, bob, "over the relay")


async def test_a_live_direct_address_comes_before_the_relay() -> None:
    """Decision: **order**: direct before relay, in whatever order the transports were given."""
    async with Stage() as stage:
        relay = await stage.relay()
        setup = {"transports": ["relay", "direct"], "relay": relay.url}
        ann, bob = await asyncio.gather(stage.peer("ann", **setup), stage.peer("bob", **setup))
        await see_each_other(stage, ann, bob)
        await connect(ann, bob, "direct")


async def test_a_peer_that_nobody_can_reach_fails_with_the_reason() -> None:
    """Decision: **retry**: 3 attempts in all; then the result and the action say why."""
    async with two_peers("direct", retry_base=0.05) as (_, ann, bob):
        await bob.kill()
        outcome = await ann.ask("connect_at", peer_id=bob.peer_id, addresses=bob.addresses[0])
        assert not outcome["success"]
        assert outcome["attempts"] == 3
        told = await ann.until("peers/connection_to_peer_failed", peer_id=bob.peer_id)
        assert told["error"] == outcome["error"]
        assert "127.0.0.1" in told["error"]


# --- coming back ----------------------------------------------------------------------------------


async def test_peers_find_each_other_again_when_their_relay_was_killed_and_is_back() -> None:
    """Decision: both ends connect to our relay, `refold relay`; after its death to the next one."""
    async with two_peers("relay", retry_base=0.05) as (stage, ann, bob):
        await connect(ann, bob, "relay")
        relay = next(one for one in stage.programs if isinstance(one, RelayProcess))
        await relay.kill()
        for one, other in ((ann, bob), (bob, ann)):
            await one.until(CLOSED, peer_id=other.peer_id)
        outcome = await ann.ask("connect", peer_id=bob.peer_id)
        assert not outcome["success"]
        assert outcome["error"]

        again = await stage.relay(int(relay.url.rpartition(":")[2]))
        assert again.url == relay.url
        await come_back(stage, ann, bob)
        await exchange_notes(ann, bob, "by the new relay")
        carol = await stage.peer("carol", transports=["relay"], relay=again.url)
        await stage.until(
            lambda: carol.online == {ann.peer_id, bob.peer_id},
            what="presences published again to the new relay",
        )


async def come_back(stage: Stage, ann: PeerProcess, bob: PeerProcess) -> None:
    """Dial until it succeeds: nothing tells one peer when the other is registered again."""
    async with asyncio.timeout(PATIENCE):
        while not (await ann.ask("connect", peer_id=bob.peer_id))["success"]:
            pass
    await stage.until(lambda: ann.links and bob.links, what="a link at both ends")
