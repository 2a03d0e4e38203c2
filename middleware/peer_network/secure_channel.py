"""`SecureChannel`: an encrypted pipe to a peer that proved its id, over any pipe at all.

What belongs here: the handshake under one time limit, whole messages, and the two ways to end.
What does not: what OpenSSL is told (`tls_context`) and says (`TlsSession`).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Literal, overload

from refold.errors import AuthenticationError, PipeClosedError
from refold.middleware.peer_network.framed_messages import (
    MAX_MESSAGE_SIZE,
    FramedMessages,
    MessageTooLargeError,
    frame_message,
)
from refold.middleware.peer_network.tls_session import BrokenRecordError, TlsSession

if TYPE_CHECKING:
    from refold.middleware.peer_network.message_pipe import MessagePipe
    from refold.middleware.peer_network.peer_identity import PeerIdentity

__all__ = ["MAX_MESSAGE_SIZE", "SecureChannel", "secure_channel"]

_PIPE_MESSAGE_SIZE: Final = 60_000
"""Bytes in one message of the pipe: a data channel carries no more than 65,536."""

_HANDSHAKE_SIZE: Final = 2**16
"""Bytes that are read before the other end has proved who it is; a peer's handshake has 2,500."""

_CLOSE_SECONDS: Final = 1.0
"""How long a goodbye may take, messages under way included."""


@overload
async def secure_channel(
    pipe: MessagePipe,
    identity: PeerIdentity,
    *,
    is_dialer: Literal[True],
    expected_peer_id: str,
    timeout: float,  # noqa: ASYNC109
) -> SecureChannel: ...
@overload
async def secure_channel(
    pipe: MessagePipe,
    identity: PeerIdentity,
    *,
    is_dialer: Literal[False],
    expected_peer_id: str | None,
    timeout: float,  # noqa: ASYNC109
) -> SecureChannel: ...
async def secure_channel(
    pipe: MessagePipe,
    identity: PeerIdentity,
    *,
    is_dialer: bool,
    expected_peer_id: str | None,
    timeout: float,  # noqa: ASYNC109  # one limit for the whole, and its error teaches
) -> SecureChannel:
    """Prove who both ends are; a return means that each knows that the other has proved it.

    The pipe belongs to the channel from now on: it is freed if the proof fails or is cancelled.

    Args:
        pipe: to the other end; nothing has been sent through it yet.
        identity: this end.
        is_dialer: whether this end speaks first.
        expected_peer_id: who the other end must be.  Whoever dials must say it; whoever is dialled
            may, and with None learns it from the channel's `peer_id`.
        timeout: seconds for all of it.

    Raises:
        AuthenticationError: the other end did not prove to be that peer in time.
        ValueError: a dialler expects nobody; the pipe is untouched.
    """
    if is_dialer and expected_peer_id is None:
        text = "whoever dials must say whom: give expected_peer_id, or anyone could answer"
        raise ValueError(text)
    session = TlsSession(identity, is_dialer=is_dialer, expected_peer_id=expected_peer_id)
    limit = asyncio.timeout(timeout)
    is_proved = False
    try:
        async with limit:
            channel = await _shake_hands(pipe, session, is_dialer=is_dialer)
        is_proved = True
    except AuthenticationError:
        with contextlib.suppress(TimeoutError, PipeClosedError):
            async with asyncio.timeout_at(limit.when()):
                await _tell_why(pipe, session)
        raise
    except TimeoutError as error:
        if not limit.expired():
            raise
        text = (
            f"the other end did not prove who it is within {timeout:g} s; it hangs, is no refold"
            " peer, or the way there is too slow: try again or allow more time"
        )
        raise AuthenticationError(text) from error
    finally:
        if not is_proved:
            pipe.abort()
    return channel


async def _shake_hands(pipe: MessagePipe, session: TlsSession, *, is_dialer: bool) -> SecureChannel:
    """Prove both ends.

    The dialler is done before its own proof has arrived.  So whoever was dialled says, by an empty
    message, that it holds.
    """
    first = b""
    try:
        channel = SecureChannel(pipe, session, await _prove(pipe, session))
        if is_dialer:
            first = await channel.receive()
        else:
            await channel.send(first)
    except PipeClosedError as error:
        text = f"the other end hung up before both had proved who they are: {error}"
        raise AuthenticationError(text) from error
    if first:
        text = "the other end did not begin with the empty message of a refold peer"
        raise AuthenticationError(text)
    return channel


async def _prove(pipe: MessagePipe, session: TlsSession) -> str:
    """Return the id that the other end has proved."""
    room = _HANDSHAKE_SIZE
    while True:
        peer_id = session.advance_handshake()
        output = session.take_output()
        if output:
            await pipe.send(output)
        if peer_id is not None:
            return peer_id
        data = await pipe.receive()
        room -= len(data)
        if room < 0:
            text = f"the other end sent more than {_HANDSHAKE_SIZE} bytes instead of a handshake"
            raise AuthenticationError(text)
        session.feed(data)


async def _tell_why(pipe: MessagePipe, session: TlsSession) -> None:
    """Send the alert that OpenSSL has written, so that the other end has an error that fits."""
    output = session.take_output()
    if output:
        await pipe.send(output)
    await pipe.close()


class SecureChannel:
    """Whole messages to and from one proved peer; itself a `MessagePipe`.

    Several tasks may send at once: messages stay whole, in the order of the calls.  Cancelling a
    `send` leaves the channel usable: the message is not sent, or, once begun, sent to its end.
    Cancelling a `receive` does too, if the pipe loses no message by it; if it does, the next
    `receive` ends the channel, because TLS misses what is lost.
    """

    def __init__(self, pipe: MessagePipe, session: TlsSession, peer_id: str) -> None:
        """Take a finished handshake; see `secure_channel`."""
        self.peer_id = peer_id
        self._pipe = pipe
        self._session = session
        self._messages = FramedMessages()
        self._end: PipeClosedError | None = None
        """Why nothing more arrives."""
        self._is_closed = False
        self._turn = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None

    async def send(self, data: bytes, /) -> None:
        """Send a message of at most 1 MiB; wait while the other end takes no more.

        Raises:
            PipeClosedError: the channel has ended, or the other end does not take it in time.
            MessageTooLargeError: it is larger; the channel stays as it is.
        """
        framed = frame_message(data)
        async with self._turn:
            await self._written()  # the message of a sender that was cancelled
            if self._is_closed:
                raise _closed_here()
            self._writing = asyncio.create_task(self._write(framed), name="refold sealed message")
            self._writing.add_done_callback(_look_at_error)
            await self._written()

    async def receive(self) -> bytes:
        """Return the next message.

        Raises:
            PipeClosedError: there will be none.  `is_clean` says whether the other end said so:
                without that, somebody may have cut off the last messages.
        """
        async with self._reading:
            while (message := self._next_message()) is None:
                if self._end is not None:
                    raise _the_end(
                        self._end, is_within_a_message=self._messages.is_within_a_message
                    )
                await self._read()
            return message

    async def close(self) -> None:
        """Say goodbye after the messages under way, within a second, and free the pipe."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            async with asyncio.timeout(_CLOSE_SECONDS), self._turn:
                await self._written()
                self._session.say_goodbye()
                await self._send_output()
        except (PipeClosedError, TimeoutError):
            self._stop_writing()
        finally:
            await self._pipe.close()

    def abort(self) -> None:
        """Break the channel at once, without a goodbye."""
        self._is_closed = True
        self._stop_writing()
        self._pipe.abort()

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    async def _written(self) -> None:
        """Wait until the message under way is sent; cancelling this leaves it under way.

        Raises:
            PipeClosedError: it could not be sent, so that no other can.
        """
        if self._writing is None:
            return
        await asyncio.wait([self._writing])
        if self._writing.cancelled():
            raise _closed_here()
        error = self._writing.exception()
        if isinstance(error, PipeClosedError):
            raise PipeClosedError(str(error), is_clean=error.is_clean)
        if error is not None:
            raise error

    async def _write(self, framed: bytes) -> None:
        try:
            self._session.seal(framed)
        except BrokenRecordError as error:
            raise PipeClosedError(str(error)) from None
        await self._send_output()

    async def _send_output(self) -> None:
        output = self._session.take_output()
        for start in range(0, len(output), _PIPE_MESSAGE_SIZE):
            await self._pipe.send(output[start : start + _PIPE_MESSAGE_SIZE])

    async def _read(self) -> None:
        """Wait for the pipe's next message; what ends the channel is kept in `_end`."""
        try:
            self._session.feed(await self._pipe.receive())
            is_over = self._session.open(self._messages.arrived)
        except PipeClosedError as error:
            text = f"the other end vanished without a goodbye, or was cut off: {error}"
            self._end = _closed_here() if self._is_closed else PipeClosedError(text)
        except BrokenRecordError as error:
            self._end_at_once(str(error))
        else:
            if is_over:
                self._end = PipeClosedError("the other end said goodbye", is_clean=True)

    def _next_message(self) -> bytes | None:
        """Return a message that has arrived whole; None if more is needed or nothing more comes."""
        try:
            return self._messages.take()
        except MessageTooLargeError as error:
            self._end_at_once(str(error))
            return None

    def _end_at_once(self, reason: str) -> None:
        self._end = PipeClosedError(reason)
        self.abort()


def _the_end(end: PipeClosedError, *, is_within_a_message: bool) -> PipeClosedError:
    """Return a new error of why there is no message; an end within a message is no clean one."""
    if is_within_a_message and end.is_clean:
        return PipeClosedError(f"{end}, but within a message")
    return PipeClosedError(str(end), is_clean=end.is_clean)


def _closed_here() -> PipeClosedError:
    return PipeClosedError("this end closed the channel", is_clean=True)


def _look_at_error(writing: asyncio.Task[None]) -> None:
    """Let asyncio know that the error was seen; the next sender gets it if this one is gone."""
    if not writing.cancelled():
        writing.exception()
