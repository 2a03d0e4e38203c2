"""`peer_activity_reducer`: the feed that people read: its texts, its bounds, who came and left."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from refold.actions.peers import (
    ConnectionToPeerCancelled,
    PeerLinkClosed,
    PeerMessageReceived,
    PeerNodeStopped,
)
from refold.reducers import peer_activity
from refold.reducers.peer_activity import (
    MAX_ACTIVITY_EVENTS,
    MAX_MESSAGE_LENGTH,
    ActivityEvent,
    PeerActivityState,
    peer_activity_reducer,
)
from refold.reducers.peer_network import peer_network_reducer
from refold.selectors.peer_activity import (
    select_activity_events,
    select_activity_of_peer,
    select_latest_activity_events,
)
from refold.testing.check_laws import check_reducer_laws
from tests.peers.state.peer_scene import (
    ALICE,
    BOB,
    attempt,
    closed,
    discovered,
    failed,
    fold,
    opened,
    started,
)
from tests.peers.state.peer_strategies import PEER_IDS, peer_runs

if TYPE_CHECKING:
    import pytest

    from refold.actions.action import Action


def messages(*actions: Action) -> list[tuple[str, str]]:
    """Return the types and texts of what happened."""
    state = fold(peer_activity_reducer, *actions)
    return [(event.type, event.message) for event in state.events]


def the_feed_is_bounded(state: PeerActivityState) -> bool:
    """At most 200 events, of bounded length, numbered without a gap up to the last."""
    numbers = [event.number for event in state.events]
    return (
        len(numbers) == min(state.event_count, MAX_ACTIVITY_EVENTS)
        and numbers == list(range(state.event_count - len(numbers) + 1, state.event_count + 1))
        and all(len(event.message) <= MAX_MESSAGE_LENGTH for event in state.events)
    )


def events_only_come(before: PeerActivityState, _action: Action, after: PeerActivityState) -> bool:
    """What the feed says is never changed afterwards, and never fewer."""
    new = after.event_count - before.event_count
    old = list(after.events)[: len(after.events) - new]
    return new >= 0 and old == list(before.events)[len(before.events) - len(old) :]


def no_peer_is_linked_by_nothing(state: PeerActivityState) -> bool:
    """A peer that left takes no room."""
    return all(state.links.values())


def test_the_activity_keeps_the_laws() -> None:
    """The slice keeps the laws and its invariants, whatever happens."""
    check_reducer_laws(
        peer_activity_reducer,
        [the_feed_is_bounded, events_only_come, no_peer_is_linked_by_nothing],
    )


@given(peer_runs())
def test_a_peer_joins_and_leaves_by_turns(run: list[Action]) -> None:
    """For each peer, joined and left alternate, and it is connected after the former only."""
    state = fold(peer_network_reducer, *run)
    joined = Counter[str]()
    for event in state.activity.events:
        joined[event.peer_id] += {"peer_joined": 1, "peer_left": -1}.get(event.type, 0)
        assert joined[event.peer_id] in {0, 1}
    for peer_id in PEER_IDS:
        connection = state.peers.connections.by_id.get(peer_id)
        is_connected = connection is not None and connection.status == "connected"
        assert joined[peer_id] == is_connected


@given(peer_runs(), st.sampled_from(PEER_IDS))
def test_the_name_is_that_of_the_presence_that_is_online(run: list[Action], peer_id: str) -> None:
    """The feed is a slice of its own, and calls an online peer what its presence says."""
    state = fold(peer_network_reducer, *run)
    presence = state.peers.presences.by_id.get(peer_id)
    if presence is not None:
        after = peer_network_reducer(state, failed(peer_id=peer_id))
        name = presence.nickname or peer_id[:12]
        assert after.activity.events[-1].message == f"Failed to connect to {name}...: refused"


@given(peer_runs())
def test_an_action_without_news_gives_the_identical_feed(run: list[Action]) -> None:
    """Equal states are the same object."""
    state = peer_activity_reducer.initial
    for action in run:
        before, state = state, peer_activity_reducer(state, action)
        assert (state is before) == (state == before)


# --- texts ----------------------------------------------------------------------------------------


def test_a_peer_without_a_name_is_shown_by_the_beginning_of_its_id() -> None:
    """The seed's texts, with the first 12 characters of the id and three dots."""
    assert messages(attempt(), opened(transport="relay"), closed(reason="it said goodbye")) == [
        ("info", "Connecting to 12D3KooWAlic..."),
        ("peer_joined", "Connected to 12D3KooWAlic... via relay"),
        ("peer_left", "Disconnected from 12D3KooWAlic...: it said goodbye"),
    ]


def test_a_peer_with_a_name_is_shown_by_it() -> None:
    """The seed's texts, with the nickname of the presence that is known at that time."""
    assert messages(
        discovered(nickname="Alice"), attempt(), failed("refused"), ConnectionToPeerCancelled(ALICE)
    ) == [
        ("info", "Connecting to Alice..."),
        ("error", "Failed to connect to Alice...: refused"),
        ("info", "Stopped connecting to Alice..."),
    ]


def test_an_event_has_the_full_id_in_a_field_of_its_own() -> None:
    """A text shows the beginning only; the field tells two peers apart that begin alike."""
    state = fold(peer_activity_reducer, opened(at_ms=77))
    assert list(state.events) == [
        ActivityEvent(1, "peer_joined", ALICE, "Connected to 12D3KooWAlic... via direct", 77)
    ]


def test_a_link_that_was_relayed_is_told_as_relayed() -> None:
    """The seed's bug: a relayed link was labelled direct; the type is the transport's."""
    assert messages(opened(transport="relay")) == [
        ("peer_joined", "Connected to 12D3KooWAlic... via relay")
    ]


def test_only_the_first_attempt_of_a_call_is_told() -> None:
    """Retries are in the peers' state; the feed says once that somebody is called."""
    assert messages(attempt(1), attempt(2), attempt(3)) == [
        ("info", "Connecting to 12D3KooWAlic...")
    ]


def test_a_second_link_is_no_second_arrival() -> None:
    """A peer joins with its first link and leaves with its last."""
    both = [opened("1"), opened("2"), opened("2"), closed("1"), closed("1")]
    assert [kind for kind, _ in messages(*both)] == ["peer_joined"]
    assert [kind for kind, _ in messages(*both, closed("2"))] == ["peer_joined", "peer_left"]


def test_a_reason_that_is_not_known_is_not_told() -> None:
    """No colon stands before nothing."""
    assert messages(opened(), closed(reason=""))[-1] == (
        "peer_left",
        "Disconnected from 12D3KooWAlic...",
    )


def test_everybody_leaves_when_the_program_stops_or_begins_again() -> None:
    """A program that was killed left links in its log; the feed does not keep them for ever."""
    present = [opened(peer_id=BOB), opened()]
    assert messages(*present, PeerNodeStopped())[2:] == [
        ("peer_left", "Disconnected from 12D3KooWAlic...: this program stopped"),
        ("peer_left", "Disconnected from 12D3KooWBobB...: this program stopped"),
    ]
    assert messages(*present, started())[2:] == [
        ("peer_left", "Disconnected from 12D3KooWAlic...: this program started again"),
        ("peer_left", "Disconnected from 12D3KooWBobB...: this program started again"),
    ]


def test_a_message_is_no_news() -> None:
    """Messages are too many for a feed."""
    state = fold(peer_activity_reducer, opened())
    assert peer_activity_reducer(state, PeerMessageReceived(ALICE, "chat", 1)) is state


# --- names ----------------------------------------------------------------------------------------


def test_an_old_or_refused_presence_renames_nobody() -> None:
    """What would not count as a presence does not count as a name."""
    named = discovered(nickname="Alice", created=5, expires=50)
    for other in (
        discovered(nickname="Old", created=4, expires=60),
        discovered(nickname="Over", created=9, expires=20, at_ms=20),
    ):
        assert messages(named, other, attempt()) == [("info", "Connecting to Alice...")]


def test_a_name_is_believed_again_once_the_known_one_is_over() -> None:
    """A peer whose clock was ahead and is right again can say how it is called."""
    ahead = discovered(nickname="Ahead", created=90, expires=100)
    right = discovered(nickname="Right", created=80, expires=200, at_ms=100)
    assert messages(ahead, right, attempt()) == [("info", "Connecting to Right...")]


def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers met first lose their names first, and a long name is cut."""
    monkeypatch.setattr(peer_activity, "MAX_KNOWN_NAMES", 1)
    first, second = discovered(nickname="Alice"), discovered(BOB, nickname="B" * 100)
    assert messages(first, second, attempt(), attempt(peer_id=BOB)) == [
        ("info", "Connecting to 12D3KooWAlic..."),
        ("info", f"Connecting to {'B' * 63}…..."),
    ]


# --- bounds ---------------------------------------------------------------------------------------


def test_the_feed_keeps_the_latest_200() -> None:
    """The seed's feed grew for ever; this one drops the oldest, and numbers go on."""
    state = fold(peer_activity_reducer, *(failed(str(number)) for number in range(1, 1001)))
    assert [event.number for event in state.events] == list(range(801, 1001))
    assert state.events[0].message.endswith(": 801")


def test_a_long_error_is_cut() -> None:
    """What a stranger says cannot fill the feed."""
    assert len(messages(failed("x" * 100_000))[0][1]) == MAX_MESSAGE_LENGTH


def test_links_that_are_watched_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many linked peers the newest is not told, and a peer's oldest links are forgotten."""
    monkeypatch.setattr(peer_activity, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(peer_activity, "MAX_LINKS_PER_PEER", 2)
    full = fold(peer_activity_reducer, opened("1"), opened("2"), opened("3"))
    assert list(full.links[ALICE]) == ["2", "3"]
    assert peer_activity_reducer(full, opened(peer_id=BOB)) is full
    assert peer_activity_reducer(full, PeerLinkClosed(ALICE, "1", "")) is full


# --- questions ------------------------------------------------------------------------------------


def test_the_feed_can_be_asked_for_the_latest_and_for_one_peer() -> None:
    """Oldest first, as they stand in the state."""
    state = fold(peer_activity_reducer, attempt(), attempt(peer_id=BOB), opened())
    events = list(state.events)
    assert select_activity_events(state) is state.events
    assert select_latest_activity_events(state, 2) == tuple(events[1:])
    assert select_latest_activity_events(state, 9) == tuple(events)
    assert select_latest_activity_events(state, 0) == ()
    assert select_activity_of_peer(state, ALICE) == (events[0], events[2])
