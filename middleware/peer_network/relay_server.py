"""`RelayServer`: where peers register, are dialled through, and tell each other their presences.

What belongs here: who may do what.  What does not: the frames (`relay_frames`), joining two pipes
(`relay_circuits`) and the bounds of connections (`websocket_listener`).

A relay learns which peer ids are there, what they publish and how much they send: what passes
through it is encrypted and authenticated from end to end.  It can refuse its service.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import attrs

from refold.errors import PipeClosedError
from refold.middleware.peer_network import relay_frames as frames
from refold.middleware.peer_network.refusal import refusal
from refold.middleware.peer_network.relay_bounds import RelayBounds
from refold.middleware.peer_network.relay_circuits import RelayCircuit, RelayCircuits, splice
from refold.middleware.peer_network.relay_registrations import RelayRegistrations
from refold.middleware.peer_network.websocket_listener import WebSocketListener

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from aiohttp import web

    from refold.middleware.peer_network.websocket_pipe import WebSocketPipe

__all__ = ["RelayCounts", "RelayServer"]


@attrs.frozen
class RelayCounts:
    """What a relay has to do at a moment."""

    listeners: int
    """Registered peers."""

    circuits: int
    """Circuits, those included that wait for an answer."""

    presences: int
    """Presences that hold."""

    sockets: int
    """Connections of any kind."""


class RelayServer:
    """Entered, or started, it listens until it is closed."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        bounds: RelayBounds = RelayBounds(),  # noqa: B008  # frozen
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Listen to nothing yet.

        Args:
            host: an address of this machine; other machines reach it only if told so here.
            port: 0 for any that is free.
            bounds: see there.
            now_ms: milliseconds since the Unix epoch, by which presences expire.
        """
        self._bounds = bounds
        self._listener = WebSocketListener(
            self._welcome, host=host, port=port, bounds=bounds.sockets
        )
        self._registrations = RelayRegistrations(self._listener, bounds, now_ms)
        self._circuits = RelayCircuits(bounds.max_circuits, bounds.max_circuits_per_peer)
        self._spliced: set[WebSocketPipe] = set()
        """Both ends of each circuit."""

    @property
    def url(self) -> str:
        """Where it listens, such as ``ws://127.0.0.1:4001``."""
        host = self._listener.host
        return f"ws://{f'[{host}]' if ':' in host else host}:{self._listener.port}"

    @property
    def counts(self) -> RelayCounts:
        """What it has to do now."""
        return RelayCounts(
            len(self._registrations),
            len(self._circuits),
            len(self._registrations.presences),
            self._listener.socket_count,
        )

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the host or port cannot be had.
        """
        await self._listener.start()

    async def close(self) -> None:
        """Say goodbye to all, and free everything, in a bounded time; it may be started again."""
        self._listener.stop_listening()
        reason = "the relay stops"
        await asyncio.gather(
            self._registrations.say_goodbye(reason),
            *(pipe.close(reason=reason) for pipe in tuple(self._spliced)),
        )
        await self._listener.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def _welcome(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that is within the bounds of connections."""
        path = request.path
        if path == frames.REGISTRATIONS_PATH:
            return await self._registrations.welcome(request)
        if path.startswith(frames.CIRCUITS_PATH):
            return await self._welcome_dialer(request, path.removeprefix(frames.CIRCUITS_PATH))
        if path.startswith(frames.ANSWERS_PATH):
            return await self._welcome_answer(request, path.removeprefix(frames.ANSWERS_PATH))
        return refusal(404, "this is a relay of refold, and it has nothing at that path")

    async def _welcome_dialer(self, request: web.BaseRequest, target: str) -> web.StreamResponse:
        purpose = frames.circuit_purpose(request.query.get("purpose", "link"))
        if purpose is None:
            return refusal(400, "expected a circuit for a link or for signalling")
        if target not in self._registrations:
            return refusal(404, "that peer is not registered at this relay")
        why_not = self._circuits.why_not(target)
        if why_not is not None:
            return refusal(503, why_not)
        circuit = self._circuits.begin(target)
        wanted = frames.CircuitWanted(circuit.circuit_id, circuit.token, purpose)
        self._registrations.tell(target, wanted)
        try:
            return await self._join(request, circuit)
        finally:
            self._circuits.end(circuit)

    async def _join(self, request: web.BaseRequest, circuit: RelayCircuit) -> web.StreamResponse:
        """Wait for the dialled peer, then answer the dialler and pass messages on."""
        seconds = self._bounds.answer_seconds
        try:
            async with asyncio.timeout(seconds):
                answerer = await circuit.answer
        except TimeoutError:
            return refusal(504, f"the peer did not answer the relay within {seconds:g} s")
        try:
            dialer, response = await self._listener.accept(request)
        except PipeClosedError:
            answerer.abort()
            raise
        both = {dialer, answerer}
        self._spliced |= both
        try:
            await splice(dialer, answerer)
        finally:
            self._spliced -= both
        return response

    async def _welcome_answer(
        self, request: web.BaseRequest, circuit_id: str
    ) -> web.StreamResponse:
        circuit = self._circuits.take(circuit_id, request.headers.get(frames.TOKEN_HEADER, ""))
        if circuit is None:
            return refusal(404, "no circuit waits for this answer")
        pipe, response = await self._listener.accept(request)
        if circuit.answer.done():
            pipe.abort()  # the time was over
        else:
            circuit.answer.set_result(pipe)
        return response
