"""The selectors of peers: one answer to whether a peer is connected, however it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.actions.peers import ConnectionToPeerCancelled, PeerNodeStopped, PresenceDiscovered
from refold.reducers.peer_network import PeerNetworkState, peer_network_reducer
from refold.reducers.peers import PeersState, peers_reducer
from refold.selectors.peers import (
    OnlinePeer,
    PeerConnectionStatus,
    select_connected_online_peer_count,
    select_connected_online_peers,
    select_connected_peer_ids,
    select_direct_addresses,
    select_is_peer_connected,
    select_is_peer_node_running,
    select_next_presence_expiry_at_ms,
    select_online_peer,
    select_online_peers,
    select_online_peers_with_status,
    select_own_addresses,
    select_own_peer_id,
    select_peer_connection_status,
    select_peer_links,
    select_relay_addresses,
    select_webrtc_address,
)
from tests.peers.state.peer_scene import (
    ALICE,
    BOB,
    ME,
    attempt,
    closed,
    discovered,
    failed,
    fold,
    opened,
    presence,
    started,
)
from tests.peers.state.peer_strategies import PEER_IDS, peer_runs

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.actions.peer_records import TransportKind


def status(*actions: Action) -> PeerConnectionStatus:
    """Return how the peer is connected after some actions."""
    return select_peer_connection_status(fold(peers_reducer, *actions), ALICE)


def get_peers(state: PeerNetworkState) -> PeersState:
    """Return the peers' slice."""
    return state.peers


@given(peer_runs())
def test_all_answers_to_whether_a_peer_is_connected_agree(run: list[Action]) -> None:
    """The seed's bug: getters disagreed with `isPeerConnected`; status, list and count agree."""
    state = fold(peers_reducer, *run)
    connected = {one.peer_id for one in select_connected_online_peers(state)}
    for peer_id in PEER_IDS:
        is_connected = select_is_peer_connected(state, peer_id)
        answer = select_peer_connection_status(state, peer_id)
        assert is_connected == (answer.status == "connected")
        assert is_connected == (answer.connection_type is not None)
        assert is_connected == bool(select_peer_links(state, peer_id))
        assert is_connected == (peer_id in select_connected_peer_ids(state))
        is_online = select_online_peer(state, peer_id) is not None
        assert (peer_id in connected) == (is_connected and is_online)
    assert select_connected_online_peer_count(state) == len(connected)
    assert select_online_peers_with_status(state) == tuple(
        OnlinePeer(one, select_peer_connection_status(state, one.peer_id))
        for one in select_online_peers(state)
    )


@given(peer_runs())
def test_a_live_link_is_never_hidden(run: list[Action]) -> None:
    """The seed's bug: a cached status hid live links; nothing but its end ends a link."""
    state = fold(peers_reducer, *run, opened("live"))
    for action in (
        attempt(),
        failed(),
        ConnectionToPeerCancelled(ALICE),
        discovered(ALICE, 41, 60),
    ):
        state = peers_reducer(state, action)
        assert select_peer_connection_status(state, ALICE).status == "connected"


def test_a_link_counts_before_an_attempt_before_a_failure_before_nothing() -> None:
    """The status is the first of these that there is."""
    assert status() == PeerConnectionStatus("disconnected")
    assert status(failed("refused")).status == "failed"
    assert status(failed(), attempt()).status == "connecting"
    assert status(failed(), attempt(), opened()).status == "connected"
    assert status(opened(), attempt()).status == "connected"
    assert status(opened(), failed()).status == "connected"


def test_a_status_does_not_go_stale() -> None:
    """The seed's bug: cached as connected for ever; when the link is gone, so is the status."""
    assert status(attempt(at_ms=5), failed(), opened(), closed()) == PeerConnectionStatus(
        "disconnected", last_attempt_at_ms=5
    )


def test_a_peer_that_dialled_us_is_connected_without_an_attempt() -> None:
    """A link counts whoever dialled."""
    assert status(opened(is_inbound=True, transport="webrtc")) == PeerConnectionStatus(
        "connected", "webrtc"
    )


def test_a_failure_says_why_and_when_the_last_attempt_began() -> None:
    """The error is told while the peer is failed, and no longer."""
    assert status(attempt(1, at_ms=5), attempt(2, at_ms=6), failed("no answer", at_ms=9)) == (
        PeerConnectionStatus("failed", None, 6, "no answer")
    )
    assert status(attempt(), failed(), opened(), failed()).error is None


def test_a_cancelled_attempt_leaves_the_peer_disconnected() -> None:
    """Nobody wanted it any more, so that nothing failed."""
    assert status(attempt(at_ms=5), ConnectionToPeerCancelled(ALICE)).status == "disconnected"


@pytest.mark.parametrize(
    ("transports", "best"),
    [
        (["relay"], "relay"),
        (["relay", "direct"], "direct"),
        (["direct", "relay"], "direct"),
        (["relay", "webrtc"], "webrtc"),
        (["webrtc", "direct", "relay"], "direct"),
    ],
)
def test_of_several_links_the_best_is_named(
    transports: list[TransportKind], best: TransportKind
) -> None:
    """Direct, then webrtc, then relay; it is what carries the link, not what an address says."""
    links = [opened(str(number), kind) for number, kind in enumerate(transports)]
    assert status(*links).connection_type == best


def test_nobody_is_connected_once_the_node_stopped() -> None:
    """Links end with what holds them."""
    assert status(started(), opened(), PeerNodeStopped()).status == "disconnected"


def test_this_program_can_be_asked_for_itself() -> None:
    """Its id, where it can be reached, and whether."""
    state = fold(peers_reducer, started())
    assert select_own_peer_id(state) == ME
    assert list(select_own_addresses(state)) == ["/here"]
    assert select_is_peer_node_running(state)


def test_online_peers_stand_in_the_order_in_which_they_were_met() -> None:
    """With how each is connected, if that is asked for."""
    state = fold(peers_reducer, discovered(BOB), discovered(ALICE), opened())
    assert select_online_peers(state) == (presence(BOB), presence(ALICE))
    assert select_online_peer(state, BOB) == presence(BOB)
    assert select_online_peer(state, ME) is None
    assert select_online_peers_with_status(state) == (
        OnlinePeer(presence(BOB), PeerConnectionStatus()),
        OnlinePeer(presence(ALICE), PeerConnectionStatus("connected", "direct")),
    )


def test_a_linked_peer_that_is_not_online_is_connected_all_the_same() -> None:
    """It only is not among those who say something of themselves."""
    state = fold(peers_reducer, discovered(BOB), opened())
    assert list(select_connected_peer_ids(state)) == [ALICE]
    assert select_connected_online_peers(state) == ()


def test_addresses_are_told_apart_by_how_they_are_dialled() -> None:
    """What the seed kept in three fields are questions about one list."""
    direct = f"/ip4/127.0.0.1/tcp/1/ws/p2p/{ALICE}"
    relay = f"/dns/webrtc.example/tcp/1/ws/p2p/{BOB}/p2p-circuit/p2p/{ALICE}"
    webrtc = f"/ip4/127.0.0.1/tcp/1/ws/p2p/{BOB}/p2p-circuit/webrtc/p2p/{ALICE}"
    one = Presence(ALICE, pvector([relay, direct, webrtc]), 0, 9)
    state = fold(peers_reducer, PresenceDiscovered(one, at_ms=0))
    assert select_direct_addresses(state, ALICE) == (direct,)
    assert select_relay_addresses(state, ALICE) == (relay,)
    assert select_webrtc_address(state, ALICE) == webrtc
    assert select_direct_addresses(state, BOB) == ()
    assert select_webrtc_address(state, BOB) is None


def test_the_next_expiry_is_that_of_the_presence_that_expires_first() -> None:
    """None stands for no presence."""
    state = fold(peers_reducer, discovered(ALICE, 0, 30), discovered(BOB, 0, 20))
    assert select_next_presence_expiry_at_ms(state) == 20
    assert select_next_presence_expiry_at_ms(PeersState()) is None


def test_an_answer_is_the_identical_object_until_it_changes() -> None:
    """A subscriber hears of its own peer only, and not of each message of others."""
    state = fold(peers_reducer, discovered(), opened())
    one_answer = (select_connected_online_peers, select_online_peers, select_connected_peer_ids)
    of_a_peer = (select_peer_connection_status, select_direct_addresses, select_peer_links)
    before = [*(select(state) for select in one_answer), *(ask(state, ALICE) for ask in of_a_peer)]
    other = peers_reducer(state, attempt(peer_id=BOB))
    after = [*(select(other) for select in one_answer), *(ask(other, ALICE) for ask in of_a_peer)]
    assert all(one is two for one, two in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("select", "arguments"),
    [
        (select_own_peer_id, ()),
        (select_own_addresses, ()),
        (select_is_peer_node_running, ()),
        (select_online_peers, ()),
        (select_online_peer, (ALICE,)),
        (select_online_peers_with_status, ()),
        (select_connected_online_peers, ()),
        (select_connected_online_peer_count, ()),
        (select_connected_peer_ids, ()),
        (select_next_presence_expiry_at_ms, ()),
        (select_peer_connection_status, (ALICE,)),
        (select_is_peer_connected, (ALICE,)),
        (select_peer_links, (ALICE,)),
        (select_direct_addresses, (ALICE,)),
        (select_relay_addresses, (ALICE,)),
        (select_webrtc_address, (ALICE,)),
    ],
)
def test_at_lifts_a_selector_to_a_root(select: Any, arguments: tuple[str, ...]) -> None:
    """Over the state of the whole peer network the answer is the same."""
    root = fold(peer_network_reducer, started(), discovered(), opened())
    assert select.at(get_peers)(root, *arguments) == select(root.peers, *arguments)
    assert select.at(get_peers).unwrapped is select


def test_the_whole_peer_network_starts_with_its_slices() -> None:
    """The ready-made root has the initial state of each slice."""
    assert peer_network_reducer.initial == PeerNetworkState()
    names = [field.name for field in attrs.fields(PeerNetworkState)]
    assert names == ["peers", "activity", "contacts", "shared_wallets"]
