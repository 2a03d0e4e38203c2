"""A server of made-up flow events.

Run it:  python examples/connectome_stepper/feed_server.py
Stop it with Ctrl-C, or kill it without mercy: its clients come back when it does.

It knows nothing of refold.  Each message is a JSON text:

    {"type": "flow_event", "id": "18c2f-7", "at_ms": 1766188800000, "call_type": "graph",
     "label": "neighbours", "node_id": "GRAPH.store", "edge_id": "GRAPH.read>GRAPH.store",
     "duration_ms": 21.5}
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from aiohttp import web

_CALLS = (
    ("code", "GET /map", "BE.api", "FE.page"),
    ("graph", "read context", "GRAPH.read", "BE.flow"),
    ("graph", "neighbours", "GRAPH.store", "GRAPH.read"),
    ("agent", "plan answer", "AGENTS.plan", "BE.flow"),
    ("agent", "find words", "AGENTS.say", "AGENTS.plan"),
    ("code", "200 /map", "FE.page", "BE.api"),
)
"""Call type, label, node, and the node that the call comes from."""

_KEPT_FOR_CLIENT = 1000
"""Events that one client may be behind."""


def make_events(seed: int, run: str) -> Iterator[dict[str, Any]]:
    """Yield one event after another for ever, without times; a seed has one sequence.

    Args:
        seed: another one, other durations.
        run: begins every id, so that no two runs of the server use one twice.
    """
    chance = random.Random(seed)  # noqa: S311  # a made-up event is no secret
    for number in itertools.count():
        call_type, label, node, came_from = _CALLS[number % len(_CALLS)]
        yield {
            "type": "flow_event",
            "id": f"{run}-{number}",
            "call_type": call_type,
            "label": label,
            "node_id": node,
            "edge_id": f"{came_from}>{node}",
            "duration_ms": round(chance.lognormvariate(3, 1), 1),
        }


class Feed:
    """The clients, and the events that go to all of them as they happen."""

    def __init__(self) -> None:
        """Begin without a client."""
        self._queues: set[asyncio.Queue[str]] = set()

    async def run(self, seed: int, seconds_per_event: float) -> None:
        """Let one event after another happen, until cancelled."""
        for event in make_events(seed, f"{time.time_ns() // 1_000_000:x}"):
            await asyncio.sleep(seconds_per_event)
            text = json.dumps({**event, "at_ms": int(time.time() * 1000)})
            for queue in self._queues:
                if queue.full():  # a client that reads slowly misses the oldest
                    queue.get_nowait()
                queue.put_nowait(text)

    async def welcome(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client; reading is what answers pings, and notices that the client is gone."""
        client = web.WebSocketResponse()
        await client.prepare(request)
        queue = asyncio.Queue[str](_KEPT_FOR_CLIENT)
        self._queues.add(queue)
        feed = asyncio.create_task(self._feed(client, queue))
        try:
            async for _ in client:
                pass
        finally:
            self._queues.discard(queue)
            feed.cancel()
        return client

    async def _feed(self, client: web.WebSocketResponse, queue: asyncio.Queue[str]) -> None:
        with suppress(ConnectionError):
            while True:
                await client.send_str(await queue.get())


async def serve(host: str, port: int, seed: int, seconds_per_event: float) -> None:
    """Serve until cancelled; print the address once it can be used."""
    feed = Feed()
    application = web.Application()
    application.router.add_get("/", feed.welcome)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        print(f"events at ws://{host}:{runner.addresses[0][1]}/ (Ctrl-C ends this)", flush=True)
        await feed.run(seed, seconds_per_event)
    finally:
        await runner.cleanup()


def main() -> None:
    """Read the command line and serve; Ctrl-C ends it."""
    parser = argparse.ArgumentParser(description="Send made-up flow events.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=int, default=8703, help="0 for a free one (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another one, other durations")
    parser.add_argument("--every", type=float, default=0.5, help="seconds per event (%(default)s)")
    options = parser.parse_args()
    if not 0 < options.every < float("inf"):
        parser.error(f"--every must be more than 0 seconds, got {options.every:g}")
    try:
        asyncio.run(serve(options.host, options.port, options.seed, options.every))
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on {options.host}, port {options.port}: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
