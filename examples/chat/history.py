"""The messages of all rooms, in memory and in a file.

Nothing to run here; see server.py.  A message is in the file before anybody sees it, so a server
that was killed comes back with all that was seen.  The file has a JSON object per line; a line that
a killed server did not finish was seen by nobody, and is cut off.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from pathlib import Path

import attrs

__all__ = ["History", "Room", "Said"]


@attrs.frozen
class Said:
    """A message of a room."""

    id: str
    """Chosen by the client that sent it; no two messages have the same."""

    name: str
    """Who said it."""

    text: str
    """What was said."""

    def to_json(self) -> str:
        """Return what every client of the room gets."""
        return json.dumps({"type": "said", **attrs.asdict(self)})


class Room:
    """The messages of one room, oldest first."""

    def __init__(self) -> None:
        """Begin empty."""
        self.messages: list[Said] = []
        self._grew = asyncio.Condition()
        self._position_of: dict[str, int] = {}

    def knows(self, message_id: str) -> bool:
        """Tell whether a message is there."""
        return message_id in self._position_of

    def add(self, said: Said) -> None:
        """Put a message at the end."""
        self._position_of[said.id] = len(self.messages)
        self.messages.append(said)

    async def wake_waiters(self) -> None:
        """Let those look again who wait for messages."""
        async with self._grew:
            self._grew.notify_all()

    async def wait_for_more_than(self, count: int) -> None:
        """Wait until there are more messages than so many."""
        async with self._grew:
            await self._grew.wait_for(lambda: len(self.messages) > count)

    def count_seen(self, last_seen: str | None) -> int:
        """Return how many messages a client has that saw this one last; 0 if it is unknown."""
        return 0 if last_seen is None else self._position_of.get(last_seen, -1) + 1


class History:
    """All rooms."""

    def __init__(self, path: Path) -> None:
        """Read what is there.

        Args:
            path: the file, which is made if there is none.

        Raises:
            OSError: the file cannot be opened.
            ValueError: it is no history.
        """
        self._rooms: defaultdict[str, Room] = defaultdict(Room)
        self._file = path.open("a+b")
        self._file.seek(0)
        lines = self._file.read().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        for number, line in enumerate(whole, start=1):
            try:
                fields = json.loads(line)
                self.room(fields.pop("room")).add(Said(**fields))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._file.close()
                problem = f"{path}, line {number}, is no message of a chat; give another file"
                raise ValueError(problem) from error
        self._file.truncate(sum(map(len, whole)))

    def room(self, name: str) -> Room:
        """Return a room; there is any that is asked for."""
        return self._rooms[name]

    async def add(self, room_name: str, said: Said) -> None:
        """Write a message, then show it; one that is there already changes nothing.

        Raises:
            OSError: it cannot be written; nobody has seen it.
        """
        room = self.room(room_name)
        if room.knows(said.id):
            return
        line = json.dumps({"room": room_name, **attrs.asdict(said)})
        self._file.write(line.encode() + b"\n")
        self._file.flush()  # what the system has outlives the process, though no power cut
        room.add(said)
        await room.wake_waiters()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
