"""`Actor`: one of the peers of a process, commanded, asked and listened to by its number.

What belongs here: what tests do with one peer.  What does not: the process, which `PeerProcess` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from tests.peers.processes.stage import PeerProcess

if TYPE_CHECKING:
    from tests.peers.processes.stage import Told

__all__ = ["Actor"]


@attrs.frozen
class Actor:
    """A peer, and which number it has in its process."""

    process: PeerProcess
    number: int = 0

    @property
    def peer_id(self) -> str:
        """By which others know it."""
        return self.process.peer_ids[self.number]

    @property
    def addresses(self) -> list[str]:
        """Where it can be dialled: its own listener first, then the relay."""
        return self.process.addresses[self.number]

    @property
    def state(self) -> Told:
        """Who is online, what is linked and how sessions stand, by its store."""
        return self.process.states.get(self.number, {"online": [], "links": {}, "sessions": {}})

    def tell(self, do: str, **fields: Any) -> int:
        """Give a command; return its number."""
        return self.process.tell(do, peer=self.number, **fields)

    async def outcome_of(self, command: int) -> Told:
        """Wait for what came of a command."""
        return await self.process.outcome_of(command)

    async def order(self, do: str, **fields: Any) -> Told:
        """Give a command, and wait for what came of it."""
        return await self.process.ask(do, peer=self.number, **fields)

    async def connect_to(self, other: Actor) -> None:
        """Dial another where it listens, and wait until both have the link."""
        presence = {"peer_id": other.peer_id, "addresses": other.addresses}
        outcome = await self.order("connect_at", **presence)
        assert outcome["success"], outcome["error"]
        await other.until("peers/peer_link_opened", peer_id=self.peer_id, is_inbound=True)

    async def ask(self, about: str, **fields: Any) -> Told:
        """Return what it answers, by its selectors; all commands before have begun by then."""
        return await self.order("ask", about=about, **fields)

    async def connection(self, peer_id: str) -> Told:
        """Return all that it says of how it is connected with another."""
        return await self.ask("connection", peer_id=peer_id)

    async def activity(self, peer_id: str) -> list[tuple[str, str]]:
        """Return the types and messages of its feed's events with another."""
        events = (await self.ask("activity"))["events"]
        return [(one["type"], one["message"]) for one in events if one["peer_id"] == peer_id]

    async def until(self, event: str, **fields: Any) -> Told:
        """Return the first such event that has these fields; each is returned once."""
        return await self.process.until(event, peer=self.number, **fields)

    def told(self, *events: str, **fields: Any) -> list[Told]:
        """Return all such events that have these fields, the oldest first."""
        return [
            one
            for one in self.process.told
            if one["event"] in events
            and one["peer"] == self.number
            and all(one.get(name) == value for name, value in fields.items())
        ]
