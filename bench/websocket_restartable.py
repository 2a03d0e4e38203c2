"""`RestartableServer`: the bench's server in this process, which goes away and comes back."""

from __future__ import annotations

import asyncio

from websocket_server import listen

__all__ = ["RestartableServer"]


class RestartableServer:
    """On one port of loopback, while it is up."""

    def __init__(self) -> None:
        """Stay down until `start`."""
        self.arrivals: list[float] = []
        """When each client came, by the loop's clock."""

        self._server: asyncio.Server | None = None
        self._transports: list[asyncio.Transport] = []
        self._port = 0

    @property
    def url(self) -> str:
        """The address, known from the first start on."""
        return f"ws://127.0.0.1:{self._port}/"

    async def start(self) -> None:
        """Come up, on the same port as before."""
        self._server = await listen(self._port, self._note)
        self._port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Break all links and refuse new ones."""
        if self._server is not None:
            self._server.close()
        transports, self._transports = self._transports, []
        for transport in transports:
            transport.abort()

    def _note(self, transport: asyncio.Transport) -> None:
        self.arrivals.append(asyncio.get_running_loop().time())
        self._transports.append(transport)
