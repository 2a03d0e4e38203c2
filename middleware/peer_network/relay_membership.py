"""`RelayMembership`: a peer's registration with one relay, again and again.

What belongs here: registering, what is said while registered, and waiting between attempts.  What
does not: what is done about a circuit or a presence, which the transport decides.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final

import attrs
from yarl import URL

from refold.errors import DialError, PipeClosedError
from refold.middleware.peer_network import relay_frames as frames
from refold.middleware.peer_network.dial_websocket import dial_websocket
from refold.middleware.peer_network.relay_conversation import RelayConversation
from refold.reducers.backoff_delay import Backoff, backoff_delay

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.middleware.peer_network.peer_identity import PeerIdentity
    from refold.middleware.peer_network.websocket_pipe import WebSocketPipe

__all__ = ["MembershipOptions", "RelayMembership"]

_MOST_WAITING: Final = 64
"""Frames that may wait for the relay to read them."""

_log = logging.getLogger("refold.peers")


@attrs.frozen(kw_only=True)
class MembershipOptions:
    """Durations in seconds."""

    backoff: Backoff = attrs.field(factory=lambda: Backoff(initial_seconds=0.5, cap_seconds=15.0))
    """How long to wait before registering again."""

    dial_timeout: float = 5.0
    """How long the relay may take to answer, and again to register the peer."""

    ping_interval: float = 5.0
    """How much time is between two pings to the relay."""

    ping_timeout: float = 7.5
    """After how much silence after a ping the relay counts as gone."""


class RelayMembership:
    """Run it for as long as the peer shall be reached over the relay."""

    def __init__(
        self,
        url: str,
        identity: PeerIdentity,
        options: MembershipOptions,
        on_frame: Callable[[str, frames.FrameFromRelay], None],
    ) -> None:
        """Register nothing yet.

        Args:
            url: of the relay, without a path.
            identity: who registers.
            options: see there.
            on_frame: called with the url and what the relay says, `Registered` first.
        """
        self.url = url
        self._identity = identity
        self._options = options
        self._on_frame = on_frame
        self._presence: bytes | None = None
        self._conversation: RelayConversation[frames.FrameFromRelay] | None = None
        self.was_tried = asyncio.Event()
        """Set when the first attempt has succeeded or failed."""
        self.registrations = 0
        """How often it has registered."""
        self.last_failure = ""
        """Why the last attempt failed, or the last registration ended."""

    @property
    def is_registered(self) -> bool:
        """Whether the peer can be dialled over the relay now."""
        return self._conversation is not None

    def publish(self, presence: bytes) -> None:
        """Publish a signed presence, now and after each time the peer registers again."""
        self._presence = presence
        if self._conversation is not None:
            self._conversation.tell(frames.encode_frame(frames.PublishPresence(presence)))

    async def run(self) -> None:
        """Register, and again whenever the relay is gone, until cancelled."""
        failures, delay = 0, None
        while True:
            before = self.registrations
            try:
                await self._stay_registered()
            except (DialError, PipeClosedError, frames.FrameError) as error:
                self.last_failure = str(error)
                _log.info("not registered with the relay %s: %s", self.url, error)
            self.was_tried.set()
            if self.registrations > before:
                failures, delay = 0, None
            failures += 1
            chance = random.random()  # noqa: S311  # spreads attempts, hides nothing
            delay = backoff_delay(self._options.backoff, failures, chance, delay)
            await asyncio.sleep(delay)

    async def _stay_registered(self) -> None:
        """Register, and serve the registration until it ends.

        Raises:
            DialError: the relay did not answer, or refused.
            FrameError: the relay does not speak as one.
            PipeClosedError: the registration ended.
        """
        options = self._options
        pipe = await dial_websocket(
            self.url + frames.REGISTRATIONS_PATH,
            timeout=options.dial_timeout,
            max_message_bytes=frames.MAX_FRAME_BYTES,
        )
        try:
            await self._prove(pipe)
            await self._converse(pipe)
        finally:
            await pipe.close()

    async def _prove(self, pipe: WebSocketPipe) -> None:
        """Sign the relay's challenge."""
        seconds, peer_id = self._options.dial_timeout, self._identity.peer_id
        try:
            async with asyncio.timeout(seconds):
                frame = frames.decode_from_relay(await pipe.receive())
                if not isinstance(frame, frames.Challenge):
                    message = f"expected a relay's challenge, got {type(frame).__name__}"
                    raise frames.FrameError(message)
                host = URL(self.url).host_port_subcomponent or ""
                text = frames.registration_text(frame.nonce, peer_id, host)
                proof = frames.Register(peer_id, self._identity.sign(text))
                await pipe.send(frames.encode_frame(proof))
                frame = frames.decode_from_relay(await pipe.receive())
        except TimeoutError as error:
            message = f"{self.url} did not register the peer within {seconds:g} s"
            raise DialError(message) from error
        if not isinstance(frame, frames.Registered):
            message = f"expected to be registered, got {type(frame).__name__}"
            raise frames.FrameError(message)

    async def _converse(self, pipe: WebSocketPipe) -> None:
        """Take what the relay says until the end."""
        options = self._options
        conversation = RelayConversation(
            pipe,
            frames.decode_from_relay,
            max_queue=_MOST_WAITING,
            ping_interval=options.ping_interval,
            ping_timeout=options.ping_timeout,
        )
        writing = asyncio.create_task(conversation.write(), name="refold relay writer")
        self._conversation = conversation
        self.registrations += 1
        self.was_tried.set()
        try:
            if self._presence is not None:
                self.publish(self._presence)
            self._on_frame(self.url, frames.Registered())
            async for frame in conversation.frames():
                self._on_frame(self.url, frame)
        finally:
            self._conversation = None
            conversation.stop()
            writing.cancel()
            await asyncio.wait([writing])
