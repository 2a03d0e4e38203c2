"""Questions about contacts; each takes the contacts' own state, `at` lifts it to a root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.selectors.plain_selector import plain_selector

if TYPE_CHECKING:
    from refold.reducers.contacts import Contact, ContactsState

__all__ = ["select_contact", "select_contacts"]


@plain_selector
def select_contacts(state: ContactsState) -> tuple[Contact, ...]:
    """Return all contacts, in the order in which they were added."""
    return state.contacts.all


@plain_selector
def select_contact(state: ContactsState, peer_id: str) -> Contact | None:
    """Return a contact; None if the user does not know the peer."""
    return state.contacts.by_id.get(peer_id)
