"""`contacts_reducer`: whom the user knows, and when each was last seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from refold.actions.contacts import Contact, ContactAdded, ContactRemoved, ContactRenamed
from refold.actions.peers import PeerMessageReceived
from refold.reducers import contacts
from refold.reducers.contacts import ContactsState, contacts_reducer
from refold.selectors.contacts import select_contact, select_contacts
from refold.testing.check_laws import check_reducer_laws
from tests.peers.state.peer_scene import ALICE, BOB, closed, discovered, fold, opened
from tests.peers.state.peer_strategies import contact_runs

if TYPE_CHECKING:
    from refold.actions.action import Action

KNOWN = ContactAdded(Contact(ALICE, "Alice", 1))


def names_of(state: ContactsState) -> list[tuple[str, str]]:
    """Return whom the user knows, and how the user calls them."""
    return [(contact.peer_id, contact.nickname) for contact in state.contacts.all]


def only_the_user_adds_and_removes(
    before: ContactsState, action: Action, after: ContactsState
) -> bool:
    """Nothing that a peer does changes whom the user knows, or how the user calls it."""
    if action.wire_name.startswith("contacts/"):
        return True
    return names_of(before) == names_of(after)


def nobody_is_seen_earlier(before: ContactsState, _action: Action, after: ContactsState) -> bool:
    """When a contact was last seen only grows, for as long as it is one."""
    for contact in after.contacts.all:
        known = before.contacts.by_id.get(contact.peer_id)
        if known is None or known.last_seen_at_ms is None:
            continue
        if contact.last_seen_at_ms is None or contact.last_seen_at_ms < known.last_seen_at_ms:
            return False
    return True


def test_the_contacts_keep_the_laws() -> None:
    """The slice keeps the laws and its invariants, whatever happens."""
    check_reducer_laws(contacts_reducer, [only_the_user_adds_and_removes, nobody_is_seen_earlier])


@given(contact_runs())
def test_the_invariants_hold_for_contacts_that_meet_often(run: list[Action]) -> None:
    """Four peers, forty actions: no invariant breaks, and equal states are the same object."""
    state = contacts_reducer.initial
    for action in run:
        before, state = state, contacts_reducer(state, action)
        assert only_the_user_adds_and_removes(before, action, state)
        assert nobody_is_seen_earlier(before, action, state)
        assert (state is before) == (state == before)


def last_seen(*actions: Action) -> int | None:
    """Return when the contact was last seen after some actions."""
    return fold(contacts_reducer, KNOWN, *actions).contacts.by_id[ALICE].last_seen_at_ms


@pytest.mark.parametrize("is_inbound", [True, False])
def test_a_contact_is_seen_when_any_link_to_it_opens(*, is_inbound: bool) -> None:
    """The seed updated it only for links that it dialled itself."""
    assert last_seen() is None
    assert last_seen(opened(at_ms=7, is_inbound=is_inbound)) == 7


def test_a_contact_is_seen_with_each_message() -> None:
    """The last message counts; one of an earlier time, or of none, does not."""
    said = [PeerMessageReceived(ALICE, "chat", 1, at_ms=at_ms) for at_ms in (7, 9, 8, None)]
    assert last_seen(*said) == 9


def test_a_contact_that_is_seen_twice_at_once_gives_the_identical_state() -> None:
    """A link and a first message may come in the same millisecond."""
    state = fold(contacts_reducer, KNOWN, opened(at_ms=7))
    assert contacts_reducer(state, PeerMessageReceived(ALICE, "chat", 1, at_ms=7)) is state


def test_a_link_that_closes_is_no_sight_of_the_contact() -> None:
    """Silence is noticed long after the peer was there."""
    assert last_seen(opened(at_ms=7), closed(at_ms=20_000)) == 7


@pytest.mark.parametrize(
    "action", [opened(peer_id=BOB), PeerMessageReceived(BOB, "chat", 1, at_ms=9), discovered(BOB)]
)
def test_an_unknown_contact_gives_the_identical_state(action: Action) -> None:
    """A stranger does not become a contact."""
    state = fold(contacts_reducer, KNOWN)
    assert contacts_reducer(state, action) is state


def test_a_contact_is_added_renamed_and_removed() -> None:
    """By the user; each action twice changes nothing the second time."""
    state = contacts_reducer.initial
    for action, names in (
        (KNOWN, ["Alice"]),
        (ContactAdded(Contact(ALICE, "another", 2)), ["Alice"]),
        (ContactRenamed(ALICE, "Al"), ["Al"]),
        (ContactRenamed(BOB, "nobody"), ["Al"]),
        (ContactRemoved(BOB), ["Al"]),
        (ContactRemoved(ALICE), []),
    ):
        state = contacts_reducer(state, action)
        assert [contact.nickname for contact in state.contacts.all] == names
        assert contacts_reducer(state, action) is state


def test_contacts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """None that the user added is dropped; a further one is not added."""
    monkeypatch.setattr(contacts, "MAX_CONTACTS", 1)
    state = fold(contacts_reducer, KNOWN)
    assert contacts_reducer(state, ContactAdded(Contact(BOB, "Bob", 1))) is state


def test_contacts_can_be_asked_for() -> None:
    """All of them in the order in which they were added, and one by its peer."""
    bob = Contact(BOB, "Bob", 0)
    state = fold(contacts_reducer, KNOWN, ContactAdded(bob))
    assert select_contacts(state) == (KNOWN.contact, bob)
    assert select_contacts(state) is select_contacts(state)
    assert select_contact(state, BOB) is bob
    assert select_contact(state, "stranger") is None
