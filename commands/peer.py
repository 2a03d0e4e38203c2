"""`refold peer`: a peer in the terminal that shows who is online and how it is connected.

What belongs here: the command and its life.  What does not: how it looks (`peer_display`), and
connecting, which `refold.middleware.peers` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from refold.commands.report_error import CommandError

if TYPE_CHECKING:
    from refold.commands.peer_display import PeerDisplay
    from refold.middleware.peers import Peers
    from refold.reducers.peer_network import PeerNetworkState
    from refold.store.store import Store

__all__ = ["peer"]

_HIGHEST_PORT = 65_535


def peer(  # noqa: PLR0913  # the options of a command
    *,
    relay: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    name: str = "",
    identity: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    connect: bool = False,
    webrtc: bool = False,
    record: Path | None = None,
    json: bool = False,
) -> int:
    """Be a peer: show who is online and how it is connected.

    It listens on this machine only, unless --host says otherwise, and finds
    others over relays, which refold relay runs. Ctrl-C ends it.

    Example: refold peer --relay ws://127.0.0.1:4001 --name ann --connect

    Args:
        relay: The address of a relay; may be given several times.
        name: What others call this peer.
        identity: A file with this peer's key, made if missing; by default a new key each time.
        host: Where to listen for peers that dial.
        port: Likewise; 0 for any that is free.
        connect: Connect to each peer that appears.
        webrtc: Offer data channels too; needs the extra refold[webrtc].
        record: Record every action there, a .jsonl file or a folder.
        json: Print one JSON object per event.

    Returns:
        0 when it is ended, 2 if it cannot begin.
    """
    if not 0 <= port <= _HIGHEST_PORT:
        message = f"--port expects 0 to {_HIGHEST_PORT}, got {port}"
        raise CommandError(message)
    if webrtc and not relay:
        message = "--webrtc is arranged over a relay, and there is none; add --relay ws://HOST:PORT"
        raise CommandError(message)
    # What a help text does not need.
    from refold.commands.peer_display import make_display  # noqa: PLC0415
    from refold.middleware.own_presence import OwnPresence  # noqa: PLC0415
    from refold.middleware.peer_network.peer_identity import PeerIdentity  # noqa: PLC0415
    from refold.middleware.usual_peers import usual_peers  # noqa: PLC0415

    try:
        who = PeerIdentity.generate() if identity is None else PeerIdentity.load_or_create(identity)
        peers = usual_peers(
            who,
            relays=relay,
            host=host,
            port=port,
            uses_webrtc=webrtc,
            about=OwnPresence(nickname=name),
            select=_peers_of,
        )
    except (ValueError, ImportError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        message = f"cannot use {identity} as --identity: {error.strerror or error}"
        raise CommandError(message) from error
    display = make_display(json=json)
    try:
        asyncio.run(_run(peers, record, display, connects=connect))
    except* OSError as group:
        first = _first_of(group)
        message = (
            f"cannot listen on {host}:{port}: {first.strerror or first};"
            f" give another --host or --port"
        )
        raise CommandError(message) from first
    return 0


async def _run(
    peers: Peers, record_to: Path | None, display: PeerDisplay, *, connects: bool
) -> None:
    """Serve until a signal comes."""
    from refold.middleware.record import record  # noqa: PLC0415
    from refold.middleware.timestamps import timestamps  # noqa: PLC0415
    from refold.reducers.peer_network import peer_network_reducer  # noqa: PLC0415
    from refold.store.store import Store  # noqa: PLC0415

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends it
            loop.add_signal_handler(one, ended.set)
    writing: list[Any] = [] if record_to is None else [record(record_to)]
    async with Store(peer_network_reducer, middleware=[timestamps(), *writing, peers]) as store:
        with display.showing(store):
            working = [asyncio.create_task(_connect_to_all(store, peers))] if connects else []
            await ended.wait()
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
    sys.stdout.flush()


async def _connect_to_all(store: Store[PeerNetworkState], peers: Peers) -> None:
    """Connect to each peer that appears, once per presence."""
    from refold.selectors.peers import select_online_peers  # noqa: PLC0415

    tried: set[str] = set()
    async with asyncio.TaskGroup() as group:
        async for online in store.changes(select_online_peers.at(_peers_of)):
            here = {one.peer_id for one in online}
            for peer_id in here - tried:
                group.create_task(peers.connect_to_online_peer(peer_id))
            tried = here


def _first_of(group: BaseExceptionGroup[OSError]) -> OSError:
    """Return one of the errors of a group, however deep."""
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def _peers_of(state: PeerNetworkState) -> Any:
    return state.peers
