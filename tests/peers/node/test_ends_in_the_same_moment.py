"""`ConnectAttempts` where two things happen in one step of the loop: the first of them counts.

What belongs here: moments that a node meets too rarely for its own tests.  What does not: what each
of the two does alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from refold.errors import DialError
from refold.middleware.peer_network.connect_attempts import ConnectAttempts
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.peer_network.node_events import AttemptsCancelled, AttemptStarted
from refold.middleware.peer_network.peer_options import PeerOptions
from tests.peers.fake_transport import FakeChannel, FakeNetwork, FakeTransport
from tests.peers.memory_pipe import memory_pipe
from tests.peers.node.node_scene import presence_of

if TYPE_CHECKING:
    from refold.middleware.peer_network.node_events import NodeEvent
    from refold.middleware.peer_network.secure_channel import SecureChannel

pytestmark = pytest.mark.looptime

BY_LINK = ConnectResult(success=True, connection_type="relay", error=None, attempts=1)


class StubbornTransport(FakeTransport):
    """Its dials do something, and then come to their own end all the same."""

    def __init__(self, channel: FakeChannel | None) -> None:
        super().__init__(FakeNetwork(), "alice", "direct")
        self.deed: Callable[[], object] = lambda: None
        self.channel = channel
        self.dials = 0

    async def dial(self, address: str, peer_id: str) -> SecureChannel:
        """Return the channel; without one, fail."""
        self.dials += 1
        self.deed()
        if self.channel is not None:
            return cast("SecureChannel", self.channel)
        message = f"{peer_id} refused at {address}"
        raise DialError(message)


class Series:
    """Attempts to reach bob, and what they report."""

    def __init__(self, *, attempts: int = 3, channel: FakeChannel | None = None) -> None:
        self.events: list[NodeEvent] = []
        self.transport = StubbornTransport(channel)
        self.attempts = ConnectAttempts(
            presence_of("bob"),
            own_peer_id="alice",
            transports=[self.transport],
            options=PeerOptions(attempts=attempts),
            report=self.events.append,
            take=lambda _channel, _kind: "a channel that is too late must not be taken",
        )


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_dial_that_fails_as_a_link_comes_in_is_no_failure(attempts: int) -> None:
    """The link ended the attempts: the failure is not told, and nothing is dialled again."""
    series = Series(attempts=attempts)
    series.transport.deed = lambda: series.attempts.end_by_link("relay")
    assert await series.attempts.run() == BY_LINK
    assert series.events == [AttemptStarted("bob", 1)]
    assert series.transport.dials == 1


async def test_a_dial_that_succeeds_as_a_link_comes_in_is_broken_off() -> None:
    """The peer does not count on a channel that this end has not spoken over."""
    channel = FakeChannel(memory_pipe()[0], "bob")
    series = Series(channel=channel)
    series.transport.deed = lambda: series.attempts.end_by_link("relay")
    assert await series.attempts.run() == BY_LINK
    assert channel.is_aborted


async def test_a_link_that_comes_in_as_a_wait_ends_leaves_no_second_attempt() -> None:
    """Nothing is dialled once there is a link."""
    series = Series()
    running = asyncio.create_task(series.attempts.run())
    await asyncio.sleep(1.0)  # its timer is older than that of the wait, and due with it
    assert series.transport.dials == 1
    series.attempts.end_by_link("relay")
    assert await running == BY_LINK
    assert series.events == [AttemptStarted("bob", 1)]


async def test_a_caller_that_is_cancelled_as_a_link_comes_in_tells_no_cancellation() -> None:
    """The attempts have ended by the link, whoever waits or does not."""
    series = Series()
    running = asyncio.create_task(series.attempts.run())
    await asyncio.sleep(0.5)
    series.attempts.end_by_link("relay")
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert series.events == [AttemptStarted("bob", 1)]


async def test_the_first_of_two_ends_counts() -> None:
    """A link after the node was stopped changes nothing, nor does a stop after the link."""
    series = Series()
    running = asyncio.create_task(series.attempts.run())
    await asyncio.sleep(0.5)
    series.attempts.call_off("The node was stopped")
    series.attempts.end_by_link("relay")
    series.attempts.call_off("again")
    assert (await running).error == "The node was stopped"
    assert series.events == [AttemptStarted("bob", 1), AttemptsCancelled("bob")]
