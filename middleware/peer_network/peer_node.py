"""`PeerNode`: connects to peers and is connected to, over several transports; it knows no store.

What belongs here: what its user calls, and its life from start to end.  What does not: links
(`NodeLinks`), and attempts to reach a peer (`ConnectAttempts`).
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from refold.errors import NotConnectedToPeerError, PeerError
from refold.middleware.is_being_cancelled import is_being_cancelled
from refold.middleware.owning_loop import OwningLoop
from refold.middleware.peer_network.connect_attempts import ConnectAttempts
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.peer_network.link_frames import MessageFrame, encode_frame
from refold.middleware.peer_network.node_events import NodeStarted
from refold.middleware.peer_network.node_links import NodeLinks
from refold.middleware.peer_network.peer_options import PeerOptions
from refold.middleware.peer_network.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.node_events import NodeEvent
    from refold.middleware.peer_network.peer_link import PeerLink
    from refold.middleware.peer_network.peer_transport import PeerTransport

__all__ = ["PeerNode"]

_USUAL: Final = PeerOptions()

_log: Final = logging.getLogger("refold.peers")


class PeerNode:
    """Serves from `run` on until that is cancelled; it is used from one event loop, once."""

    def __init__(
        self,
        identity_peer_id: str,
        transports: Sequence[PeerTransport],
        *,
        options: PeerOptions = _USUAL,
        report: Callable[[NodeEvent], None],
    ) -> None:
        """Do nothing yet.

        Args:
            identity_peer_id: this peer's own id.
            transports: of any kinds; they belong to the node, which closes them in the end.
            options: order, durations and bounds.
            report: told of all that happens, in order.  While it runs nothing more is read from
                the link that it concerns; what it raises is logged, and the node goes on.
        """
        self._peer_id = identity_peer_id
        self._transports = tuple(transports)
        self._options = options
        self._report_to = report
        self._links = NodeLinks(
            identity_peer_id, options, report=self._report, on_inbound=self._on_inbound
        )
        self._flights: SingleFlight[str, ConnectResult] = SingleFlight()
        self._attempts: dict[str, ConnectAttempts] = {}
        self._home = OwningLoop("the peer node")
        self._is_running = False
        self._is_over = False

    async def run(self) -> None:
        """Serve until cancelled; then say goodbye to all peers, in a bounded time.

        Raises:
            PeerError: it was run before.
            Exception: a transport cannot listen, for a cause that waiting does not mend.
        """
        if self._home.loop is not None:
            message = "a peer node runs once, and this one did; make another one, with transports"
            raise PeerError(message)
        self._home.adopt()
        self._links.open()
        self._is_running = True
        listening = [
            asyncio.create_task(self._listen(transport), name="refold peer listener")
            for transport in self._transports
        ]
        try:
            await self._wait_until_listening(listening)
            self._report(NodeStarted(self.addresses()))
            await asyncio.gather(*listening)
            await asyncio.get_running_loop().create_future()
        finally:
            await self._stop(listening)

    async def connect(self, presence: Presence) -> ConnectResult:
        """Return whether there is a link to a peer, after dialling it if need be.

        Who calls while the same peer is being dialled waits for the same result, whatever its
        presence.  A cancelled caller leaves the others; the last one stops the dialling.  The
        network's failures are in the result and raise nothing.

        Raises:
            WrongThreadError: it is called from another event loop.
        """
        self._home.refuse_others()
        known = self._result_without_dialing(presence.peer_id)
        if known is not None:
            return known
        try:
            return await self._flights.join(presence.peer_id, partial(self._connect, presence))
        except asyncio.CancelledError:
            if is_being_cancelled():
                raise
            return _failure("The node was stopped")  # in a hurry, so the dial itself was cancelled

    async def disconnect(self, peer_id: str) -> None:
        """Say goodbye on all links to a peer, after what waits to be sent; dial it no more.

        Returns once the links are down, in a bounded time.

        Raises:
            WrongThreadError: it is called from another event loop.
        """
        self._home.refuse_others()
        attempts = self._attempts.get(peer_id)
        if attempts is not None:
            attempts.call_off("Disconnected while connecting")
        await _wait_for(self._links.leave(peer_id, "disconnected"), None)

    async def send(self, peer_id: str, kind: str, payload: bytes) -> None:
        """Let a message wait to leave over the best link to a peer.

        A return is no proof that the peer gets it: what waits in a link that is lost is lost.

        Args:
            peer_id: to whom.
            kind: what it is about: 1 to 255 printable ASCII characters.
            payload: at most about 1 MiB.

        Raises:
            NotConnectedToPeerError: there is no link; nothing was sent.
            QueueFullError: there was no room within ``send_timeout``; nothing was sent.
            ValueError: the kind or the payload is out of its range.
            WrongThreadError: it is called from another event loop.
        """
        self._home.refuse_others()
        frame = encode_frame(MessageFrame(kind, payload))
        while (link := self._links.best(peer_id)) is not None:
            try:
                await link.send(frame)
            except NotConnectedToPeerError:
                continue  # it ended before there was room; there may be another
            return
        message = f"there is no link to the peer {peer_id}; connect to it first"
        raise NotConnectedToPeerError(message)

    def is_connected(self, peer_id: str) -> bool:
        """Tell whether there is a link to a peer that messages can be sent over."""
        return self._links.best(peer_id) is not None

    def connection_type(self, peer_id: str) -> TransportKind | None:
        """Return what carries the link that messages are sent over; None if there is none."""
        link = self._links.best(peer_id)
        return None if link is None else link.transport

    def addresses(self) -> tuple[str, ...]:
        """Return where this node can be dialled now, as multiaddr texts; nowhere unless it runs."""
        if not self._is_running:
            return ()
        return tuple(
            dict.fromkeys(
                address for transport in self._transports for address in transport.addresses()
            )
        )

    # --- connecting -------------------------------------------------------------------------------

    def _result_without_dialing(self, peer_id: str) -> ConnectResult | None:
        """Return a result that needs no dial; None if the peer has to be dialled."""
        link = self._links.best(peer_id)
        if link is not None:
            return ConnectResult(
                success=True, connection_type=link.transport, error=None, attempts=0
            )
        if not self._is_running:
            return _failure("The node is not running")
        return None

    async def _connect(self, presence: Presence) -> ConnectResult:
        """Dial a peer, unless all is different by now."""
        known = self._result_without_dialing(presence.peer_id)
        if known is not None:
            return known
        attempts = self._attempts[presence.peer_id] = ConnectAttempts(
            presence,
            own_peer_id=self._peer_id,
            transports=self._transports,
            options=self._options,
            report=self._report,
            take=self._links.take_dialed,
        )
        try:
            return await attempts.run()
        finally:
            del self._attempts[presence.peer_id]

    def _on_inbound(self, link: PeerLink) -> None:
        attempts = self._attempts.get(link.peer_id)
        if attempts is not None:
            attempts.end_by_link(link.transport)

    # --- start and end ----------------------------------------------------------------------------

    async def _listen(self, transport: PeerTransport) -> None:
        await transport.listen(partial(self._links.take_inbound, transport.kind))

    async def _wait_until_listening(self, listening: Sequence[asyncio.Task[None]]) -> None:
        """Wait for all transports, as long as the time for the start allows."""
        timeout = self._options.start_timeout
        done = await _wait_for(listening, timeout, return_when=asyncio.FIRST_EXCEPTION)
        ended = [task for task in listening if task in done]
        errors = [error for task in ended if (error := task.exception()) is not None]
        for error in errors[1:]:
            _log.error("another transport cannot listen either", exc_info=error)
        if errors:
            raise errors[0]
        if len(done) < len(listening):
            _log.warning("not all transports listen after %g s; the node starts anyway", timeout)

    async def _stop(self, listening: Iterable[asyncio.Task[None]]) -> None:
        """Leave nothing behind; each of the two steps takes twice ``close_timeout`` at most."""
        self._is_running = False
        timeout = 2 * self._options.close_timeout
        for attempts in tuple(self._attempts.values()):
            attempts.call_off("The node was stopped")
        tasks: list[asyncio.Task[Any]] = [*listening, *self._flights.tasks()]
        tasks += self._links.close("the node was stopped")
        for task in listening:
            task.cancel()
        try:
            await _wait_for(tasks, timeout)
            tasks += [asyncio.create_task(self._close(each)) for each in self._transports]
            await _wait_for(tasks, timeout)
        finally:
            self._links.abort()
            for task in tasks:
                task.cancel()
            self._is_over = True
        left = len(tasks) - len(await _wait_for(tasks, timeout))
        if left:
            _log.error("%d tasks of the peer node do not end although they were cancelled", left)

    async def _close(self, transport: PeerTransport) -> None:
        try:
            await transport.close()
        except Exception:  # noqa: BLE001  # told in the log
            _log.exception("the %s transport could not be closed", transport.kind)

    def _report(self, event: NodeEvent) -> None:
        if self._is_over:
            return
        try:
            self._report_to(event)
        except Exception:  # noqa: BLE001  # told in the log
            _log.exception("the report of %s raised; the node goes on", type(event).__name__)


def _failure(error: str) -> ConnectResult:
    """Return the result of who was not tried to be reached, or not to the end."""
    return ConnectResult(success=False, connection_type="none", error=error, attempts=0)


async def _wait_for(
    tasks: Sequence[asyncio.Task[Any]],
    timeout: float | None,  # noqa: ASYNC109  # what is late goes on
    *,
    return_when: str = asyncio.ALL_COMPLETED,
) -> set[asyncio.Task[Any]]:
    """Return the tasks that are done by then, also if there are none at all."""
    if not tasks:
        return set()
    done, _late = await asyncio.wait(tasks, timeout=timeout, return_when=return_when)
    return done
