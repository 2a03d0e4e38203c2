"""`refold relay`: a relay over which peers find and reach each other.

What belongs here: the command, what it shows, and how it stops.  What does not: what a relay does,
which `refold.middleware.peer_network.relay_server` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Final

import attrs
import orjson
from rich.console import Console
from rich.live import Live
from rich.text import Text

from refold.commands.report_error import CommandError

if TYPE_CHECKING:
    from refold.middleware.peer_network.relay_server import RelayCounts, RelayServer

__all__ = ["relay"]

_PORT: Final = 4001
_HIGHEST_PORT: Final = 65_535
_REFRESH_SECONDS: Final = 0.25


def relay(*, host: str = "127.0.0.1", port: int = _PORT, json: bool = False) -> int:
    """Run a relay, over which peers find and reach each other, until Ctrl-C.

    Peers register with it and publish who they are; whoever is not reachable
    directly is reached through it. What passes through is encrypted from
    peer to peer.

    Example: refold relay --port 4001

    Args:
        host: The address to listen at; other machines reach it only if told so, such as 0.0.0.0.
        port: The port to listen at, 0 for any that is free; by default 4001.
        json: Print one JSON object when it listens and one when it has stopped.

    Returns:
        0 once it is stopped by Ctrl-C or SIGTERM, 2 if it cannot listen there.
    """
    if not 0 <= port <= _HIGHEST_PORT:
        message = f"--port expects 0 to {_HIGHEST_PORT}, got {port}"
        raise CommandError(message)
    # aiohttp and OpenSSL take a third of a second, which a help text does not need.
    from refold.middleware.peer_network.relay_server import RelayServer  # noqa: PLC0415

    asyncio.run(_run(RelayServer(host, port), _JsonLines() if json else _Screen(), host, port))
    return 0


async def _run(server: RelayServer, shown: _JsonLines | _Screen, host: str, port: int) -> None:
    """Serve until somebody asks to stop.

    Raises:
        CommandError: it cannot listen there.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    try:
        await server.start()
    except OSError as error:
        why = error.strerror or str(error)
        message = f"cannot listen at {host}, port {port}: {why}; give another --port, or 0 for any"
        raise CommandError(message) from error
    try:
        await shown.serve(server, stopping)
    finally:
        counts = server.counts
        await server.close()
    shown.stopped(counts)


class _JsonLines:
    """One object when it listens, one when it has stopped."""

    async def serve(self, server: RelayServer, stopping: asyncio.Event) -> None:
        """Say where it listens, and wait."""
        self._print({"event": "listening", "url": server.url})
        await stopping.wait()

    def stopped(self, counts: RelayCounts) -> None:
        """Say what there was to do at the end."""
        self._print({"event": "stopped", **attrs.asdict(counts)})

    def _print(self, value: dict[str, object]) -> None:
        sys.stdout.write(orjson.dumps(value).decode() + "\n")
        sys.stdout.flush()


class _Screen:
    """Lines for a person; on a terminal the last one shows what there is to do now."""

    def __init__(self) -> None:
        """Write to stdout."""
        self._console = Console(highlight=False)

    async def serve(self, server: RelayServer, stopping: asyncio.Event) -> None:
        """Say where it listens, and show the counts while it does."""
        self._console.print(Text(f"relay: {server.url}", style="bold"), soft_wrap=True)
        self._console.print(Text("give this to peers; stop it by Ctrl-C", style="dim"))
        sys.stdout.flush()
        if not self._console.is_terminal:
            await stopping.wait()
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while not stopping.is_set():
                live.update(_describe(server.counts), refresh=True)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), _REFRESH_SECONDS)

    def stopped(self, counts: RelayCounts) -> None:
        """Say what there was to do at the end."""
        self._console.print(Text("stopped with ").append_text(_describe(counts)))


def _describe(counts: RelayCounts) -> Text:
    """Return the counts in words."""
    return Text(", ").join(
        Text(f"{count} {name}" if count == 1 else f"{count} {name}s")
        for name, count in (
            ("listener", counts.listeners),
            ("circuit", counts.circuits),
            ("presence", counts.presences),
        )
    )
