"""What can happen to the peers that the user knows by name."""

from __future__ import annotations

import attrs

from refold.actions.action import Action, action

__all__ = ["Contact", "ContactAdded", "ContactRemoved", "ContactRenamed"]


@attrs.frozen
class Contact:
    """A peer that the user knows."""

    peer_id: str
    nickname: str
    """What the user calls it, whatever it calls itself."""

    added_at_ms: int
    """When it was added, in milliseconds since the Unix epoch."""

    last_seen_at_ms: int | None = None
    """When it last opened a link or sent a message, likewise; None if it never did."""


@action("contacts/contact_added")
class ContactAdded(Action):
    """The user added a contact; one that is known already stays as it is."""

    contact: Contact


@action("contacts/contact_renamed")
class ContactRenamed(Action):
    """The user gave a contact another name."""

    peer_id: str
    nickname: str


@action("contacts/contact_removed")
class ContactRemoved(Action):
    """The user removed a contact."""

    peer_id: str
