"""`MeddlingRelay`: somebody on the way between two peers, who sees, changes and invents frames.

What belongs here: what one who only carries frames can do.  What does not: what it should lead to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Literal, TypeAlias

from refold.errors import AuthenticationError, PipeClosedError
from refold.middleware.peer_network.secure_channel import SecureChannel, secure_channel
from tests.peers.memory_pipe import memory_pipe

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from refold.middleware.peer_network.peer_identity import PeerIdentity
    from tests.peers.memory_pipe import MemoryPipe

__all__ = ["TIMEOUT", "Meddle", "MeddlingRelay", "Sender", "carry", "drop", "shake_hands"]

Sender: TypeAlias = Literal["dialer", "listener"]
"""Who sent a frame."""

Meddle: TypeAlias = Callable[[Sender, int, bytes], list[bytes]]
"""Takes a sender, the number of its frame from 0 on, and the frame; gives what goes on instead."""

TIMEOUT = 5.0
"""Seconds that a handshake may take."""


def carry(_sender: Sender, _number: int, frame: bytes) -> list[bytes]:
    """Meddle with nothing."""
    return [frame]


def drop(_sender: Sender, _number: int, _frame: bytes) -> list[bytes]:
    """Let nothing through."""
    return []


class MeddlingRelay:
    """Carries frames between two ends while it is entered."""

    def __init__(self, meddle: Meddle = carry) -> None:
        """Carry as told; `meddle` may be set anew at any time."""
        self.meddle = meddle
        self.dialer_end, self._from_dialer = memory_pipe()
        self.listener_end, self._from_listener = memory_pipe()
        self.seen: dict[Sender, list[bytes]] = {"dialer": [], "listener": []}
        """What each has sent."""
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        ways: list[tuple[Sender, MemoryPipe, MemoryPipe]] = [
            ("dialer", self._from_dialer, self._from_listener),
            ("listener", self._from_listener, self._from_dialer),
        ]
        self._tasks = [asyncio.create_task(self._carry_all(*way)) for way in ways]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def inject(self, sender: Sender, frame: bytes) -> None:
        """Send a frame as if it were of one of the two."""
        to = self._from_listener if sender == "dialer" else self._from_dialer
        await to.send(frame)

    def cut(self) -> None:
        """Break both pipes."""
        self._from_dialer.abort()
        self._from_listener.abort()

    async def _carry_all(self, sender: Sender, source: MemoryPipe, target: MemoryPipe) -> None:
        try:
            while True:
                frame = await source.receive()
                number = len(self.seen[sender])
                self.seen[sender].append(frame)
                for other in self.meddle(sender, number, frame):
                    await target.send(other)
        except PipeClosedError as end:
            if end.is_clean:
                await target.close()
            else:
                target.abort()


async def shake_hands(
    relay: MeddlingRelay, dialer: PeerIdentity, listener: PeerIdentity
) -> tuple[SecureChannel | AuthenticationError, SecureChannel | AuthenticationError]:
    """Return what the dialler and the listener have in the end: a channel or an error."""
    dialing = _channel_or_error(
        secure_channel(
            relay.dialer_end,
            dialer,
            is_dialer=True,
            expected_peer_id=listener.peer_id,
            timeout=TIMEOUT,
        )
    )
    listening = _channel_or_error(
        secure_channel(
            relay.listener_end, listener, is_dialer=False, expected_peer_id=None, timeout=TIMEOUT
        )
    )
    return await asyncio.gather(dialing, listening)


async def _channel_or_error(
    attempt: Coroutine[object, object, SecureChannel],
) -> SecureChannel | AuthenticationError:
    try:
        return await attempt
    except AuthenticationError as error:
        return error
