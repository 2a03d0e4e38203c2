"""A chat session without a terminal: the store, its connection, and what joins the two.

Nothing to run here; see client.py.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from examples.chat.state import ChatState, LineGivenUp, LineTyped, MessageArrived, root
from refold import Store, record, timestamps
from refold.actions.message import message
from refold.errors import AckTimeoutError, NotDeliveredError
from refold.middleware.acknowledgements import Acknowledgements
from refold.middleware.message_handlers import MessageHandlers
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff

if TYPE_CHECKING:
    import asyncio

    from refold import Middleware
    from refold.middleware.new_link import NewLink

__all__ = ["ChatSession", "Join", "Said", "Say", "make_session"]

_OPTIONS = WebSocketOptions(backoff=Backoff(initial_seconds=0.3, cap_seconds=3.0))
"""Less patient than the default, because the server is near."""


@message("join")
class Join:
    """Sent first on each link."""

    room: str
    """Where to talk."""

    name: str
    """As whom."""

    last_seen: str | None
    """The id of the last message that arrived here; the server sends what came after it."""


@message("say")
class Say:
    """Says something in the room; sent again until it comes back, and taken once."""

    id: str
    """No other message of anybody has it."""

    text: str
    """What is said."""


@message("said")
class Said:
    """A message of the room; one's own comes back like this, and is acknowledged by that."""

    id: str
    """As it was in its `Say`."""

    name: str
    """Who said it."""

    text: str
    """What was said."""


class ChatSession:
    """One user in one room."""

    def __init__(
        self,
        store: Store[ChatState],
        connection: WebSocketConnection,
        handlers: MessageHandlers,
    ) -> None:
        """Join the three; `make_session` is for everybody else."""
        self.store = store
        """Connects when it is entered."""
        self.connection = connection
        """Sends, and keeps while the server is away what it cannot send."""
        self.handlers = handlers
        """Knows which messages came, and how many came twice."""
        handlers.on(Said, self.take)

    def say(self, text: str) -> None:
        """Say something, connected or not; it stays in ``talk.waiting`` until it comes back.

        Raises:
            InvalidPayloadError: it cannot be sent.
            QueueFullError: too much waits already.
        """
        delivery = self.connection.send(text, ack=True)
        self.store.dispatch(LineTyped(delivery.ack_id, text))
        delivery.future.add_done_callback(partial(self._note_outcome, delivery.ack_id))

    def take(self, said: Said) -> None:
        """Put a message that arrived into the state."""
        self.store.dispatch(MessageArrived(said.id, said.name, said.text))

    def _note_outcome(self, message_id: str, future: asyncio.Future[None]) -> None:
        """Put into the state that a line was given up; that it arrived, `take` does."""
        error = None if future.cancelled() else future.exception()
        if isinstance(error, AckTimeoutError | NotDeliveredError):
            self.store.dispatch(LineGivenUp(message_id, str(error)))


def make_session(url: str, room: str, name: str, log: Path | None = None) -> ChatSession:
    """Return a session whose store connects when it is entered.

    Args:
        url: where the server is.
        room: where to talk.
        name: as whom.
        log: a new .jsonl file in which every action is recorded; None for none.
    """

    async def join(link: NewLink) -> None:
        last_seen = link.last_seen if isinstance(link.last_seen, str) else None
        await link.send(Join(room, name, last_seen))

    def id_of(message: object) -> str | None:
        return message.id if isinstance(message, Said) else None

    handlers = MessageHandlers(identify=id_of)  # a message that comes twice is handled once
    connection = WebSocketConnection(
        url,
        handlers=handlers,
        acknowledgements=Acknowledgements(Say, id_of),
        on_open=join,
        options=_OPTIONS,
    )
    middleware: list[Middleware[ChatState]] = [timestamps(), connection]
    if log is not None:
        middleware.append(record(log))
    return ChatSession(Store(root, middleware=middleware), connection, handlers)
