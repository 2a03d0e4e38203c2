"""`ConnectAttempts`: one series of attempts to reach one peer, from the first dial to the result.

What belongs here: dialling one address after the other, and waiting between attempts.  What does
not: which addresses in which order, and which errors are final, which `dial_plan` says; and who
waits for the result, which `SingleFlight` knows.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from refold.errors import AuthenticationError, PeerError, PipeClosedError
from refold.middleware.is_being_cancelled import is_being_cancelled
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.peer_network.dial_plan import (
    DialTarget,
    FailedDial,
    is_final,
    plan_dials,
    reason_not_to_dial,
    retry_wait,
    tell_failures,
)
from refold.middleware.peer_network.node_events import (
    AttemptsCancelled,
    AttemptsFailed,
    AttemptStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.node_events import NodeEvent
    from refold.middleware.peer_network.peer_options import PeerOptions
    from refold.middleware.peer_network.peer_transport import PeerTransport
    from refold.middleware.peer_network.secure_channel import SecureChannel

__all__ = ["ConnectAttempts"]

_log: Final = logging.getLogger("refold.peers")


class ConnectAttempts:
    """Dials until there is a link, until it is of no use, or until somebody ends it."""

    def __init__(  # noqa: PLR0913  # whom to reach, by what, and whom to tell
        self,
        presence: Presence,
        *,
        own_peer_id: str,
        transports: Sequence[PeerTransport],
        options: PeerOptions,
        report: Callable[[NodeEvent], None],
        take: Callable[[SecureChannel, TransportKind], str | None],
    ) -> None:
        """Dial nothing yet.

        Args:
            presence: whom to reach, and where.
            own_peer_id: who must not be dialled.
            transports: what to dial with.
            options: order, durations and bounds.
            report: told of attempts and their end, but for that by a link.
            take: makes a link of a channel and reports it; returns why not, or None.
        """
        self._presence = presence
        self._own_peer_id = own_peer_id
        self._transports = transports
        self._options = options
        self._report = report
        self._take = take
        self._attempt = 0
        self._ended: ConnectResult | None = None
        """The result, once somebody else has ended it."""
        self._limit = asyncio.timeout(None)
        """Reached when somebody else ends it."""

    async def run(self) -> ConnectResult:
        """Return what came of it; by then its end is reported."""
        try:
            async with self._limit:
                result = await self._try_all()
        except TimeoutError:
            if self._ended is None:
                raise
            return self._ended
        except asyncio.CancelledError:
            if self._ended is None and self._attempt:
                self._report(AttemptsCancelled(self._presence.peer_id))
            raise
        return result

    def end_by_link(self, transport: TransportKind) -> None:
        """End it with success, because the peer itself has opened a link, which is reported."""
        if self._ended is None:
            self._end(self._success(transport))

    def call_off(self, error: str) -> None:
        """End it without success, and report it as cancelled."""
        if self._ended is None:
            self._end(_failure(error, self._attempt))
            if self._attempt:
                self._report(AttemptsCancelled(self._presence.peer_id))

    def _end(self, result: ConnectResult) -> None:
        """Wake `run`, which may be waiting for a dial or between two attempts."""
        self._ended = result
        self._limit.reschedule(asyncio.get_running_loop().time())

    async def _try_all(self) -> ConnectResult:
        """Make one attempt after the other."""
        options, peer_id = self._options, self._presence.peer_id
        while True:
            self._attempt += 1
            self._report(AttemptStarted(peer_id, self._attempt))
            outcome = await self._try_once()
            if self._ended is not None:
                return self._ended
            if isinstance(outcome, ConnectResult):
                return outcome
            error, is_final_error = outcome
            if is_final_error or self._attempt >= options.attempts:
                self._report(AttemptsFailed(peer_id, error, self._attempt))
                return _failure(error, self._attempt)
            await asyncio.sleep(retry_wait(options.retry_base, self._attempt))
            if self._ended is not None:
                return self._ended

    async def _try_once(self) -> ConnectResult | tuple[str, bool]:
        """Dial all addresses; return success, or an error and whether it is final."""
        options = self._options
        offers: list[tuple[TransportKind, Sequence[str]]] = [
            (each.kind, self._dialable(each)) for each in self._transports
        ]
        targets = plan_dials(options.order, offers, options.addresses_per_transport)
        reason = reason_not_to_dial(
            self._presence, targets, own_peer_id=self._own_peer_id, now_ms=options.now_ms()
        )
        if reason is not None:
            return reason, True
        failures: list[FailedDial] = []
        for target in targets:
            failure = await self._dial(target)
            if failure is None:
                return self._success(target.kind)
            failures.append(failure)
        return tell_failures(failures), is_final(failures)

    def _dialable(self, transport: PeerTransport) -> Sequence[str]:
        """Return what a transport can dial; nothing if it is broken, so that others may."""
        try:
            return transport.dialable(self._presence)
        except Exception:  # noqa: BLE001  # told in the log
            _log.exception("the %s transport could not read a presence", transport.kind)
            return ()

    async def _dial(self, target: DialTarget) -> FailedDial | None:
        """Dial one address; return None if there is a link now."""
        transport, peer_id = self._transports[target.transport_index], self._presence.peer_id
        seconds = self._options.address_timeout(target.kind)
        try:
            async with asyncio.timeout(seconds):
                channel = await transport.dial(target.address, peer_id)
        except TimeoutError:
            return FailedDial(target.kind, f"no answer within {seconds:g} s", is_wrong_key=False)
        except (AuthenticationError, PeerError) as error:
            return FailedDial(target.kind, str(error), is_wrong_key=_is_wrong_key(error))
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            _log.exception("the %s transport failed in a way of its own", target.kind)
            return FailedDial(target.kind, type(error).__name__, is_wrong_key=False)
        return self._take_channel(channel, target.kind)

    def _take_channel(self, channel: SecureChannel, kind: TransportKind) -> FailedDial | None:
        """Make a link of a channel, unless it is too late or somebody else's."""
        if self._ended is not None:
            channel.abort()
            return FailedDial(kind, "too late", is_wrong_key=False)
        if channel.peer_id != self._presence.peer_id:
            channel.abort()
            return FailedDial(kind, f"{channel.peer_id} answered instead", is_wrong_key=True)
        reason = self._take(channel, kind)
        return None if reason is None else FailedDial(kind, reason, is_wrong_key=False)

    def _success(self, transport: TransportKind) -> ConnectResult:
        return ConnectResult(
            success=True, connection_type=transport, error=None, attempts=self._attempt
        )


def _is_wrong_key(error: Exception) -> bool:
    """Tell whether somebody else answered, rather than nobody to the end of the handshake."""
    is_cut_short = isinstance(error.__cause__, TimeoutError | PipeClosedError)
    return isinstance(error, AuthenticationError) and not is_cut_short


def _failure(error: str, attempts: int) -> ConnectResult:
    return ConnectResult(success=False, connection_type="none", error=error, attempts=attempts)
