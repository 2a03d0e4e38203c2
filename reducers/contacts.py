"""`contacts_reducer`: the peers that the user knows, and when each was last seen.

A contact is seen when a link to it opens and when it sends a message.  That a link closed is no
sight of it: the peer may have been gone for as long as that took to notice.
"""

from __future__ import annotations

from typing import Final

import attrs

from refold.actions.contacts import Contact, ContactAdded, ContactRemoved, ContactRenamed
from refold.actions.peers import PeerLinkOpened, PeerMessageReceived
from refold.reducers.entities import Entities
from refold.reducers.entity_adapter import EntityAdapter
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer

__all__ = ["MAX_CONTACTS", "Contact", "ContactsState", "contacts_reducer"]

MAX_CONTACTS: Final = 10_000
"""Contacts that are kept; a further one is not added."""

contacts_by_peer: Final = EntityAdapter[str, Contact](key=lambda contact: contact.peer_id)


@attrs.frozen
class ContactsState:
    """All contacts."""

    contacts: Entities[str, Contact] = attrs.field(default=contacts_by_peer.empty())
    """In the order in which they were added."""


contacts_reducer: Final = Reducer(ContactsState())


@contacts_reducer.on(ContactAdded)
def _(state: ContactsState, action: ContactAdded) -> ContactsState:
    if len(state.contacts.ids) >= MAX_CONTACTS:
        return state
    return _with(state, contacts_by_peer.add_one(state.contacts, action.contact))


@contacts_reducer.on(ContactRenamed)
def _(state: ContactsState, action: ContactRenamed) -> ContactsState:
    renamed = contacts_by_peer.update_one(state.contacts, action.peer_id, nickname=action.nickname)
    return _with(state, renamed)


@contacts_reducer.on(ContactRemoved)
def _(state: ContactsState, action: ContactRemoved) -> ContactsState:
    return _with(state, contacts_by_peer.remove_one(state.contacts, action.peer_id))


@contacts_reducer.on(PeerLinkOpened, PeerMessageReceived)
def _(state: ContactsState, action: PeerLinkOpened | PeerMessageReceived) -> ContactsState:
    contact = state.contacts.by_id.get(action.peer_id)
    if contact is None or action.at_ms is None:
        return state
    if contact.last_seen_at_ms is not None and action.at_ms <= contact.last_seen_at_ms:
        return state
    seen = evolve(contact, last_seen_at_ms=action.at_ms)
    return _with(state, contacts_by_peer.set_one(state.contacts, seen))


def _with(state: ContactsState, contacts: Entities[str, Contact]) -> ContactsState:
    return state if contacts is state.contacts else evolve(state, contacts=contacts)
