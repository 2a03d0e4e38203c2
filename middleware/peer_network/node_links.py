"""`NodeLinks`: all links of one node, from the channel that a transport gives to the last event.

What belongs here: which links there are, which are refused, and which one is used.  What does not:
what goes over one, which `PeerLink` knows; and dialling, which `ConnectAttempts` does.
"""

from __future__ import annotations

import asyncio
import contextvars
from itertools import count
from typing import TYPE_CHECKING, Final

from refold.middleware.peer_network.node_events import LinkDown, LinkUp, MessageReceived
from refold.middleware.peer_network.peer_link import PeerLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.peer_records import TransportKind
    from refold.middleware.peer_network.node_events import NodeEvent
    from refold.middleware.peer_network.peer_options import PeerOptions
    from refold.middleware.peer_network.secure_channel import SecureChannel

__all__ = ["NodeLinks"]

_MOST_REFUSALS: Final = 16
"""Refused links that are told why at the same time; more of them are broken off."""


class NodeLinks:
    """Serves links; each in a task of its own, which is gone when the link is."""

    def __init__(
        self,
        own_peer_id: str,
        options: PeerOptions,
        *,
        report: Callable[[NodeEvent], None],
        on_inbound: Callable[[PeerLink], None],
    ) -> None:
        """Begin without a link, and take none before `open`.

        Args:
            own_peer_id: nobody else may have it.
            options: durations and bounds.
            report: told of links and messages; it raises nothing.
            on_inbound: called when a link that came in is up, after it was reported.
        """
        self._own_peer_id = own_peer_id
        self._options = options
        self._report = report
        self._on_inbound = on_inbound
        self._links: dict[str, dict[PeerLink, asyncio.Task[None]]] = {}
        """For each peer its links, the oldest first, and who serves them."""
        self._refusals: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self._is_open = False
        self._context = contextvars.Context()

    def open(self) -> None:
        """Take links from now on; their tasks have the present context, not that of a caller."""
        self._context = contextvars.copy_context()
        self._is_open = True

    # --- what comes from the transports -----------------------------------------------------------

    def take_dialed(self, channel: SecureChannel, kind: TransportKind) -> str | None:
        """Take a channel that this node dialled; return why not, or None once it is reported."""
        reason = self._reason_to_refuse(channel.peer_id)
        if reason is not None:
            self._refuse(channel, kind, reason)
            return reason
        self._report_up(self._add(channel, kind, is_inbound=False))
        return None

    def take_inbound(self, kind: TransportKind, channel: SecureChannel) -> None:
        """Take a channel that a peer dialled; it counts as a link once the peer has spoken."""
        reason = self._reason_to_refuse(channel.peer_id)
        if reason is not None:
            self._refuse(channel, kind, reason)
        else:
            self._add(channel, kind, is_inbound=True)

    # --- questions --------------------------------------------------------------------------------

    def best(self, peer_id: str) -> PeerLink | None:
        """Return the link that is used for a peer: the kind that is dialled first, then the oldest.

        Returns:
            None if there is none that both ends know of.
        """
        usable = [link for link in self._links.get(peer_id, ()) if link.is_usable]
        return min(usable, key=self._rank, default=None)

    # --- the end ----------------------------------------------------------------------------------

    def leave(self, peer_id: str, reason: str) -> list[asyncio.Task[None]]:
        """Begin to say goodbye on all links to a peer; return what to wait for, each bounded."""
        links = self._links.get(peer_id, {})
        for link in links:
            link.leave(reason)
        return list(links.values())

    def close(self, reason: str) -> list[asyncio.Task[None]]:
        """Take no more links, and begin to say goodbye on all; return what to wait for."""
        self._is_open = False
        tasks = [task for peer_id in self._links for task in self.leave(peer_id, reason)]
        return [*tasks, *self._refusals]

    def abort(self) -> list[asyncio.Task[None]]:
        """Break off at once what is left, and report it; return what was cancelled."""
        tasks = list(self._refusals)
        for links in list(self._links.values()):
            for link, task in list(links.items()):
                tasks.append(task)
                link.abort()
                self._remove(link)
        for task in tasks:
            task.cancel()
        return tasks

    # --- below ------------------------------------------------------------------------------------

    def _reason_to_refuse(self, peer_id: str) -> str | None:
        options = self._options
        if not self._is_open:
            return "the node is stopping"
        if peer_id == self._own_peer_id:
            return "a peer cannot connect to itself"
        if len(self._links.get(peer_id, ())) >= options.max_links_per_peer:
            return f"there are {options.max_links_per_peer} links between these peers already"
        if sum(map(len, self._links.values())) >= options.max_links:
            return f"the peer has {options.max_links} links already"
        return None

    def _refuse(self, channel: SecureChannel, kind: TransportKind, reason: str) -> None:
        """Say goodbye on a channel that becomes no link; break it off where there is no time."""
        if not self._is_open or len(self._refusals) >= _MOST_REFUSALS:
            channel.abort()
            return
        link = self._new_link(channel, kind, is_inbound=True)
        link.leave(reason)
        task = asyncio.create_task(link.run(), name="refold refused link", context=self._context)
        self._refusals.add(task)
        task.add_done_callback(self._refusals.discard)

    def _add(self, channel: SecureChannel, kind: TransportKind, *, is_inbound: bool) -> PeerLink:
        """Begin to serve a channel."""
        link = self._new_link(channel, kind, is_inbound=is_inbound)
        task = asyncio.create_task(
            self._serve(link), name=f"refold peer {link.link_id}", context=self._context
        )
        self._links.setdefault(link.peer_id, {})[link] = task
        return link

    def _new_link(
        self, channel: SecureChannel, kind: TransportKind, *, is_inbound: bool
    ) -> PeerLink:
        return PeerLink(
            channel,
            self._options,
            link_id=f"link-{next(self._numbers)}",
            peer_id=channel.peer_id,
            transport=kind,
            is_inbound=is_inbound,
            on_open=self._on_open,
            on_message=self._on_message,
            on_over=self._on_over,
        )

    async def _serve(self, link: PeerLink) -> None:
        """Run a link to its end."""
        try:
            await link.run()
        finally:
            self._remove(link)

    def _remove(self, link: PeerLink) -> None:
        """Forget a link, once."""
        links = self._links.get(link.peer_id, {})
        if links.pop(link, None) is not None and not links:
            del self._links[link.peer_id]

    def _on_open(self, link: PeerLink) -> None:
        self._report_up(link)
        self._on_inbound(link)

    def _on_message(self, link: PeerLink, kind: str, payload: bytes) -> None:
        self._report(MessageReceived(link.peer_id, kind, payload))

    def _on_over(self, link: PeerLink, reason: str) -> None:
        self._report(LinkDown(link.peer_id, link.link_id, reason))

    def _report_up(self, link: PeerLink) -> None:
        self._report(LinkUp(link.peer_id, link.link_id, link.transport, link.is_inbound))

    def _rank(self, link: PeerLink) -> int:
        """Return how far behind a kind stands; one that is never dialled is last."""
        order = self._options.order
        return order.index(link.transport) if link.transport in order else len(order)
