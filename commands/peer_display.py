"""`PeerDisplay`: a peer's state as it changes, live on a terminal, and as lines elsewhere.

What belongs here: how it looks.  What does not: the peer.
"""

from __future__ import annotations

import datetime
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from refold.commands.printable import printable
from refold.selectors.peer_activity import select_activity_events, select_latest_activity_events
from refold.selectors.peers import select_online_peers_with_status

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from contextlib import AbstractContextManager

    from refold.reducers.peer_activity import ActivityEvent
    from refold.reducers.peer_network import PeerNetworkState
    from refold.reducers.peers import PeersState
    from refold.store.store import Store

__all__ = ["PeerDisplay", "make_display"]

_LATEST: Final = 8
"""Events below the table."""

_SHOWN_OF_ID: Final = 12
_STYLES: Final = {
    "connected": "green",
    "connecting": "cyan",
    "failed": "red",
    "disconnected": "dim",
    "peer_joined": "green",
    "peer_left": "yellow",
    "error": "red",
    "info": "",
}


class PeerDisplay(Protocol):
    """Shows a store until told to stop."""

    def showing(self, store: Store[PeerNetworkState]) -> AbstractContextManager[None]:
        """Show what happens inside the block."""
        ...


def make_display(*, json: bool) -> PeerDisplay:
    """Return the display that fits: JSON if wanted, a table on a terminal, else lines."""
    if json:
        return _JsonDisplay()
    console = Console(highlight=False)
    return _TableDisplay(console) if console.is_terminal else _LineDisplay(console)


class _EventDisplay:
    """Writes each event of the activity once, and first where the peer listens."""

    @contextmanager
    def showing(self, store: Store[PeerNetworkState]) -> Generator[None]:
        shown = 0
        is_started = False

        def show() -> None:
            nonlocal shown, is_started
            state = store.state
            if not is_started and state.peers.is_running:
                is_started = True
                self.started(state.peers)
            new = [one for one in select_activity_events(state.activity) if one.number > shown]
            for event in new:
                shown = event.number
                self.happened(event)

        stop = store.subscribe(show)
        try:
            show()
            yield
        finally:
            stop()

    def started(self, peers: PeersState) -> None:
        raise NotImplementedError

    def happened(self, event: ActivityEvent) -> None:
        raise NotImplementedError


class _LineDisplay(_EventDisplay):
    def __init__(self, console: Console) -> None:
        self._console = console

    def started(self, peers: PeersState) -> None:
        for line in _who_and_where(peers):
            self._console.print(line, soft_wrap=True)

    def happened(self, event: ActivityEvent) -> None:
        self._console.print(_line_of(event), soft_wrap=True)


class _JsonDisplay(_EventDisplay):
    def started(self, peers: PeersState) -> None:
        _write({"type": "started", "peer_id": peers.own_peer_id, "addresses": [*peers.addresses]})

    def happened(self, event: ActivityEvent) -> None:
        _write(attrs.asdict(event))


class _TableDisplay:
    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def showing(self, store: Store[PeerNetworkState]) -> Generator[None]:
        with Live(
            get_renderable=lambda: _picture(store.state),
            console=self._console,
            refresh_per_second=8,
        ):
            yield


def _picture(state: PeerNetworkState) -> Group:
    table = Table("peer", "name", "status", "by", "links", box=None, pad_edge=False)
    for one in select_online_peers_with_status(state.peers):
        status = one.connection
        links = state.peers.connections.by_id.get(one.presence.peer_id)
        table.add_row(
            f"{one.presence.peer_id[:_SHOWN_OF_ID]}...",
            Text(printable(one.presence.nickname)),  # what a stranger chose is no markup
            Text(status.status, _STYLES[status.status]),
            status.connection_type or "",
            str(len(links.links)) if links is not None else "",
        )
    nobody = [] if table.row_count else [Text("nobody else is online", "dim")]
    events = select_latest_activity_events(state.activity, _LATEST)
    return Group(
        *_who_and_where(state.peers),
        Text(),
        table if table.row_count else Text(),
        *nobody,
        Text(),
        *map(_line_of, events),
    )


def _who_and_where(peers: PeersState) -> Iterable[Text]:
    if not peers.is_running:
        return [Text("starting", "dim")]
    return [
        Text(f"this peer: {peers.own_peer_id}", "bold"),
        *(Text(f"  {address}", "dim", no_wrap=True) for address in peers.addresses),
    ]


def _line_of(event: ActivityEvent) -> Text:
    return (
        Text()
        .append(f"{_time_of(event.at_ms)} ", "dim")
        .append(printable(event.message), _STYLES[event.type])
    )


def _time_of(at_ms: int | None) -> str:
    if at_ms is None:
        return "        "
    return datetime.datetime.fromtimestamp(at_ms / 1000).astimezone().strftime("%H:%M:%S")


def _write(fields: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(fields).decode() + "\n")
    sys.stdout.flush()
