"""`WebRtcTransport`: peers that open a data channel to each other, arranged over a relay.

What belongs here: who signals what when, and the deadlines.  What does not: aiortc, which only
`WebRtcSession` imports, and only once a transport is made.

The circuit on which both signal has proved who they are; the data channel has to be proved again
all the same, because the certificates of WebRTC are made for one connection and prove nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from refold.errors import (
    AuthenticationError,
    DialError,
    MissingExtraError,
    PipeClosedError,
)
from refold.middleware.peer_network.addresses_of_kind import address_of_kind, addresses_of_kind
from refold.middleware.peer_network.peer_address import parse_peer_address
from refold.middleware.peer_network.secure_channel import secure_channel
from refold.middleware.peer_network.signalling import (
    Description,
    Refusal,
    decode_signal,
    encode_signal,
)
from refold.reducers.evolve import evolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.peer_records import Presence, TransportKind
    from refold.middleware.peer_network.ice_server import IceServer
    from refold.middleware.peer_network.peer_identity import PeerIdentity
    from refold.middleware.peer_network.relay_transport import RelayTransport
    from refold.middleware.peer_network.secure_channel import SecureChannel
    from refold.middleware.peer_network.webrtc_session import WebRtcSession

__all__ = ["WebRtcTransport"]

_MOST_ANSWERS: Final = 16
"""Offers that are being answered at once, each with sockets of its own; others are refused."""

_log = logging.getLogger("refold.peers")


class WebRtcTransport:
    """Data channels, each arranged over a circuit of a relay transport that is in use as well."""

    def __init__(
        self,
        identity: PeerIdentity,
        relay: RelayTransport,
        ice_servers: Sequence[IceServer] = (),
        *,
        dial_timeout: float = 10.0,
    ) -> None:
        """Open nothing yet.

        Args:
            identity: who this peer is.
            relay: dialled over and over which it is dialled; it must listen itself for that.
            ice_servers: asked for the addresses under which others see this peer; with none, only
                peers that can reach an address of this machine itself get through.
            dial_timeout: seconds for all of it, from the circuit to the proof.

        Raises:
            MissingExtraError: aiortc is not installed.
        """
        try:
            from refold.middleware.peer_network.webrtc_session import (  # noqa: PLC0415  # 115 MB
                WebRtcSession,
            )
        except ModuleNotFoundError as error:
            message = f"WebRTC needs {error.name}, which is missing: pip install 'refold[webrtc]'"
            raise MissingExtraError(message, name=error.name) from error
        self._new_session: Callable[[], WebRtcSession] = lambda: WebRtcSession(ice_servers)
        self._identity = identity
        self._relay = relay
        self._dial_timeout = dial_timeout
        self._on_channel: Callable[[SecureChannel], None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def kind(self) -> TransportKind:
        """Data channels of WebRTC."""
        return "webrtc"

    def dialable(self, presence: Presence) -> Sequence[str]:
        """Return the addresses under which a data channel can be arranged."""
        return list(addresses_of_kind(presence, "webrtc"))

    async def dial(self, address: str, peer_id: str) -> SecureChannel:
        """Open a channel to the peer at an address.

        Raises:
            DialError: the address is none of WebRTC, or no data channel could be opened in time.
            AuthenticationError: somebody else answered.
        """
        parsed = address_of_kind(address, "webrtc")
        if parsed is None:
            message = f"{address!r} is no address for WebRTC"
            raise DialError(message)
        limit = asyncio.timeout(self._dial_timeout)
        try:
            async with limit:
                return await self._open(parsed.websocket_url, peer_id)
        except PipeClosedError as error:
            message = f"the other end hung up before a data channel was open: {error}"
            raise DialError(message) from error
        except TimeoutError as error:
            if not limit.expired():
                raise
            message = f"no data channel was open within {self._dial_timeout:g} s"
            raise DialError(message) from error

    async def listen(self, on_channel: Callable[[SecureChannel], None]) -> None:
        """Answer offers from now on; the relay transport has to listen too for any to come."""
        self._on_channel = on_channel
        self._relay.on_signalling(self._take_circuit)

    def addresses(self) -> Sequence[str]:
        """Return where a data channel can be arranged; nothing before it listens."""
        if self._on_channel is None:
            return []
        over_relay = (parse_peer_address(text) for text in self._relay.addresses())
        return [evolve(address, kind="webrtc").text for address in over_relay]

    async def close(self) -> None:
        """Answer no more, and break what is not a channel yet; channels live on."""
        self._on_channel = None
        answering = tuple(self._answering)
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)

    async def _open(self, relay_url: str, peer_id: str) -> SecureChannel:
        session = self._new_session()
        try:
            offer = await session.offer()  # fails without an address, before anybody is asked
            await session.take_answer(await self._exchange(offer, relay_url, peer_id))
            return await secure_channel(
                await session.opened(),
                self._identity,
                is_dialer=True,
                expected_peer_id=peer_id,
                timeout=self._dial_timeout,
            )
        except BaseException:  # cancelled too
            await session.hang_up()
            raise

    async def _exchange(self, offer: str, relay_url: str, peer_id: str) -> str:
        """Return a peer's answer to an offer."""
        circuit = await self._relay.dial_circuit(relay_url, peer_id, purpose="signalling")
        try:
            await circuit.send(encode_signal(Description(offer)))
            return decode_signal(await circuit.receive()).sdp
        finally:
            circuit.abort()  # all is said, and a goodbye would take its time

    def _take_circuit(self, circuit: SecureChannel) -> None:
        if self._on_channel is None or len(self._answering) >= _MOST_ANSWERS:
            circuit.abort()
            return
        task = asyncio.create_task(self._answer(circuit), name="refold webrtc answer")
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, circuit: SecureChannel) -> None:
        """Answer an offer, and give the channel to whom it is for."""
        try:
            async with asyncio.timeout(self._dial_timeout):
                channel = await self._accept(circuit)
        except (AuthenticationError, DialError, PipeClosedError, TimeoutError) as error:
            why = str(error) or f"it took more than {self._dial_timeout:g} s"
            _log.debug("an offer of %s came to nothing: %s", circuit.peer_id, why)
            return
        finally:
            circuit.abort()
        if self._on_channel is None:
            channel.abort()
        else:
            self._on_channel(channel)

    async def _accept(self, circuit: SecureChannel) -> SecureChannel:
        session = self._new_session()
        try:
            await self._reply(circuit, session)
            return await secure_channel(
                await session.opened(),
                self._identity,
                is_dialer=False,
                expected_peer_id=circuit.peer_id,
                timeout=self._dial_timeout,
            )
        except BaseException:  # cancelled too
            await session.hang_up()
            raise

    async def _reply(self, circuit: SecureChannel, session: WebRtcSession) -> None:
        """Answer an offer, or say why not."""
        try:
            answer = await session.answer(decode_signal(await circuit.receive()).sdp)
        except DialError as error:
            await circuit.send(encode_signal(Refusal(str(error))))
            await circuit.close()
            raise
        await circuit.send(encode_signal(Description(answer)))
