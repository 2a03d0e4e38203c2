"""Each row of the document of the peers' store, between processes, over real loopback sockets.

What belongs here: what the document says; a test's docstring begins with its row.  What does not:
what the design decided beyond it, which the `test_decisions_…` have.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.peers.peer_scene import silent_listener, unused_port
from tests.peers.processes.cast import address_at, stranger

if TYPE_CHECKING:
    from tests.peers.processes.actor import Actor
    from tests.peers.processes.cast import Cast

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

NOT_ONLINE: Final = {
    "success": False,
    "connection_type": "none",
    "error": "Peer not found in online peers",
    "attempts": 0,
}
"""What connecting to a stranger comes to."""

ATTEMPT: Final = "peers/connection_attempt_to_peer_started"
OPENED: Final = "peers/peer_link_opened"


async def hold_a_wallet(*holders: Actor, others: tuple[str, ...] = ()) -> None:
    """Give all a wallet, held by them and by others of whom only the id is known."""
    ids = [*(one.peer_id for one in holders), *others]
    participants = [{"public_key": f"key {at}", "peer_id": one} for at, one in enumerate(ids)]
    wallet = {"id": "house", "name": "the house", "participants": participants}
    for one in holders:
        await one.order("hold", wallet=wallet)


# --- current state, and the state interface -------------------------------------------------------


async def test_a_discovered_presence_is_stored_and_nobody_is_dialled(cast: Cast) -> None:
    """Current state, `_handlePresenceDiscovered`: the own one is left out, the others are stored.

    A peer's next presence takes the place of its first; nobody is connected to by that.
    """
    ann, bob, carol = cast.take()
    online = (await ann.ask("online peers"))["online"]
    assert set(online) == {bob.peer_id, carol.peer_id}
    await ann.order("discover", peer_id=ann.peer_id, addresses=ann.addresses)
    await ann.order("discover", peer_id=bob.peer_id, addresses=[], nickname="bob again")
    assert (await ann.ask("online peers"))["online"] == online
    told = await ann.ask("presence", peer_id=bob.peer_id)
    assert told["presence"]["nickname"] == "bob again"
    assert ann.told(ATTEMPT) == []


async def test_the_state_has_what_the_interface_lists(cast: Cast) -> None:
    """Updated state interface: own id, addresses, connected peers, online peers, events, status."""
    ann, bob, carol = cast.take()
    itself = await ann.ask("itself")
    assert (itself["peer_id"], itself["is_running"]) == (ann.peer_id, True)
    assert itself["addresses"] == ann.addresses
    await ann.connect_to(bob)
    peers = await ann.ask("online peers")
    assert peers["connected_or_not_online"] == [bob.peer_id]
    assert set(peers["online"]) == {bob.peer_id, carol.peer_id}
    assert (await ann.ask("activity"))["events"] != []
    assert (await ann.connection(bob.peer_id))["status"] == "connected"


# --- task 3.1: connecting -------------------------------------------------------------------------


async def test_an_online_peer_is_connected_to_by_its_id(cast: Cast) -> None:
    """Row 3.1, `connectToOnlinePeer`: a peer that is found is dialled, and the type is told."""
    ann, bob, _ = cast.take()
    outcome = await ann.order("connect", peer_id=bob.peer_id)
    assert outcome == {"success": True, "connection_type": "direct", "error": None, "attempts": 1}
    told = await bob.until(OPENED, peer_id=ann.peer_id)
    assert (told["transport"], told["is_inbound"]) == ("direct", True)
    assert ann.state["links"] == {bob.peer_id: [["direct", False]]}


async def test_a_peer_that_is_not_online_is_not_found(cast: Cast) -> None:
    """Row 3.1, `connectToOnlinePeer`: "Peer not found in online peers", and nobody is dialled."""
    ann, bob, _ = cast.take("without a relay")  # Bob runs, but she was never told of him
    assert await ann.order("connect", peer_id=bob.peer_id) == NOT_ONLINE
    assert ann.told(ATTEMPT) == []
    assert bob.told(OPENED) == []


async def test_a_presence_is_connected_to_whether_its_peer_is_online_or_not(cast: Cast) -> None:
    """Row 3.1, `connectToPresence`: a presence in hand is dialled; a failure is a result."""
    ann, bob, carol = cast.take("without a relay")
    outcome = await ann.order("connect_at", peer_id=bob.peer_id, addresses=bob.addresses)
    assert (outcome["success"], outcome["connection_type"]) == (True, "direct")
    await bob.until(OPENED, peer_id=ann.peer_id)
    nowhere = [address_at(unused_port(), carol.peer_id)]
    outcome = await ann.order("connect_at", peer_id=carol.peer_id, addresses=nowhere)
    assert (outcome["success"], outcome["connection_type"]) == (False, "none")
    assert "127.0.0.1" in outcome["error"]
    assert (await ann.ask("online peers"))["online"] == []


async def test_several_peers_have_a_result_each(cast: Cast) -> None:
    """Row 3.1, `connectToMultiplePeers`: the results by peer id, of those not found, too."""
    ann, bob, carol = cast.take()
    nobody = stranger()
    wanted = [bob.peer_id, nobody, carol.peer_id]
    results = (await ann.order("connect_many", peer_ids=wanted))["results"]
    assert list(results) == wanted
    assert results[nobody] == NOT_ONLINE
    for one in (bob, carol):
        assert (results[one.peer_id]["success"], results[one.peer_id]["error"]) == (True, None)
        await one.until(OPENED, peer_id=ann.peer_id, is_inbound=True)


# --- task 3.2: status -----------------------------------------------------------------------------


async def test_the_status_of_a_peer_goes_from_disconnected_to_connected(cast: Cast) -> None:
    """Row 3.2, `peerConnectionStatus`: disconnected, connecting, connected with its type.

    The peer's process hangs while it is dialled, so that the dial takes until it goes on.
    """
    ann, bob, _ = cast.take()
    never = {"status": "disconnected", "connection_type": None, "last_attempt_at_ms": None}
    assert await status(ann, bob.peer_id) == {**never, "error": None}
    bob.process.hang()
    try:
        connecting = ann.tell("connect", peer_id=bob.peer_id)
        began = (await ann.until(ATTEMPT, peer_id=bob.peer_id))["at_ms"]
        now = {"status": "connecting", "connection_type": None, "last_attempt_at_ms": began}
        assert await status(ann, bob.peer_id) == {**now, "error": None}
    finally:
        bob.process.go_on()
    assert (await ann.outcome_of(connecting))["success"]
    now = {"status": "connected", "connection_type": "direct", "last_attempt_at_ms": began}
    assert await status(ann, bob.peer_id) == {**now, "error": None}


async def test_the_status_of_a_peer_that_cannot_be_reached_has_the_error(cast: Cast) -> None:
    """Row 3.2, `peerConnectionStatus`: failed, with its error, and when the last attempt was."""
    ann, bob, _ = cast.take()
    nowhere = [address_at(unused_port(), bob.peer_id)]
    outcome = await ann.order("connect_at", peer_id=bob.peer_id, addresses=nowhere)
    last = ann.told(ATTEMPT, peer_id=bob.peer_id)[-1]
    assert await status(ann, bob.peer_id) == {
        "status": "failed",
        "connection_type": None,
        "last_attempt_at_ms": last["at_ms"],
        "error": outcome["error"],
    }


async def test_the_status_and_whether_a_peer_is_connected_agree(cast: Cast) -> None:
    """Row 3.2, `getPeerConnectionStatus` and `isPeerConnected`: one answer, whoever dialled."""
    ann, bob, carol = cast.take()
    await ann.connect_to(bob)
    nowhere = [address_at(unused_port(), carol.peer_id)]
    await ann.order("connect_at", peer_id=carol.peer_id, addresses=nowhere)
    for one, other, expected in (
        (ann, bob, "connected"),
        (bob, ann, "connected"),
        (ann, carol, "failed"),
        (carol, ann, "disconnected"),
    ):
        told = await one.connection(other.peer_id)
        assert told["status"] == expected
        assert told["is_connected"] == (expected == "connected")


async def test_connected_online_peers_are_listed_and_counted(cast: Cast) -> None:
    """Row 3.2, `connectedOnlinePeers` and `connectedOnlinePeerCount`: those with a link."""
    ann, bob, carol = cast.take()
    told = await ann.ask("online peers")
    assert (told["connected"], told["connected_count"]) == ([], 0)
    for one, other, count in ((ann, bob, 1), (carol, ann, 2)):  # it counts who dialled her, too
        await one.connect_to(other)
        told = await ann.ask("online peers")
        assert told["connected_count"] == len(told["connected"]) == count
    assert set(told["connected"]) == {bob.peer_id, carol.peer_id}


async def status(ann: Actor, peer_id: str) -> dict[str, Any]:
    """Return the fields that the document's `PeerConnectionStatus` has."""
    told = await ann.connection(peer_id)
    names = ("status", "connection_type", "last_attempt_at_ms", "error")
    return {name: told[name] for name in names}


# --- task 3.3: participants -----------------------------------------------------------------------


async def test_participants_are_connected_without_oneself(cast: Cast) -> None:
    """Row 3.3, `ensureParticipantsConnected`: the others are dialled, the own id is left out."""
    ann, bob, carol = cast.take()
    everybody = [ann.peer_id, bob.peer_id, carol.peer_id]
    ensured = await ann.order("ensure", peer_ids=everybody)
    assert ensured["all_connected"]
    assert list(ensured["results"]) == everybody[1:]
    assert all(one["success"] for one in ensured["results"].values())
    assert set(ann.state["links"]) == {bob.peer_id, carol.peer_id}


async def test_participants_who_are_connected_are_not_dialled(cast: Cast) -> None:
    """Row 3.3, `ensureParticipantsConnected`: all connected already is a success at once."""
    ann, bob, carol = cast.take()
    await ann.connect_to(bob)
    await carol.connect_to(ann)
    ensured = await ann.order("ensure", peer_ids=[bob.peer_id, carol.peer_id])
    assert ensured["all_connected"]
    assert [one["attempts"] for one in ensured["results"].values()] == [0, 0]
    assert [told["peer_id"] for told in ann.told(ATTEMPT)] == [bob.peer_id]


async def test_participants_who_cannot_be_reached_are_named(cast: Cast) -> None:
    """Row 3.3, `ensureParticipantsConnected`: who is missing has the error, the others succeed."""
    ann, bob, _ = cast.take()
    nobody = stranger()
    ensured = await ann.order("ensure", peer_ids=[nobody, bob.peer_id])
    assert not ensured["all_connected"]
    assert ensured["results"][nobody] == NOT_ONLINE
    assert ensured["results"][bob.peer_id]["success"]


async def test_a_spend_of_an_unknown_wallet_is_refused(cast: Cast) -> None:
    """Row 3.3, `proposeSpend`: "Shared wallet not found", and nobody is dialled."""
    ann, _, _ = cast.take()
    proposed = await ann.order("propose", wallet_id="boat", amount_sats=1)
    assert proposed == {"success": False, "session_id": None, "error": "Shared wallet not found"}
    assert ann.told(ATTEMPT) == []


async def test_a_spend_names_the_participants_who_cannot_be_reached(cast: Cast) -> None:
    """Row 3.3, `proposeSpend`: "Cannot reach participants: ", and nobody gets the proposal."""
    ann, bob, _ = cast.take()
    missing = (stranger(), stranger())
    await hold_a_wallet(ann, bob, others=missing)
    proposed = await ann.order("propose", wallet_id="house", amount_sats=1)
    names = ", ".join(f"{one[:12]}..." for one in missing)
    assert proposed["error"] == f"Cannot reach participants: {names}"
    assert not proposed["success"]
    assert (await ann.ask("refusals"))["own"]["error"] == proposed["error"]
    assert ann.state["sessions"] == bob.state["sessions"] == {}


async def test_a_spend_connects_the_participants_and_opens_a_session(cast: Cast) -> None:
    """Row 3.3, `proposeSpend`: success gives a session id, and all participants have the session.

    Nobody was connected before.
    """
    ann, bob, carol = cast.take()
    await hold_a_wallet(ann, bob, carol)
    proposed = await ann.order("propose", wallet_id="house", amount_sats=120_000)
    assert (proposed["success"], proposed["error"]) == (True, None)
    for one in (bob, carol):
        told = await one.until("shared_wallets/spend_proposed")
        assert told["session"]["id"] == proposed["session_id"]
        assert one.state["links"] == {ann.peer_id: [["direct", True]]}
    assert ann.state["sessions"] == {proposed["session_id"]: "proposed"}


# --- task 3.4: what a presence says ---------------------------------------------------------------


async def test_a_presence_says_how_its_peer_is_connected(cast: Cast) -> None:
    """Row 3.4, `UIPresenceAdvertisement`: addresses by kind, name, times and connection state."""
    ann, bob, _ = cast.take()
    told = await ann.ask("presence", peer_id=bob.peer_id)
    presence = told["presence"]
    assert presence["peer_id"] == bob.peer_id
    assert presence["addresses"] == bob.addresses
    assert (told["direct_addresses"], told["relay_addresses"]) == (
        bob.addresses[:1],
        bob.addresses[1:],
    )
    assert told["webrtc_address"] is None
    assert presence["nickname"] == f"peer {bob.number}"
    assert presence["expires_at_ms"] - presence["created_at_ms"] == 600_000
    assert (presence["wallet_address"], presence["avatar"]) == ("", "")
    assert told["connection"]["status"] == "disconnected"
    await ann.connect_to(bob)
    told = await ann.ask("presence", peer_id=bob.peer_id)
    began = ann.told(ATTEMPT, peer_id=bob.peer_id)[0]["at_ms"]
    assert told["connection"] == {
        "status": "connected",
        "connection_type": "direct",
        "last_attempt_at_ms": began,
        "error": None,
    }


# --- task 3.5: events -----------------------------------------------------------------------------


async def test_connecting_is_told_with_the_nickname(cast: Cast) -> None:
    """Row 3.5, `_emitConnectionEvent`: "Connecting to …", then "Connected to … via …"."""
    ann, bob, _ = cast.take()
    await ann.connect_to(bob)
    name = f"peer {bob.number}"
    assert await ann.activity(bob.peer_id) == [
        ("info", f"Connecting to {name}..."),
        ("peer_joined", f"Connected to {name}... via direct"),
    ]


async def test_a_failure_is_told_with_the_first_characters_of_the_id(cast: Cast) -> None:
    """Row 3.5, `_emitConnectionEvent`: "Failed to connect to …: …"; 12 characters of the id."""
    ann, _, _ = cast.take()
    nobody = stranger()
    nowhere = [address_at(unused_port(), nobody)]
    outcome = await ann.order("connect_at", peer_id=nobody, addresses=nowhere)
    assert await ann.activity(nobody) == [
        ("info", f"Connecting to {nobody[:12]}..."),
        ("error", f"Failed to connect to {nobody[:12]}...: {outcome['error']}"),
    ]


async def test_a_contact_was_last_seen_when_it_was_connected_to(cast: Cast) -> None:
    """Row 3.5, `contactsStore.updateLastSeen`: success marks the contact, a failure does not."""
    ann, bob, _ = cast.take()
    await ann.order("add_contact", peer_id=bob.peer_id, nickname="bob")
    async with silent_listener() as silent:
        dead = [address_at(silent.port, bob.peer_id)]
        dialling = ann.tell("connect_at", peer_id=bob.peer_id, addresses=dead)
        await ann.until(ATTEMPT, peer_id=bob.peer_id)
        await ann.order("disconnect", peer_id=bob.peer_id)
        assert not (await ann.outcome_of(dialling))["success"]
    assert (await last_seen(ann, bob)) is None
    await ann.connect_to(bob)
    (opened,) = ann.told(OPENED, peer_id=bob.peer_id)
    assert await last_seen(ann, bob) == opened["at_ms"]


async def last_seen(ann: Actor, bob: Actor) -> int | None:
    """Return when Ann last saw her contact Bob; None if never."""
    contacts = (await ann.ask("contacts"))["contacts"]
    at_ms: int | None = contacts[bob.peer_id]["last_seen_at_ms"]
    return at_ms


# --- the usage examples ---------------------------------------------------------------------------


async def test_the_example_of_connecting_to_a_discovered_peer(cast: Cast) -> None:
    """Usage examples, "Connect to a Discovered Peer": by its id, and by its presence object."""
    ann, bob, carol = cast.take()
    result = await ann.order("connect", peer_id=bob.peer_id)
    assert (result["success"], result["connection_type"]) == (True, "direct")
    presence = (await ann.ask("presence", peer_id=carol.peer_id))["presence"]
    names = ("peer_id", "addresses", "nickname", "created_at_ms", "expires_at_ms")
    result = await ann.order("connect_at", **{name: presence[name] for name in names})
    assert (result["success"], result["connection_type"]) == (True, "direct")


async def test_the_example_of_checking_the_connection_status(cast: Cast) -> None:
    """Usage examples, "Check Connection Status": whether it is connected, and in detail."""
    ann, bob, _ = cast.take()
    assert not (await ann.connection(bob.peer_id))["is_connected"]
    await ann.connect_to(bob)
    told = await ann.connection(bob.peer_id)
    assert told["is_connected"]
    line = f"Status: {told['status']}, Type: {told['connection_type']}"
    assert line == "Status: connected, Type: direct"


async def test_the_example_of_a_session_with_connectivity_check(cast: Cast) -> None:
    """Usage examples, "MuSig2 Session with Connectivity Check": it fails while one is away."""
    ann, bob, carol = cast.take("without a relay")
    await hold_a_wallet(ann, bob, carol)
    await ann.order("discover", peer_id=bob.peer_id, addresses=bob.addresses)
    proposed = await ann.order("propose", wallet_id="house", amount_sats=100_000)
    assert not proposed["success"]
    assert proposed["error"] == f"Cannot reach participants: {carol.peer_id[:12]}..."
    await ann.order("discover", peer_id=carol.peer_id, addresses=carol.addresses)
    proposed = await ann.order("propose", wallet_id="house", amount_sats=100_000)
    assert proposed["success"], proposed["error"]
    await asyncio.gather(*(one.until("shared_wallets/spend_proposed") for one in (bob, carol)))
