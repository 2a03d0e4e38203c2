"""The echo server of the `websockets` package, as a program: ``echo_far_away.py ADDRESS``.

It tells its port, and each connection that it accepted and lost.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


def tell(**facts: Any) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def echo(connection: ServerConnection) -> None:
    """Send every message back."""
    tell(accepted=True)
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass
    tell(closed=connection.close_code)


async def main(address: str) -> None:
    """Serve until killed."""
    async with serve(echo, address, 0, ping_interval=None, compression=None) as server:
        tell(port=next(iter(server.sockets)).getsockname()[1])
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
