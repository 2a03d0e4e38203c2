"""The WebSocket side of nats-server as peer: rule 56, and rules 16, 24 and 27."""

from __future__ import annotations

import contextlib
import itertools
import signal
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import attrs

from refold.actions.connection import ConnectionLostAndRetryScheduled, ConnectionStatus
from tests.connection.foreign.nats_server import nats_server
from tests.connection.foreign.settings import PATIENT, told_error
from tests.connection.sockets.running import eventually, running

if TYPE_CHECKING:
    from refold.middleware.outbound_queue import Message
    from refold.middleware.websocket_link import WebSocketLink

GREETING: Final = 'CONNECT {"verbose":false}\r\nSUB numbers 1\r\n'


class Reader:
    """What the broker said; its frames may be cut anywhere."""

    def __init__(self) -> None:
        self.said = b""

    def __call__(self, message: Message) -> None:
        """Take one message of the connection."""
        self.said += message if isinstance(message, bytes) else message.encode()

    @property
    def numbers(self) -> list[int]:
        """The numbers that came back, in order."""
        lines = self.said.split(b"\r\n")
        return [
            int(payload)
            for head, payload in itertools.pairwise(lines)
            if head.startswith(b"MSG numbers ") and payload
        ]


async def greet(link: WebSocketLink) -> None:
    """Introduce ourselves and subscribe, on each link anew."""
    await link.send(GREETING)


def publication(number: int) -> str:
    """Return the command that publishes a number."""
    return f"PUB numbers {len(str(number))}\r\n{number}\r\n"


async def test_rule_56_a_thousand_messages_come_back_in_order() -> None:
    """A thousand published numbers come back to their subscriber in order, after the greeting."""
    reader = Reader()
    async with (
        nats_server() as (url, _),
        running(url, options=PATIENT, on_message=reader, on_open=greet) as scene,
    ):
        for number in range(1000):
            scene.connection.send(publication(number))
        await eventually(lambda: len(reader.numbers) == 1000, 10)
        assert reader.numbers == list(range(1000))
        assert scene.state.total_connects == 1


async def test_rule_27_the_broker_answers_our_pings() -> None:
    """Our heartbeat gets a latency from the broker, and keeps the one link."""
    options = attrs.evolve(PATIENT, heartbeat_interval=0.02, heartbeat_timeout=5.0)
    async with nats_server() as (url, _), running(url, options=options, on_open=greet) as scene:
        await scene.until(lambda state: state.latency_seconds is not None)
        assert scene.state.total_connects == 1


async def test_rule_16_a_broker_that_restarts_is_found_again() -> None:
    """A broker that shuts down says 1001; its successor is greeted first and gets what waits."""
    reader = Reader()
    async with contextlib.AsyncExitStack() as successor:
        async with nats_server() as (url, program):
            scene = await successor.enter_async_context(
                running(url, options=PATIENT, on_message=reader, on_open=greet)
            )
            scene.connection.send(publication(1))
            await eventually(lambda: reader.numbers == [1], 10)
            program.process.send_signal(signal.SIGTERM)
            await scene.until(lambda state: state.status is ConnectionStatus.RECONNECTING)
            first = scene.trace.of(ConnectionLostAndRetryScheduled)[0]
            assert (first.error.kind, first.error.close_code) == ("closed", 1001)
            await program.process.wait()
        scene.connection.send(publication(2))
        await successor.enter_async_context(nats_server(urlsplit(url).port or -1))
        await eventually(lambda: reader.numbers == [1, 2], 10)


async def test_rule_24_a_broker_that_refuses_the_greeting_is_not_asked_again() -> None:
    """A broker that refuses who we are closes with 1008, and that is fatal."""
    locked = "authorization { user: somebody, password: anything }"
    async with (
        nats_server(more=locked) as (url, _),
        running(url, options=PATIENT, on_open=greet) as scene,
    ):
        await scene.until(lambda state: state.terminal_reason == "fatal")
        assert (told_error(scene).kind, told_error(scene).close_code) == ("closed", 1008)
