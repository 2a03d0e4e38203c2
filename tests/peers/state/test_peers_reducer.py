"""`peers_reducer`: who is online and how each is connected, whatever arrives in whatever order.

What belongs here: the state.  What does not: the questions about it, see `test_peer_selectors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.actions.peers import (
    ConnectionToPeerCancelled,
    ExpiredPresencesSwept,
    PeerLinkOpened,
    PeerMessageReceived,
    PeerNodeStarted,
    PeerNodeStopped,
    PresenceDiscovered,
    PresenceWithdrawn,
)
from refold.reducers import peers
from refold.reducers.contacts import contacts_reducer
from refold.reducers.peer_activity import peer_activity_reducer
from refold.reducers.peer_network import peer_network_reducer
from refold.reducers.peers import ConnectionFailure, PeerConnection, PeerLink, peers_reducer
from refold.reducers.presence_rules import (
    MAX_CLOCK_LEAD_MS,
    MAX_PRESENCE_LIFETIME_MS,
    find_fault_in_presence,
    is_newer_presence,
)
from refold.reducers.shared_wallets import shared_wallets_reducer
from refold.store.store import Store
from refold.testing.check_laws import check_reducer_laws
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
from tests.peers.state.peer_strategies import PEER_IDS, peer_runs, presences

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.peer_network import PeerNetworkState
    from refold.reducers.peers import PeersState
    from refold.reducers.reducer import Reducer

SLICES: Final[dict[str, Reducer[Any]]] = {
    "peers": peers_reducer,
    "activity": peer_activity_reducer,
    "contacts": contacts_reducer,
    "shared wallets": shared_wallets_reducer,
    "all": peer_network_reducer,
}


def own_id_is_not_online(state: PeersState) -> bool:
    """A program never meets itself."""
    return not state.own_peer_id or state.own_peer_id not in state.presences.by_id


def presences_are_valid(state: PeersState) -> bool:
    """No presence holds for longer than a day, or not at all."""
    return all(
        0 < one.expires_at_ms - one.created_at_ms <= MAX_PRESENCE_LIFETIME_MS
        for one in state.presences.all
    )


def connections_say_something(state: PeersState) -> bool:
    """A peer of which nothing is known takes no room."""
    return all(one != PeerConnection(one.peer_id) for one in state.connections.all)


def links_are_unlike(state: PeersState) -> bool:
    """No link is there twice, and a failure is gone once there is a link or an attempt..."""
    return all(
        len({link.link_id for link in one.links}) == len(one.links) for one in state.connections.all
    )


def the_feed_agrees_with_the_peers(state: PeerNetworkState) -> bool:
    """The two slices that know links know the same ones."""
    connected = [one for one in state.peers.connections.all if one.links]
    known = {one.peer_id: [link.link_id for link in one.links] for one in connected}
    return known == {who: list(links) for who, links in state.activity.links.items()}


def a_stopped_node_has_no_links(_before: PeersState, action: Action, after: PeersState) -> bool:
    """When a node starts or stops, nothing of an earlier run lives."""
    if not isinstance(action, PeerNodeStarted | PeerNodeStopped):
        return True
    return all(one.status in {"failed", "disconnected"} for one in after.connections.all)


def test_the_peers_keep_the_laws() -> None:
    """The peers' slice keeps the laws and its invariants, whatever happens."""
    check_reducer_laws(
        peers_reducer,
        [
            own_id_is_not_online,
            presences_are_valid,
            connections_say_something,
            links_are_unlike,
            a_stopped_node_has_no_links,
        ],
    )


def test_the_whole_peer_network_keeps_the_laws() -> None:
    """The root of all slices keeps them, too, and the feed knows the links that live."""
    check_reducer_laws(peer_network_reducer, [the_feed_agrees_with_the_peers])


@pytest.mark.parametrize("name", SLICES)
def test_every_slice_is_a_state_for_a_store(name: str) -> None:
    """All their types can be trusted and written to a log."""
    Store(SLICES[name])


@given(peer_runs())
def test_the_invariants_hold_for_peers_that_meet_often(run: list[Action]) -> None:
    """Four peers, forty actions: no invariant breaks."""
    state = peers_reducer.initial
    for action in run:
        before, state = state, peers_reducer(state, action)
        assert own_id_is_not_online(state)
        assert presences_are_valid(state)
        assert connections_say_something(state)
        assert links_are_unlike(state)
        assert a_stopped_node_has_no_links(before, action, state)
        if state == before:
            assert state is before


@given(peer_runs())
def test_live_links_are_those_that_opened_and_did_not_close(run: list[Action]) -> None:
    """A naive model of sets knows the same links, and the same attempts in flight."""
    state, live, flying = peers_reducer.initial, set[tuple[str, str]](), set[str]()
    for action in run:
        state = peers_reducer(state, action)
        match action.wire_name.removeprefix("peers/"), action:
            case "peer_link_opened", PeerLinkOpened(peer_id=peer_id, link_id=link_id):
                if (peer_id, link_id) not in live:
                    flying.discard(peer_id)
                live.add((peer_id, link_id))
            case "peer_link_closed", _:
                live.discard((getattr(action, "peer_id", ""), getattr(action, "link_id", "")))
            case "connection_attempt_to_peer_started", _:
                flying.add(getattr(action, "peer_id", ""))
            case "connection_to_peer_failed" | "connection_to_peer_cancelled", _:
                flying.discard(getattr(action, "peer_id", ""))
            case "peer_node_started" | "peer_node_stopped", _:
                live.clear()
                flying.clear()
            case _:
                pass
        connections = state.connections.all
        assert {(one.peer_id, link.link_id) for one in connections for link in one.links} == live
        assert {one.peer_id for one in connections if one.attempt is not None} == flying


@given(st.permutations([(0, 10), (0, 20), (5, 10), (5, 20), (7, 9)]))
def test_the_newest_presence_wins_in_whatever_order_they_come(
    order: list[tuple[int, int]],
) -> None:
    """Newest is by when it was made, then by when it expires; late old ones change nothing."""
    state = fold(peers_reducer, *(discovered(created=a, expires=b) for a, b in order))
    assert list(state.presences.by_id.values()) == [presence(created=7, expires=9)]


@given(st.lists(presences, max_size=20))
def test_whatever_arrives_the_newest_valid_one_is_kept(given_ones: list[Presence]) -> None:
    """For each peer the state has the newest of its valid presences."""
    state = fold(peers_reducer, *(PresenceDiscovered(one, at_ms=10) for one in given_ones))
    for peer_id in PEER_IDS:
        valid = [
            one
            for one in given_ones
            if one.peer_id == peer_id and find_fault_in_presence(one, now_ms=10) is None
        ]
        times = [(one.created_at_ms, one.expires_at_ms) for one in valid]
        kept = state.presences.by_id.get(peer_id)
        assert (kept and (kept.created_at_ms, kept.expires_at_ms)) == max(times, default=None)


@given(peer_runs())
def test_what_peers_say_of_themselves_never_touches_connections(run: list[Action]) -> None:
    """The seed's bug: a refreshed presence wiped how its peer was connected."""
    state = fold(peers_reducer, *run)
    for created in (41, 42):
        after = peers_reducer(state, discovered(PEER_IDS[0], created, created + 9))
        assert after.connections is state.connections
        state = after


# --- presences ------------------------------------------------------------------------------------


def test_the_same_presence_again_changes_nothing() -> None:
    """A presence that arrives over two relays is one."""
    state = fold(peers_reducer, discovered())
    assert peers_reducer(state, discovered(at_ms=9)) is state
    assert peers_reducer(state, discovered(nickname="other, equally old", at_ms=9)) is state


def test_ones_own_presence_is_dropped() -> None:
    """The seed's bug turned round: one's own id is never online, also if it came first."""
    state = fold(peers_reducer, started())
    assert peers_reducer(state, discovered(ME)) is state
    assert not fold(peers_reducer, discovered(ME), started()).presences.by_id


@pytest.mark.parametrize(
    ("created", "expires", "now", "words"),
    [
        (0, 10, 10, "it expired 0 ms ago"),
        (0, 10, 99, "it expired 89 ms ago"),
        (5, 5, 0, "it must expire after it was made, got a lifetime of 0 ms"),
        (5, 4, None, "it must expire after it was made, got a lifetime of -1 ms"),
        (0, MAX_PRESENCE_LIFETIME_MS + 1, 1, "it may hold for 86400000 ms, a day, got 86400001"),
        (0, MAX_PRESENCE_LIFETIME_MS + 1, None, "it may hold for 86400000 ms, a day"),
        (MAX_CLOCK_LEAD_MS + 1, MAX_CLOCK_LEAD_MS + 9, 0, "it was made 300001 ms in the future"),
    ],
)
def test_a_presence_that_breaks_a_rule_is_refused(
    created: int, expires: int, now: int | None, words: str
) -> None:
    """The seed never checked: expired, over a day, and from the future are all refused."""
    fault = find_fault_in_presence(presence(created=created, expires=expires), now_ms=now)
    assert words in (fault or "")
    initial = peers_reducer.initial
    given_one = discovered(created=created, expires=expires, at_ms=now)
    assert peers_reducer(initial, given_one) is initial


@pytest.mark.parametrize(
    ("created", "expires", "now"),
    [
        (0, 10, 9),
        (0, MAX_PRESENCE_LIFETIME_MS, 1),
        (MAX_CLOCK_LEAD_MS, MAX_CLOCK_LEAD_MS + 1, 0),
        (10**15, 10**15 + 1, None),
    ],
)
def test_a_presence_at_the_edge_of_the_rules_is_kept(
    created: int, expires: int, now: int | None
) -> None:
    """A day is allowed, the last millisecond too; without a clock nothing can be expired."""
    one = presence(created=created, expires=expires)
    assert find_fault_in_presence(one, now_ms=now) is None
    state = fold(peers_reducer, PresenceDiscovered(one, at_ms=now))
    assert state.presences.all == (one,)


def test_of_two_presences_the_later_made_is_newer() -> None:
    """When they were made counts before when they expire."""
    assert is_newer_presence(presence(created=2, expires=3), presence(created=1, expires=9))
    assert is_newer_presence(presence(created=1, expires=9), presence(created=1, expires=3))
    assert not is_newer_presence(presence(), presence())


def test_expired_presences_are_swept() -> None:
    """What expires at the action's time is gone with what expired before; the rest stays."""
    state = fold(peers_reducer, discovered(ALICE, 0, 10), discovered(BOB, 0, 11))
    assert peers_reducer(state, ExpiredPresencesSwept(at_ms=9)) is state
    assert peers_reducer(state, ExpiredPresencesSwept()) is state
    swept = peers_reducer(state, ExpiredPresencesSwept(at_ms=10))
    assert list(swept.presences.by_id) == [BOB]


def test_a_withdrawn_presence_is_gone() -> None:
    """The peer is not online any more; how it is connected stays."""
    state = fold(peers_reducer, discovered(), opened(), PresenceWithdrawn(ALICE))
    assert not state.presences.by_id
    assert state.connections.by_id[ALICE].status == "connected"
    assert peers_reducer(state, PresenceWithdrawn(ALICE)) is state


def test_a_refreshed_presence_keeps_its_place() -> None:
    """As in the seed, the list of who is online does not jump."""
    state = fold(peers_reducer, discovered(ALICE), discovered(BOB), discovered(ALICE, 5, 50))
    assert [one.peer_id for one in state.presences.all] == [ALICE, BOB]


# --- attempts and links ---------------------------------------------------------------------------


def test_the_last_attempt_is_the_start_of_the_last_attempt() -> None:
    """The seed's bug: every update overwrote it; here only an attempt does."""
    state = fold(
        peers_reducer,
        attempt(1, at_ms=100),
        attempt(2, at_ms=200),
        failed(at_ms=300),
        discovered(at_ms=301),
        opened(at_ms=400, is_inbound=True),
        closed(at_ms=500),
        ConnectionToPeerCancelled(ALICE, at_ms=600),
    )
    assert state.connections.by_id[ALICE].last_attempt_at_ms == 200


def test_a_failure_is_kept_with_its_error_and_attempts() -> None:
    """The seed's first `connectToPresence` lost the error; here it says why, after how many."""
    state = fold(peers_reducer, attempt(), failed("No dialable address", at_ms=7))
    assert state.connections.by_id[ALICE] == PeerConnection(
        ALICE, last_attempt_at_ms=1, failure=ConnectionFailure("No dialable address", 3, 7)
    )


def test_a_failure_without_an_attempt_is_one_too() -> None:
    """A peer without an address was never dialled."""
    connection = fold(peers_reducer, failed()).connections.by_id[ALICE]
    assert (connection.status, connection.last_attempt_at_ms) == ("failed", None)


def test_a_new_attempt_forgets_the_last_failure() -> None:
    """So that a cancelled attempt leaves the peer disconnected, and not failed."""
    state = fold(peers_reducer, failed(), attempt(), ConnectionToPeerCancelled(ALICE))
    assert state.connections.by_id[ALICE].status == "disconnected"


def test_cancelling_without_an_attempt_changes_nothing() -> None:
    """A cancellation that comes late leaves a failure, and a stranger, as they were."""
    for state in (peers_reducer.initial, fold(peers_reducer, failed())):
        assert peers_reducer(state, ConnectionToPeerCancelled(ALICE)) is state


def test_a_link_ends_the_attempt_in_flight() -> None:
    """An inbound link ends the wait as well as the link that was dialled."""
    connection = fold(
        peers_reducer, attempt(), opened(is_inbound=True, transport="relay")
    ).connections.by_id[ALICE]
    assert connection.attempt is None
    assert list(connection.links) == [PeerLink("1", "relay", True, 3)]  # noqa: FBT003


def test_a_link_that_is_known_or_unknown_changes_nothing() -> None:
    """Opening twice and closing what is not there give the identical state."""
    state = fold(peers_reducer, opened())
    assert peers_reducer(state, opened(transport="relay", at_ms=9)) is state
    assert peers_reducer(state, closed("9")) is state
    assert peers_reducer(state, closed(peer_id=BOB)) is state


def test_a_peer_stays_connected_until_its_last_link_is_gone() -> None:
    """Two links, one closes: still connected; then nothing is left to know."""
    state = fold(peers_reducer, opened("1"), opened("2"), closed("1"))
    assert state.connections.by_id[ALICE].status == "connected"
    assert not peers_reducer(state, closed("2")).connections.by_id


def test_a_message_is_no_news_for_the_peers() -> None:
    """Messages are for contacts; the identical state comes back."""
    state = fold(peers_reducer, opened())
    assert peers_reducer(state, PeerMessageReceived(ALICE, "chat", 9, at_ms=9)) is state


# --- the node -------------------------------------------------------------------------------------


def test_a_node_that_starts_knows_its_id_and_addresses() -> None:
    """Starting again in the same way changes nothing."""
    state = fold(peers_reducer, started())
    assert (state.own_peer_id, state.is_running, list(state.addresses)) == (ME, True, ["/here"])
    assert peers_reducer(state, started(at_ms=99)) is state


def test_a_node_that_starts_after_a_crash_has_no_links_of_before() -> None:
    """The log of a killed program ends with live links; its next run does not believe them."""
    state = fold(
        peers_reducer, started(), opened(), attempt(peer_id=BOB), failed(peer_id=ME), started()
    )
    assert {one.peer_id: one.status for one in state.connections.all} == {
        BOB: "disconnected",
        ME: "failed",
    }


def test_a_node_that_stops_has_neither_addresses_nor_links() -> None:
    """What others said of themselves stays until it expires; stopping twice changes nothing."""
    state = fold(peers_reducer, started(), discovered(), opened(), PeerNodeStopped())
    assert (state.is_running, list(state.addresses), state.own_peer_id) == (False, [], ME)
    assert not state.connections.by_id
    assert list(state.presences.by_id) == [ALICE]
    assert peers_reducer(state, PeerNodeStopped()) is state


# --- bounds ---------------------------------------------------------------------------------------


def test_of_too_many_presences_the_next_to_expire_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer with a link or an attempt is spared; one that would go first does not come."""
    monkeypatch.setattr(peers, "MAX_PRESENCES", 3)
    full = fold(
        peers_reducer,
        opened(peer_id="linked"),
        attempt(peer_id="dialled"),
        failed(peer_id="later"),
        discovered("linked", 0, 10),
        discovered("dialled", 0, 10),
        discovered("later", 0, 30),
    )
    assert peers_reducer(full, discovered("sooner", 0, 20)) is full
    state = peers_reducer(full, discovered("latest", 0, 40))
    assert [one.peer_id for one in state.presences.all] == ["linked", "dialled", "latest"]


def test_of_too_many_connections_the_oldest_idle_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those without a failure first; if all live, the newest is not kept."""
    monkeypatch.setattr(peers, "MAX_CONNECTIONS", 3)
    idle = [attempt(peer_id="idle"), ConnectionToPeerCancelled("idle")]
    full = fold(peers_reducer, failed(peer_id="failed"), *idle, opened(peer_id="linked"))
    first = peers_reducer(full, opened(peer_id="b"))
    assert set(first.connections.by_id) == {"failed", "linked", "b"}
    second = peers_reducer(first, attempt(peer_id="c"))
    assert set(second.connections.by_id) == {"linked", "b", "c"}
    assert peers_reducer(second, opened(peer_id="d")) is second
    assert peers_reducer(second, opened("2", peer_id="b")) is not second


def test_of_too_many_links_to_a_peer_the_oldest_go() -> None:
    """The newest are the most likely to live."""
    many = [opened(str(number)) for number in range(peers.MAX_LINKS_PER_PEER + 2)]
    links = fold(peers_reducer, *many).connections.by_id[ALICE].links
    assert [link.link_id for link in links] == [str(number) for number in range(2, 18)]


def test_an_error_of_any_length_is_cut() -> None:
    """What a stranger says cannot fill the state."""
    failure = fold(peers_reducer, failed("x" * 10_000)).connections.by_id[ALICE].failure
    assert failure is not None
    assert failure.error == "x" * 499 + "…"


@given(st.permutations([f"peer {number}" for number in range(6)]))
def test_presences_stay_bounded_whatever_comes(order: list[str]) -> None:
    """With room for three, three are kept: those that expire last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "MAX_PRESENCES", 3)
        state = fold(peers_reducer, *(discovered(one, 0, 10 + int(one[-1])) for one in order))
    assert set(state.presences.by_id) == {"peer 3", "peer 4", "peer 5"}


def test_presences_hold_what_their_peers_say() -> None:
    """Every field arrives unchanged."""
    one = Presence(ALICE, pvector(["/a", "/b"]), 1, 2, "Alice", "bc1q", "https://avatar")
    state = fold(peers_reducer, PresenceDiscovered(one, at_ms=1))
    assert state.presences.by_id[ALICE] is one
