"""The design's decisions on what a state says of peers, between processes, over real sockets.

What belongs here: status, presences, the feed, contacts; a test's docstring begins with its
decision.  What does not: how a link comes about, see `test_decisions_on_connecting`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.peers.peer_scene import silent_listener, unused_port
from tests.peers.processes.actor import Actor
from tests.peers.processes.cast import address_at, stranger
from tests.peers.processes.stage import Stage

if TYPE_CHECKING:
    from refold.reducers.peers_state import PeerConnectionState
    from tests.peers.processes.cast import Cast

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ATTEMPT: Final = "peers/connection_attempt_to_peer_started"
CLOSED: Final = "peers/peer_link_closed"
DISCOVERED: Final = "peers/presence_discovered"
FAILED: Final = "peers/connection_to_peer_failed"
OPENED: Final = "peers/peer_link_opened"
SWEPT: Final = "peers/expired_presences_swept"

DAY_MS: Final = 86_400_000
MAX_EVENTS: Final = 200


async def expect(ann: Actor, bob: Actor, status: PeerConnectionState) -> None:
    """Check that all answers about a connection say the same."""
    told = await ann.connection(bob.peer_id)
    is_connected = status == "connected"
    assert told["status"] == status
    assert told["is_connected"] == told["is_among_connected"] == is_connected
    assert told["node_says"] == is_connected
    assert told["connection_type"] == told["node_says_type"]
    assert (told["connection_type"] is not None) == is_connected
    assert (told["error"] is not None) == (status == "failed")


def now_ms() -> int:
    """Return milliseconds since the Unix epoch, by the clock of all processes."""
    return time.time_ns() // 1_000_000


# --- status ---------------------------------------------------------------------------------------


async def test_a_live_link_counts_before_an_attempt_and_that_before_the_last_failure(
    cast: Cast,
) -> None:
    """Decision: connection status is a selector: live link > attempt > failure > disconnected.

    The seed's own bug: getters that disagree with `isPeerConnected`.
    """
    ann, bob, _ = cast.take()
    await expect(ann, bob, "disconnected")
    nowhere = [address_at(unused_port(), bob.peer_id)]
    await ann.order("connect_at", peer_id=bob.peer_id, addresses=nowhere)
    await expect(ann, bob, "failed")
    async with silent_listener() as silent:
        dead = [address_at(silent.port, bob.peer_id)]
        dialling = ann.tell("connect_at", peer_id=bob.peer_id, addresses=dead)
        await cast.stage.until(lambda: len(ann.told(ATTEMPT)) == 4, what="another attempt")
        await expect(ann, bob, "connecting")
        await bob.connect_to(ann)
        assert (await ann.outcome_of(dialling))["success"]
        await expect(ann, bob, "connected")
    await bob.order("disconnect", peer_id=ann.peer_id)
    await ann.until(CLOSED, peer_id=bob.peer_id)
    await expect(ann, bob, "disconnected")


async def test_a_status_is_true_at_both_ends_when_a_link_comes_and_goes(cast: Cast) -> None:
    """The seed's own bug: cached status that goes stale and hides live links.

    Who was dialled has never tried to connect, and failed before; the link counts all the same.
    """
    ann, bob, _ = cast.take()
    nowhere = [address_at(unused_port(), ann.peer_id)]
    await bob.order("connect_at", peer_id=ann.peer_id, addresses=nowhere)
    await expect(bob, ann, "failed")
    for _ in range(2):
        await ann.connect_to(bob)
        await expect(ann, bob, "connected")
        await expect(bob, ann, "connected")
        await ann.order("disconnect", peer_id=bob.peer_id)
        await bob.until(CLOSED, peer_id=ann.peer_id)
        await expect(ann, bob, "disconnected")
        await expect(bob, ann, "disconnected")


async def test_a_connected_peer_that_is_not_online_is_connected(cast: Cast) -> None:
    """The seed's own bug: getters that disagree; whether a peer is online is another question."""
    ann, bob, _ = cast.take("without a relay")
    await ann.connect_to(bob)
    await expect(ann, bob, "connected")
    peers = await ann.ask("online peers")
    assert peers["connected_or_not_online"] == [bob.peer_id]
    assert (peers["online"], peers["connected"], peers["connected_count"]) == ([], [], 0)
    await ann.order("discover", peer_id=bob.peer_id, addresses=bob.addresses)
    peers = await ann.ask("online peers")
    assert (peers["connected"], peers["connected_count"]) == ([bob.peer_id], 1)


async def test_the_last_attempt_stays_when_it_began(cast: Cast) -> None:
    """The seed's own bug: `lastAttempt` overwritten on every update: not by a link, nor its end."""
    ann, bob, _ = cast.take()
    await ann.connect_to(bob)
    (began,) = ann.told(ATTEMPT, peer_id=bob.peer_id)
    assert (await ann.connection(bob.peer_id))["last_attempt_at_ms"] == began["at_ms"]
    assert (await bob.connection(ann.peer_id))["last_attempt_at_ms"] is None
    wait_for_a_time_after(ann.told(OPENED)[0]["at_ms"])
    await ann.order("disconnect", peer_id=bob.peer_id)
    assert (await ann.connection(bob.peer_id))["last_attempt_at_ms"] == began["at_ms"]


def wait_for_a_time_after(at_ms: int) -> None:
    """Return in a later millisecond, the next at the latest, so that two times differ."""
    while now_ms() <= at_ms:
        pass


# --- presences ------------------------------------------------------------------------------------


async def test_a_refreshed_presence_keeps_the_status_and_an_old_one_is_swept() -> None:
    """Decision: expired presences are swept; a link outlives the presence of its peer.

    The seed's own bug: a refreshed presence that wipes its connection status.
    """
    async with Stage() as stage:
        setup = {"transports": ["direct", "relay"], "relay": (await stage.relay()).url}
        short = {**setup, "about": {"nickname": "bob", "lifetime_seconds": 2.0}}
        ann, bob = map(
            Actor, await asyncio.gather(stage.peer("ann", **setup), stage.peer("bob", **short))
        )
        first = await ann.until(DISCOVERED)
        await ann.connect_to(bob)
        before = await ann.connection(bob.peer_id)
        second = await ann.until(DISCOVERED)
        created = [told["presence"]["created_at_ms"] for told in (first, second)]
        assert created[0] < created[1]
        assert await ann.connection(bob.peer_id) == before
        assert (await ann.ask("online peers"))["connected"] == [bob.peer_id]

        bob.process.hang()  # it publishes no more, and its socket stays
        while (await ann.ask("online peers"))["online"]:
            await ann.until(SWEPT)
        assert await ann.connection(bob.peer_id) == before
        bob.process.go_on()


async def test_the_newest_presence_counts(cast: Cast) -> None:
    """Decision: the newest by `(created_at, expires_at)` wins, in whatever order they come."""
    ann, _, _ = cast.take("without a relay")
    nobody, made = stranger(), now_ms()
    for created, lasts, nickname, counts in (
        (made, 60_000, "first", True),
        (made - 1, 90_000, "older", False),
        (made, 60_000, "as old", False),
        (made, 60_001, "lasts longer", True),
        (made + 1, 50_000, "newer", True),
        (made, 70_000, "late", False),
    ):
        times = {"created_at_ms": created, "expires_at_ms": created + lasts}
        presence = {"peer_id": nobody, "nickname": nickname, **times}
        await ann.order("discover", addresses=[], **presence)
        told = (await ann.ask("presence", peer_id=nobody))["presence"]
        assert (told["nickname"] == nickname) == counts


async def test_a_presence_that_is_over_or_holds_too_long_is_refused(cast: Cast) -> None:
    """Decision: lifetime at most 24 h, own id dropped, expired ones refused."""
    ann, bob, _ = cast.take("without a relay")
    now = now_ms()
    for peer_id, created, expires, is_taken in (
        (stranger(), now, now + DAY_MS, True),
        (stranger(), now, now + DAY_MS + 1, False),
        (stranger(), now - 2_000, now - 1_000, False),
        (stranger(), now, now, False),
        (ann.peer_id, now, now + 60_000, False),
        (bob.peer_id, now, now + 60_000, True),
    ):
        presence = {"peer_id": peer_id, "created_at_ms": created, "expires_at_ms": expires}
        await ann.order("discover", addresses=bob.addresses, **presence)
        told = await ann.ask("presence", peer_id=peer_id)
        assert (told["presence"] is not None) == is_taken
        assert (told["connection"] is not None) == is_taken


# --- the activity feed ----------------------------------------------------------------------------


async def test_the_feed_tells_a_connection_from_its_beginning_to_its_end(cast: Cast) -> None:
    """Decision: **Activity feed**: `info`, `peer_joined`, `peer_left`, `error`, with the full id.

    The seed's own bug: `connectToPresence` defined twice (the later wins): each is told once.
    """
    ann, bob, _ = cast.take()
    await ann.connect_to(bob)
    await ann.order("disconnect", peer_id=bob.peer_id)
    await bob.until(CLOSED, peer_id=ann.peer_id)
    nowhere = [address_at(unused_port(), bob.peer_id)]
    await ann.order("connect_at", peer_id=bob.peer_id, addresses=nowhere)
    (failed,) = ann.told(FAILED, peer_id=bob.peer_id)
    name = f"peer {bob.number}"
    assert await ann.activity(bob.peer_id) == [
        ("info", f"Connecting to {name}..."),
        ("peer_joined", f"Connected to {name}... via direct"),
        ("peer_left", f"Disconnected from {name}...: disconnected"),
        ("info", f"Connecting to {name}..."),
        ("error", f"Failed to connect to {name}...: {failed['error']}"),
    ]
    assert await bob.activity(ann.peer_id) == [
        ("peer_joined", f"Connected to {name}... via direct"),
        ("peer_left", f"Disconnected from {name}...: the peer left: disconnected"),
    ]


async def test_the_feed_is_bounded(cast: Cast) -> None:
    """Decision: bounded at 200, the oldest go; the seed's own bug: an unbounded feed."""
    ann, bob, _ = cast.take("without a relay")
    strangers = [f"stranger {number}" for number in range(MAX_EVENTS + 30)]
    await ann.order("connect_many", peer_ids=strangers)
    await ann.connect_to(bob)
    events: list[dict[str, Any]] = (await ann.ask("activity"))["events"]
    assert len(events) == MAX_EVENTS
    numbers = [one["number"] for one in events]
    assert numbers == list(range(33, 33 + MAX_EVENTS))  # two more are of Bob
    assert [one["peer_id"] for one in events[:-2]] == strangers[32:]
    assert events[-1]["type"] == "peer_joined"


# --- contacts -------------------------------------------------------------------------------------


async def test_a_contact_is_seen_when_a_link_opens_and_when_it_speaks(cast: Cast) -> None:
    """Decision: **Contacts**: `last_seen` on any `link_up`, inbound too, and on the last message.

    An unknown contact is a no-op: who dials and speaks does not become one.
    """
    ann, bob, carol = cast.take()
    await ann.order("add_contact", peer_id=bob.peer_id, nickname="bob at home")
    for one in (bob, carol):
        await one.connect_to(ann)
    (opened,) = ann.told(OPENED, peer_id=bob.peer_id)
    assert await last_seen(ann) == {bob.peer_id: opened["at_ms"]}
    wait_for_a_time_after(opened["at_ms"])
    for one in (bob, carol):
        await one.order("send", peer_id=ann.peer_id, notes=["hello"])
        await ann.until("note", peer_id=one.peer_id)
    seen = await last_seen(ann)
    assert list(seen) == [bob.peer_id]
    assert opened["at_ms"] < seen[bob.peer_id] <= now_ms()
    assert await last_seen(bob) == {}


async def last_seen(ann: Actor) -> dict[str, int]:
    """Return when she last saw each of her contacts."""
    contacts: dict[str, dict[str, Any]] = (await ann.ask("contacts"))["contacts"]
    return {one: contact["last_seen_at_ms"] for one, contact in contacts.items()}
