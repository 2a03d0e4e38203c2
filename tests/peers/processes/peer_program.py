"""A program with peers that obeys lines of JSON, and tells what happens by others.

What belongs here: the life of the process: commands in, leaks counted at the end.  What does not:
what a peer does, which `HostedPeer` knows.

Its argument is a JSON list of the fields of `PeerSetup`, one for each peer.  It stops cleanly by
``{"do": "stop"}`` or when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tests.peers.processes.hosted_peer import HostedPeer, PeerSetup, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_LAST_LOOK_SECONDS: Final = 5.0
"""How long after the end sockets may take to be closed."""


async def main(setups: Sequence[PeerSetup]) -> None:
    """Run all peers until told to stop; then tell what was left behind."""
    commands = _typed_commands()
    descriptors = _open_descriptors()
    async with AsyncExitStack() as stack:
        peers = [HostedPeer(number, setup) for number, setup in enumerate(setups)]
        await asyncio.gather(*(stack.enter_async_context(peer.running()) for peer in peers))
        obeying = set[asyncio.Task[None]]()
        while (command := await commands.get())["do"] != "stop":
            tell("commanded", command=command["command"])
            number: int = command["peer"]
            task = asyncio.create_task(_obey(peers[number], command))
            obeying.add(task)
            task.add_done_callback(obeying.discard)
        tell("commanded", command="stop")
    if obeying:
        await asyncio.wait(obeying)  # each ends because the peers did
    await _until_nothing_is_left(descriptors)
    tasks = [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    left = sorted(set(_open_descriptors()) - set(descriptors))
    tell("stopped", tasks=tasks, descriptors=left)


async def _obey(peer: HostedPeer, command: dict[str, Any]) -> None:
    try:
        outcome = await peer.obey(command)
    except Exception as error:  # noqa: BLE001  # whoever commands is told
        outcome = {"raised": f"{type(error).__name__}: {error}"}
    tell("done", command=command["command"], outcome=outcome)


async def _until_nothing_is_left(descriptors: Sequence[str]) -> None:
    """Wait until as little is left as there was, or it is of no use any more."""
    until = asyncio.get_running_loop().time() + _LAST_LOOK_SECONDS
    while asyncio.get_running_loop().time() < until:
        if len(asyncio.all_tasks()) == 1 and len(_open_descriptors()) <= len(descriptors):
            return
        await asyncio.sleep(0.01)


def _open_descriptors() -> list[str]:
    """Return what is open, with the number of each."""
    found = list[str]()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208  # only the names
        try:
            found.append(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")  # noqa: PTH115
        except FileNotFoundError:
            continue  # that of the list itself
    return found


def _typed_commands() -> asyncio.Queue[dict[str, Any]]:
    """Return a queue of the commands that come in; the end of the input is one to stop."""
    commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(commands.put_nowait, json.loads(line))
        loop.call_soon_threadsafe(commands.put_nowait, {"do": "stop"})

    threading.Thread(target=read, daemon=True).start()
    return commands


class _TellErrors(logging.Handler):
    """Tells what is logged as an error, and what asyncio warns of."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        if record.levelno >= logging.ERROR or record.name == "asyncio":
            self.format(record)
            tell("complaint", text=record.getMessage(), why=record.exc_text)


def _loopback_only(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001  # aioice's own
    """Return the address that aioice leaves out by itself."""
    return ["127.0.0.1"] if use_ipv4 or use_ipv6 else []


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, handlers=[_TellErrors()])
    chosen = [PeerSetup(**fields) for fields in json.loads(sys.argv[1])]
    with ExitStack() as patches:
        if any("webrtc" in setup.transports for setup in chosen):
            patches.enter_context(patch("aioice.ice.get_host_addresses", _loopback_only))
        asyncio.run(main(chosen))
