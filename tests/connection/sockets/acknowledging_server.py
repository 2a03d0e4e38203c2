"""A program that acknowledges messages, and keeps them in a file, so as to survive a kill.

Usage: ``python acknowledging_server.py PORT FILE``; port 0 for a free one.  It prints its port as
JSON when it listens.  An id is written to the file before it is acknowledged, if it is new.

What belongs here: the far end, in a process that may be killed at any point.  What does not:
refold.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

__all__: list[str] = []


async def _serve(port: int, book: int, seen: set[str]) -> None:

    async def acknowledge(connection: ServerConnection) -> None:
        try:
            async for text in connection:
                received = json.loads(text)
                if received["id"] not in seen:
                    seen.add(received["id"])
                    os.write(book, json.dumps(received).encode() + b"\n")  # one write: whole or not
                answer = {"type": "tests.sockets.acknowledged", "id": received["id"]}
                await connection.send(json.dumps(answer))
        except ConnectionClosed:
            return

    quiet = logging.getLogger("quiet")
    quiet.disabled = True
    async with serve(acknowledge, "127.0.0.1", port, compression=None, logger=quiet) as server:
        (listening,) = server.sockets
        sys.stdout.write(json.dumps({"port": listening.getsockname()[1]}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    _path = Path(sys.argv[2])
    _book = os.open(_path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    _seen = {json.loads(line)["id"] for line in _path.read_text().splitlines()}
    asyncio.run(_serve(int(sys.argv[1]), _book, _seen))
