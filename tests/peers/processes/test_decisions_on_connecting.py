"""The design's decisions on connecting, between processes, over real loopback sockets.

What belongs here: order, times, attempts, who shares a dial; a test's docstring begins with its
decision.  What does not: what the document says itself, see `test_rows_of_the_document`; dead and
hanging peers, see `test_two_processes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.peers.peer_scene import silent_listener, unused_port
from tests.peers.processes.actor import Actor
from tests.peers.processes.cast import RETRY_BASE_MS, address_at, stranger
from tests.peers.processes.faulty_transport import UNLUCKY
from tests.peers.processes.stage import Stage
from tests.peers.webrtc_scene import needs_aiortc

if TYPE_CHECKING:
    from tests.peers.processes.cast import Cast

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ATTEMPT: Final = "peers/connection_attempt_to_peer_started"
CANCELLED: Final = "peers/connection_to_peer_cancelled"
FAILED: Final = "peers/connection_to_peer_failed"
OPENED: Final = "peers/peer_link_opened"


# --- what a peer does that is told nothing else ---------------------------------------------------


async def test_a_peer_that_sets_nothing_has_the_numbers_of_the_design(cast: Cast) -> None:
    """Decision: direct 3 s, webrtc 10 s, relay 5 s; 3 attempts from 1 s on; 3 at once; 4 links.

    And ping every 5 s, dead after 12.5 s of silence; direct, webrtc, relay.
    """
    ann, _, _ = cast.take("as it comes")
    options = (await ann.ask("itself"))["options"]
    chosen = {
        "order": ["direct", "webrtc", "relay"],
        "direct_timeout": 3.0,
        "webrtc_timeout": 10.0,
        "relay_timeout": 5.0,
        "attempts": 3,
        "retry_base": 1.0,
        "concurrency": 3,
        "keepalive_interval": 5.0,
        "keepalive_timeout": 12.5,
        "max_links_per_peer": 4,
    }
    assert {name: options[name] for name in chosen} == chosen


async def test_the_optional_parts_are_imported_only_where_they_are_used(cast: Cast) -> None:
    """Decision: webrtc is imported only inside the transport; py-libp2p was left out."""
    ann, _, _ = cast.take("without a relay")
    names = ["aiortc", "av", "btclib_secp256k1", "libp2p", "trio", "aiohttp", "cryptography"]
    imported = (await ann.ask("modules", names=names))["imported"]
    assert imported == ["aiohttp", "cryptography"]


# --- order ----------------------------------------------------------------------------------------


@needs_aiortc
async def test_kinds_are_dialled_in_their_order_each_for_its_time() -> None:
    """Decision: **Order**: direct, webrtc, relay; and each address has its own time.

    At no address anybody ever answers, and the presence names them the other way round.
    """
    options = {"direct_timeout": 0.2, "webrtc_timeout": 0.4, "relay_timeout": 0.3, "attempts": 1}
    nobody = stranger()
    async with silent_listener() as silent, Stage() as stage:
        relay = await stage.relay()
        process = await stage.peer(
            "ann", transports=["relay", "webrtc", "direct"], relay=relay.url, options=options
        )
        ann, over_relay = Actor(process), f"/ip4/127.0.0.1/tcp/{silent.port}/ws/p2p-circuit"
        addresses = [
            f"{over_relay}/p2p/{nobody}",
            f"{over_relay}/webrtc/p2p/{nobody}",
            address_at(silent.port, nobody),
        ]
        outcome = await ann.order("connect_at", peer_id=nobody, addresses=addresses)
    assert outcome["error"] == (
        "direct: no answer within 0.2 s; webrtc: no answer within 0.4 s;"
        " relay: no answer within 0.3 s"
    )


async def test_another_order_can_be_chosen(cast: Cast) -> None:
    """Decision: list order, configurable: a peer that puts the relay first dials it first."""
    ann, bob, _ = cast.take("relay first")
    outcome = await ann.order("connect", peer_id=bob.peer_id)
    assert (outcome["connection_type"], outcome["attempts"]) == ("relay", 1)
    assert (await bob.until(OPENED, peer_id=ann.peer_id))["transport"] == "relay"


# --- attempts -------------------------------------------------------------------------------------


async def test_there_are_three_attempts_with_waits_that_double(cast: Cast) -> None:
    """Decision: "3" means 3 attempts in all, waits base · 2^(n-1); the result carries `attempts`.

    The seed's own bug: `lastAttempt` overwritten on every update; it is the last attempt's start.
    """
    ann, bob, _ = cast.take()
    nowhere = [address_at(unused_port(), bob.peer_id)]
    outcome = await ann.order("connect_at", peer_id=bob.peer_id, addresses=nowhere)
    assert (outcome["success"], outcome["attempts"]) == (False, 3)
    began = [told["at_ms"] for told in ann.told(ATTEMPT, peer_id=bob.peer_id)]
    assert len(began) == 3
    assert began[1] - began[0] >= RETRY_BASE_MS
    assert began[2] - began[1] >= 2 * RETRY_BASE_MS
    (failed,) = ann.told(FAILED, peer_id=bob.peer_id)
    assert (failed["attempts"], failed["error"]) == (3, outcome["error"])
    assert (await ann.connection(bob.peer_id))["last_attempt_at_ms"] == began[2]


async def test_what_cannot_succeed_is_not_tried_again(cast: Cast) -> None:
    """Decision: final errors (no dialable address, expired, own id, a wrong key everywhere).

    The seed's own bug: own id and expiry never checked.  Each is one attempt, and told once.
    """
    ann, bob, carol = cast.take()
    nobody, wrong_keys = stranger(), [one.addresses[0].split("/")[4] for one in (bob, carol)]
    over = {"created_at_ms": 1_000, "expires_at_ms": 2_000}
    posing = [address_at(int(port), nobody) for port in wrong_keys]
    expected: list[tuple[dict[str, Any], str]] = [
        ({"peer_id": bob.peer_id, "addresses": []}, "No dialable address"),
        ({"peer_id": carol.peer_id, "addresses": ["", "/ip4"]}, "No dialable address"),
        (
            {"peer_id": stranger(), "addresses": bob.addresses, **over},
            "The presence has expired",
        ),
        (
            {"peer_id": ann.peer_id, "addresses": ann.addresses},
            "A peer cannot connect to itself",
        ),
        ({"peer_id": nobody, "addresses": posing}, bob.peer_id),
    ]
    for presence, words in expected:
        outcome = await ann.order("connect_at", **presence)
        assert (outcome["success"], outcome["attempts"]) == (False, 1)
        assert words in outcome["error"]
        assert len(ann.told(ATTEMPT, peer_id=presence["peer_id"])) == 1
        (failed,) = ann.told(FAILED, peer_id=presence["peer_id"])
        assert failed["error"] == outcome["error"]
    assert ann.told(OPENED) == bob.told(OPENED) == carol.told(OPENED) == []


async def test_a_wrong_key_at_one_of_two_addresses_is_tried_again(cast: Cast) -> None:
    """Decision: final only if every address answered with a wrong key; else the other may come."""
    ann, bob, _ = cast.take()
    nobody, bobs_port = stranger(), int(bob.addresses[0].split("/")[4])
    addresses = [address_at(bobs_port, nobody), address_at(unused_port(), nobody)]
    outcome = await ann.order("connect_at", peer_id=nobody, addresses=addresses)
    assert (outcome["success"], outcome["attempts"]) == (False, 3)


async def test_an_inbound_link_ends_the_wait(cast: Cast) -> None:
    """Decision: an inbound link ends the wait, here of an hour, and is the caller's success."""
    ann, bob, _ = cast.take("retries after an hour")
    nowhere = [address_at(unused_port(), bob.peer_id)]
    waiting = ann.tell("connect_at", peer_id=bob.peer_id, addresses=nowhere)
    await ann.until(ATTEMPT, peer_id=bob.peer_id)
    assert (await bob.order("connect", peer_id=ann.peer_id))["success"]
    assert await ann.outcome_of(waiting) == {
        "success": True,
        "connection_type": "direct",
        "error": None,
        "attempts": 1,
    }
    assert ann.told(FAILED, CANCELLED) == []


# --- many peers -----------------------------------------------------------------------------------


async def test_many_peers_are_dialled_in_a_sliding_window_of_three(cast: Cast) -> None:
    """Decision: `connect_to_multiple_peers`: a sliding window of 3 (not batches).

    The seed's own bug: batches, and hung dials.  The first hangs until it is called off, and all
    others are tried meanwhile.
    """
    ann, _, _ = cast.take()
    first, *others = ids = [stranger() for _ in range(7)]
    async with silent_listener() as silent:
        await ann.order("discover", peer_id=first, addresses=[address_at(silent.port, first)])
        for one in others:
            await ann.order("discover", peer_id=one, addresses=[address_at(unused_port(), one)])
        dialling = ann.tell("connect_many", peer_ids=ids)
        for one in others:
            await ann.until(FAILED, peer_id=one)
        assert (await ann.connection(first))["status"] == "connecting"
        assert most_at_once(ann) == 3
        await ann.order("disconnect", peer_id=first)
        results = (await ann.outcome_of(dialling))["results"]
    assert list(results) == ids
    assert results[first]["error"] == "Disconnected while connecting"
    assert {results[one]["attempts"] for one in others} == {3}


def most_at_once(ann: Actor) -> int:
    """Return how many peers were dialled at the same time, at most."""
    under_way = set[str]()
    most = 0
    for told in ann.told(ATTEMPT, FAILED, CANCELLED, OPENED):
        if told["event"] == ATTEMPT:
            under_way.add(told["peer_id"])
        else:
            under_way.discard(told["peer_id"])
        most = max(most, len(under_way))
    return most


async def test_a_peer_that_is_named_twice_is_dialled_once(cast: Cast) -> None:
    """Decision: ids de-duplicated in order; the seed's own bug: duplicates."""
    ann, bob, carol = cast.take()
    ids = [carol.peer_id, bob.peer_id, carol.peer_id, carol.peer_id, bob.peer_id]
    results = (await ann.order("connect_many", peer_ids=ids))["results"]
    assert list(results) == [carol.peer_id, bob.peer_id]
    for one in (bob, carol):
        assert len(ann.told(ATTEMPT, peer_id=one.peer_id)) == 1
        await one.until(OPENED, peer_id=ann.peer_id)
        assert one.state["links"] == {ann.peer_id: [["direct", True]]}


async def test_each_has_a_result_even_if_one_raises(cast: Cast) -> None:
    """Decision: a result for each even if one raises: a bug of a transport costs others nothing."""
    _, bob, _ = cast.take("without a relay")
    options = {"attempts": 1, "direct_timeout": 30.0}
    async with Stage() as stage:
        process = await stage.peer("ann", transports=["faulty", "direct"], options=options)
        ann, unlucky = Actor(process), stranger()
        await ann.order("discover", peer_id=unlucky, addresses=["there"], nickname=UNLUCKY)
        await ann.order("discover", peer_id=bob.peer_id, addresses=bob.addresses)
        ids = [unlucky, bob.peer_id]
        results = (await ann.order("connect_many", peer_ids=ids))["results"]
        assert list(results) == ids
        assert results[bob.peer_id]["success"]
        assert results[unlucky]["error"] == "webrtc: RuntimeError"
        (complaint,) = process.complaints
        assert complaint["text"] == "the webrtc transport failed in a way of its own"
        process.told.remove(complaint)  # the stage lets no other pass


# --- single flight --------------------------------------------------------------------------------


async def test_callers_who_want_the_same_peer_share_one_dial(cast: Cast) -> None:
    """Decision: **Single flight** per peer: callers join one dial, and have the same result.

    The peer's process hangs until all of them wait.
    """
    ann, bob, _ = cast.take()
    bob.process.hang()
    try:
        callers = [ann.tell("connect", peer_id=bob.peer_id) for _ in range(5)]
        await ann.until(ATTEMPT, peer_id=bob.peer_id)
        assert (await ann.connection(bob.peer_id))["status"] == "connecting"
    finally:
        bob.process.go_on()
    expected = {"success": True, "connection_type": "direct", "error": None, "attempts": 1}
    assert [await ann.outcome_of(caller) for caller in callers] == [expected] * 5
    assert len(ann.told(ATTEMPT, peer_id=bob.peer_id)) == 1
    assert ann.state["links"] == {bob.peer_id: [["direct", False]]}


async def test_the_last_caller_who_is_cancelled_stops_the_dial(cast: Cast) -> None:
    """Decision: cancelling one leaves it, cancelling the last stops it: ``disconnected`` again."""
    ann, bob, _ = cast.take()
    async with silent_listener() as silent:
        dead = [address_at(silent.port, bob.peer_id)]
        first, last = [
            ann.tell("connect_at", peer_id=bob.peer_id, addresses=dead) for _ in range(2)
        ]
        await ann.until(ATTEMPT, peer_id=bob.peer_id)
        await ann.order("cancel", which=first)
        assert await ann.outcome_of(first) == {"is_cancelled": True}
        assert (await ann.connection(bob.peer_id))["status"] == "connecting"
        await ann.order("cancel", which=last)
        await ann.until(CANCELLED, peer_id=bob.peer_id)
        assert await ann.outcome_of(last) == {"is_cancelled": True}
    assert (await ann.connection(bob.peer_id))["status"] == "disconnected"
    assert ann.told(FAILED) == []


async def test_connecting_to_a_connected_peer_returns_at_once(cast: Cast) -> None:
    """Decision: connecting to a connected peer returns at once, from either end, by any way."""
    ann, bob, _ = cast.take()
    await ann.order("connect", peer_id=bob.peer_id)
    await bob.until(OPENED, peer_id=ann.peer_id)
    at_once = {"success": True, "connection_type": "direct", "error": None, "attempts": 0}
    for one, other in ((ann, bob), (bob, ann)):
        presence = {"peer_id": other.peer_id, "addresses": other.addresses}
        assert await one.order("connect", peer_id=other.peer_id) == at_once
        assert await one.order("connect_at", **presence) == at_once
        assert len(one.told(OPENED)) == 1
    assert len(ann.told(ATTEMPT)) == 1
    assert bob.told(ATTEMPT) == []
