"""`RelayRegistrations`: the peers that can be dialled through a relay, and their presences.

What belongs here: the proof, and what registered peers say.  What does not: circuits.

A presence lives as long as the registration of its peer: whoever cannot be dialled here is not
online here.  A peer that registers again takes the place of its older registration, which is told
so and closed; its presence stays meanwhile.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

import attrs
from aiohttp import WSCloseCode, web

from refold.errors import InvalidPeerIdError, PipeClosedError, PresenceError
from refold.middleware.peer_network import relay_frames as frames
from refold.middleware.peer_network.peer_identity import verify_signature
from refold.middleware.peer_network.rate_bound import RateBound
from refold.middleware.peer_network.refusal import refusal
from refold.middleware.peer_network.relay_conversation import RelayConversation
from refold.middleware.peer_network.relay_presences import RelayPresences
from refold.middleware.peer_network.websocket_pipe import WebSocketPipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.middleware.peer_network.relay_bounds import RelayBounds
    from refold.middleware.peer_network.websocket_listener import WebSocketListener

__all__ = ["RelayRegistrations"]

_NONCE_BYTES: Final = 32
_PRESENCE_BURST_SECONDS: Final = 10


class _Refused(Exception):  # noqa: N818  # no failure of the relay's
    """A registration that is not let in; the text is for whoever asked."""


@attrs.frozen(eq=False)
class _Registration:
    """A registered peer."""

    peer_id: str
    pipe: WebSocketPipe
    conversation: RelayConversation[frames.FrameFromPeer]


class RelayRegistrations:
    """At most one for each peer."""

    def __init__(
        self, listener: WebSocketListener, bounds: RelayBounds, now_ms: Callable[[], int]
    ) -> None:
        """Begin with none.

        Args:
            listener: answers handshakes.
            bounds: see there.
            now_ms: milliseconds since the Unix epoch, by which presences expire.
        """
        self._listener = listener
        self._bounds = bounds
        self._registered: dict[str, _Registration] = {}
        self._pipes: set[WebSocketPipe] = set()
        """All that are open, those included whose peer is not registered yet."""
        per_second = bounds.presences_per_second
        burst = max(1, int(per_second * _PRESENCE_BURST_SECONDS))
        self._publishing = RateBound(per_second, burst)
        self.presences = RelayPresences(now_ms)
        """Those of the registered peers."""

    def __len__(self) -> int:
        """Return how many peers are registered."""
        return len(self._registered)

    def __contains__(self, peer_id: str) -> bool:
        """Tell whether a peer is registered."""
        return peer_id in self._registered

    def tell(self, peer_id: str, frame: frames.FrameFromRelay) -> None:
        """Tell a registered peer something."""
        self._registered[peer_id].conversation.tell(frames.encode_frame(frame))

    async def say_goodbye(self, reason: str) -> None:
        """End all connections, with a reason."""
        await asyncio.gather(*(pipe.close(reason=reason) for pipe in tuple(self._pipes)))

    async def welcome(self, request: web.BaseRequest) -> web.StreamResponse:
        """Let a peer register, and serve it until its connection ends.

        Raises:
            PipeClosedError: the peer left before its handshake was answered.
        """
        if len(self._registered) >= self._bounds.max_listeners:
            return refusal(503, self._too_many_listeners())
        pipe, response = await self._listener.accept(
            request, max_message_bytes=frames.MAX_FRAME_BYTES
        )
        self._pipes.add(pipe)
        try:
            peer_id = await self._who_registers(pipe, request.host)
            await self._serve(pipe, peer_id)
        except (_Refused, frames.FrameError) as error:
            await pipe.close(code=WSCloseCode.POLICY_VIOLATION, reason=_short(error))
        except PipeClosedError:
            pass  # that is how every registration ends
        finally:
            pipe.abort()
            self._pipes.discard(pipe)
        return response

    async def _who_registers(self, pipe: WebSocketPipe, host: str) -> str:
        """Return the peer id that the other end proved to have the key of."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        seconds = self._bounds.registration_seconds
        try:
            async with asyncio.timeout(seconds):
                await pipe.send(frames.encode_frame(frames.Challenge(nonce)))
                frame = frames.decode_from_peer(await pipe.receive())
        except TimeoutError:
            message = f"the challenge was not signed within {seconds:g} s"
            raise _Refused(message) from None
        if not isinstance(frame, frames.Register):
            message = "expected the signed challenge"
            raise _Refused(message)
        text = frames.registration_text(nonce, frame.peer_id, host)
        try:
            is_proved = verify_signature(frame.peer_id, text, frame.signature)
        except InvalidPeerIdError as error:
            raise _Refused(str(error)) from error
        if not is_proved:
            message = "the challenge is not signed by the key of that peer id"
            raise _Refused(message)
        if frame.peer_id not in self._registered and (
            len(self._registered) >= self._bounds.max_listeners
        ):
            raise _Refused(self._too_many_listeners())
        return frame.peer_id

    async def _serve(self, pipe: WebSocketPipe, peer_id: str) -> None:
        """Serve a registered peer until the end of its pipe."""
        bounds = self._bounds
        conversation = RelayConversation(
            pipe,
            frames.decode_from_peer,
            max_queue=bounds.max_queue,
            ping_interval=bounds.ping_interval,
            ping_timeout=bounds.ping_timeout,
        )
        registration = _Registration(peer_id, pipe, conversation)
        before = self._registered.get(peer_id)
        self._registered[peer_id] = registration
        try:
            async with asyncio.TaskGroup() as group:
                if before is not None:
                    goodbye = before.pipe.close(reason="the peer registered again")
                    group.create_task(goodbye)
                writing = group.create_task(conversation.write(self._first_frames()))
                try:
                    async for frame in conversation.frames():
                        self._take(registration, frame)
                finally:
                    conversation.stop()
                    writing.cancel()
        except ExceptionGroup as group_error:
            raise group_error.exceptions[0] from None
        finally:
            self._unregister(registration)

    def _first_frames(self) -> list[bytes]:
        """Return what a peer is told first; what changes from now on waits behind it."""
        published = (
            frames.encode_frame(frames.PresencePublished(peer_id, data))
            for peer_id, data in self.presences.all().items()
        )
        return [
            frames.encode_frame(frames.Registered()),
            *published,
            frames.encode_frame(frames.PresencesComplete()),
        ]

    def _unregister(self, registration: _Registration) -> None:
        peer_id = registration.peer_id
        if self._registered.get(peer_id) is not registration:
            return  # a newer one has its place
        del self._registered[peer_id]
        if self.presences.withdraw(peer_id):
            self._tell_all(frames.PresenceWithdrawn(peer_id))

    def _take(self, registration: _Registration, frame: frames.FrameFromPeer) -> None:
        """Do what a registered peer says.

        Raises:
            _Refused: it registers twice.
        """
        if not isinstance(frame, frames.PublishPresence):
            message = "the peer is registered already, expected a presence"
            raise _Refused(message)
        peer_id = registration.peer_id
        if not self._publishing.take(peer_id):
            per_second = self._bounds.presences_per_second
            refused = frames.PresenceRefused(f"more than {per_second:g} presences per second")
            self.tell(peer_id, refused)
            return
        try:
            is_newer = self.presences.publish(peer_id, frame.presence)
        except PresenceError as error:
            self.tell(peer_id, frames.PresenceRefused(str(error)))
            return
        if is_newer:
            self._tell_all(frames.PresencePublished(peer_id, frame.presence))

    def _tell_all(self, frame: frames.FrameFromRelay) -> None:
        data = frames.encode_frame(frame)
        for registration in tuple(self._registered.values()):
            registration.conversation.tell(data)

    def _too_many_listeners(self) -> str:
        return f"the relay has {self._bounds.max_listeners} registered peers already, the most"


def _short(error: Exception) -> str:
    """Return what fits into a close frame."""
    return str(error)[:120]
