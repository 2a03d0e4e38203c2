"""A chat server with rooms, and a history from which a client gets what it missed.

Run it:  python examples/chat/server.py
Stop it with Ctrl-C, or kill it without mercy: nothing that anybody saw is lost.

It knows nothing of refold.  A client joins first, then says things, and gets every message of the
room that came after the one it saw last; its own, too, which tells it that they have arrived:

    > {"type": "join", "room": "lobby", "name": "desk", "last_seen": null}
    > {"type": "say", "id": "5f1c", "text": "hello"}
    < {"type": "said", "id": "5f1c", "name": "desk", "text": "hello"}
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from aiohttp import WSCloseCode, web

if not __package__:  # started by its path: `examples` is found beside the README of the checkout
    sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.chat.history import History, Room, Said

__all__ = ["ChatServer", "serve"]


class ChatServer:
    """Takes what clients say, and feeds every client with its room."""

    def __init__(self, history: History) -> None:
        """Serve what is in a history, and add to it."""
        self._history = history

    async def welcome(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client; code 1008 sends away one that does not speak as it should."""
        client = web.WebSocketResponse(heartbeat=20.0)
        await client.prepare(request)
        feed: asyncio.Task[None] | None = None
        try:
            join = await client.receive_json()
            room_name, name = _text(join, "room"), _text(join, "name")
            room = self._history.room(room_name)
            feed = asyncio.create_task(_feed(client, room, room.count_seen(join.get("last_seen"))))
            async for frame in client:
                say = json.loads(frame.data)
                said = Said(id=_text(say, "id"), name=name, text=_text(say, "text"))
                await self._history.add(room_name, said)
        except (TypeError, ValueError) as error:  # a frame that is no text, no JSON, or incomplete
            await client.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode()[:120])
        finally:
            if feed is not None:
                feed.cancel()
        return client


async def _feed(client: web.WebSocketResponse, room: Room, sent: int) -> None:
    """Send every message but for the first so many: those that are there and those that come."""
    with suppress(ConnectionError):
        while True:
            while sent < len(room.messages):
                await client.send_str(room.messages[sent].to_json())
                sent += 1
            await room.wait_for_more_than(sent)


def _text(message: Any, field: str) -> str:
    """Return a field of what a client sent."""
    fields = cast("dict[str, object]", message) if isinstance(message, dict) else {}
    text = fields.get(field)
    if isinstance(text, str):
        return text
    problem = f"expected an object with a text under {field!r}"
    raise ValueError(problem)


async def serve(host: str, port: int, history: History) -> None:
    """Serve until cancelled; print the address once it can be used."""
    application = web.Application()
    application.router.add_get("/", ChatServer(history).welcome)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        print(f"chat at ws://{host}:{runner.addresses[0][1]}/ (Ctrl-C ends this)", flush=True)
        await asyncio.get_running_loop().create_future()
    finally:
        await runner.cleanup()
        history.close()


def main() -> None:
    """Read the command line and serve; Ctrl-C ends it."""
    parser = argparse.ArgumentParser(description="Let people talk in rooms.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=int, default=8702, help="0 for a free one (%(default)s)")
    file = Path("chat_history.jsonl")
    parser.add_argument("--history", type=Path, default=file, help="a file (%(default)s)")
    options = parser.parse_args()
    try:
        history = History(options.history)
    except (OSError, ValueError) as error:
        parser.error(f"cannot use the history: {error}")
    try:
        asyncio.run(serve(options.host, options.port, history))
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on {options.host}, port {options.port}: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
