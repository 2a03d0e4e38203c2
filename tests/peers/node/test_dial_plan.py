"""The plan of dialling: pure decisions.

What belongs here: order, bounds and finality.  What does not: the dialling itself.
"""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from refold.actions.peer_records import TransportKind
from refold.middleware.peer_network.dial_plan import (
    FailedDial,
    is_final,
    plan_dials,
    reason_not_to_dial,
    retry_wait,
    tell_failures,
)
from tests.peers.node.node_scene import presence_of

kinds: st.SearchStrategy[TransportKind] = st.sampled_from(get_args(TransportKind))


@given(
    st.lists(kinds, unique=True),
    st.lists(st.tuples(kinds, st.lists(st.sampled_from("abcdef")))),
    st.integers(1, 4),
)
def test_a_plan_keeps_the_order_of_kinds_then_of_transports_then_of_addresses(
    order: list[TransportKind], offers: list[tuple[TransportKind, list[str]]], most: int
) -> None:
    """Each address of a kind stands once, where it came first, and no kind has too many."""
    plan = plan_dials(order, offers, most)
    for kind in get_args(TransportKind):
        given = [address for offered, texts in offers if offered == kind for address in texts]
        expected = list(dict.fromkeys(given))[:most] if kind in order else []
        assert [target.address for target in plan if target.kind == kind] == expected
    assert [order.index(target.kind) for target in plan] == sorted(
        order.index(target.kind) for target in plan
    )
    for target in plan:
        kind, texts = offers[target.transport_index]
        assert target.kind == kind
        assert target.address in texts


@given(st.lists(st.booleans(), min_size=1))
def test_failures_are_final_when_somebody_else_answered_everywhere(wrong: list[bool]) -> None:
    """One address that may answer later is enough to dial again."""
    failures = [FailedDial("direct", "text", is_wrong_key=each) for each in wrong]
    assert is_final(failures) is (False not in wrong)


def test_a_presence_is_over_at_the_very_moment_it_expires() -> None:
    """``expires_at_ms`` is the first millisecond at which it does not hold."""
    presence = presence_of("bob", expires_at_ms=1_000)
    targets = plan_dials(["direct"], [("direct", ["a"])], 1)
    assert reason_not_to_dial(presence, targets, own_peer_id="alice", now_ms=999) is None
    late = reason_not_to_dial(presence, targets, own_peer_id="alice", now_ms=1_000)
    assert late == "The presence has expired"


def test_failures_are_told_in_order_and_each_once() -> None:
    """Three addresses of which two failed in the same way have two texts."""
    failures = [
        FailedDial("direct", "refused", is_wrong_key=False),
        FailedDial("direct", "refused", is_wrong_key=False),
        FailedDial("relay", "refused", is_wrong_key=False),
    ]
    assert tell_failures(failures) == "direct: refused; relay: refused"


def test_the_waits_double() -> None:
    """With a base of 1 s they are 1, 2 and 4 s."""
    assert [retry_wait(1.0, attempt) for attempt in (1, 2, 3)] == [1.0, 2.0, 4.0]
