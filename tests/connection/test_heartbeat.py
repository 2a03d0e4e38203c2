"""`Heartbeat`: when it pings, and when it calls a peer dead.

What belongs here: the arithmetic, in virtual time and under a clock that jumps as a blocked loop's
does.  What does not: sockets, see `tests/connection/sockets`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from refold.middleware.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL = 20.0
TIMEOUT = 10.0
LATEST = INTERVAL + TIMEOUT + 0.5
"""A dead peer is found out no later than this after its last byte, in seconds."""


class Peer:
    """The other end of a heartbeat: it keeps what was sent, and answers as told."""

    def __init__(
        self,
        *,
        answers_after: float | None = None,
        interval: float = INTERVAL,
        timeout: float = TIMEOUT,
    ) -> None:
        """Begin a heartbeat; None for a peer that answers nothing."""
        self.loop = asyncio.get_running_loop()
        self.answers_after = answers_after
        self.pings: list[bytes] = []
        self.pinged_at: list[float] = []
        self.latencies: list[float] = []
        self.died_at: list[float] = []
        self.heartbeat = Heartbeat(
            interval, timeout, send_ping=self.receive_ping, on_dead=self.note_death
        )

    def receive_ping(self, payload: bytes) -> None:
        """Keep the ping, and answer it later."""
        self.pings.append(payload)
        self.pinged_at.append(self.loop.time())
        if self.answers_after is not None:
            self.loop.call_later(self.answers_after, self.answer, payload)

    def answer(self, payload: bytes) -> None:
        """Let a pong arrive."""
        self.heartbeat.heard()
        latency = self.heartbeat.answered(payload)
        if latency is not None:
            self.latencies.append(latency)

    def note_death(self) -> None:
        """Keep when the peer was called dead."""
        self.died_at.append(self.loop.time())


class JumpingClock:
    """A loop's clock that stands still, and jumps over time as that of a blocked loop does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take over the running loop's clock."""
        loop = asyncio.get_running_loop()
        self._now = loop.time()
        monkeypatch.setattr(loop, "time", self.read)

    def read(self) -> float:
        """Return the time of the loop."""
        return self._now

    async def jump(self, seconds: float, *, turns: int = 20) -> None:
        """Let time pass without a turn of the loop, then give it some."""
        self._now += seconds
        for _ in range(turns):
            await asyncio.sleep(0)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    """Return the clock of this test's loop."""
    return JumpingClock(monkeypatch)


def timers_of(heartbeat: Heartbeat) -> list[asyncio.TimerHandle]:
    """Return the timers that the loop keeps for a heartbeat."""
    scheduled: list[asyncio.TimerHandle] = vars(asyncio.get_running_loop())["_scheduled"]
    return [
        timer
        for timer in scheduled
        if not timer.cancelled() and getattr(vars_of(timer), "__self__", None) is heartbeat
    ]


def vars_of(timer: asyncio.TimerHandle) -> Callable[..., object] | None:
    """Return the function that a timer will call."""
    callback: Callable[..., object] | None = getattr(timer, "_callback", None)
    return callback


@pytest.mark.looptime
@pytest.mark.parametrize("answers_after", [0.0, 0.05, 3.0])
async def test_an_idle_hour_has_180_pings(answers_after: float) -> None:
    """Rule 31.

    One ping per 20 s, give or take one, however long the answers take; no death, no drift.
    """
    peer = Peer(answers_after=answers_after)
    await asyncio.sleep(3600)
    assert abs(len(peer.pings) - 180) <= 1
    assert peer.died_at == []
    assert peer.latencies == pytest.approx([answers_after] * len(peer.latencies))
    assert len(peer.pings) - len(peer.latencies) <= 1
    peer.heartbeat.stop()


@pytest.mark.looptime
async def test_each_ping_has_an_id_of_8_bytes_of_its_own() -> None:
    """Rule 27: No two pings share a payload."""
    peer = Peer(answers_after=0.0)
    await asyncio.sleep(3600)
    assert {len(ping) for ping in peer.pings} == {8}
    assert len(set(peer.pings)) == len(peer.pings)
    peer.heartbeat.stop()


@pytest.mark.looptime
async def test_a_peer_that_never_says_anything_is_found_out_in_time() -> None:
    """Rule 28: dead once, within interval + timeout + 0.5 s, and then there is no timer left."""
    peer = Peer()
    await asyncio.sleep(1000)
    assert len(peer.died_at) == 1
    assert INTERVAL + TIMEOUT <= peer.died_at[0] - peer.pinged_at[0] + INTERVAL <= LATEST
    assert timers_of(peer.heartbeat) == []


@pytest.mark.looptime
@pytest.mark.parametrize("last_byte_after", [0.0, 0.1, 10.0, 19.9, 20.0, 20.1, 25.0, 29.9, 45.5])
@pytest.mark.parametrize(("interval", "limit"), [(20.0, 10.0), (5.0, 30.0), (10.0, 10.0)])
async def test_death_follows_the_last_byte_in_time(
    last_byte_after: float, interval: float, limit: float
) -> None:
    """Rule 28: Whenever the last byte came, and whichever of the two durations is longer."""
    peer = Peer(interval=interval, timeout=limit)
    loop = asyncio.get_running_loop()
    end = loop.time() + last_byte_after
    while loop.time() + 1 < end:  # frames of any kind, once a second
        await asyncio.sleep(1)
        peer.heartbeat.heard()
    await asyncio.sleep(end - loop.time())
    peer.heartbeat.heard()
    heard_at = loop.time()
    await asyncio.sleep(1000)
    (died_at,) = peer.died_at
    assert limit <= died_at - heard_at <= interval + limit + 0.5


@pytest.mark.looptime
async def test_any_frame_proves_life() -> None:
    """Rule 28: A peer that never answers a ping but sends something in time stays alive."""
    peer = Peer()
    for _ in range(400):
        await asyncio.sleep(9)
        peer.heartbeat.heard()
    assert peer.died_at == []
    assert abs(len(peer.pings) - 180) <= 1
    peer.heartbeat.stop()


@pytest.mark.looptime
async def test_a_silence_shorter_than_the_timeout_is_forgiven() -> None:
    """Rule 29: A blip of the network during a ping changes nothing."""
    peer = Peer(answers_after=TIMEOUT - 0.1)
    await asyncio.sleep(600)
    assert peer.died_at == []
    peer.heartbeat.stop()


@pytest.mark.looptime
async def test_a_pong_answers_its_own_ping_once() -> None:
    """Unknown and repeated payloads have no latency; a later answer settles earlier pings."""
    peer = Peer()
    await asyncio.sleep(20)
    await asyncio.sleep(5)
    peer.heartbeat.heard()
    await asyncio.sleep(16)
    first, second = peer.pings
    assert peer.heartbeat.answered(b"unasked!") is None
    assert peer.heartbeat.answered(second) == pytest.approx(1)
    assert peer.heartbeat.answered(second) is None
    assert peer.heartbeat.answered(first) is None
    peer.heartbeat.stop()


@pytest.mark.looptime
async def test_pings_that_are_never_answered_do_not_fill_the_memory() -> None:
    """Only the latest few pings are remembered."""
    peer = Peer()
    for _ in range(1000):
        await asyncio.sleep(5)
        peer.heartbeat.heard()
    assert peer.heartbeat.answered(peer.pings[-17]) is None
    assert peer.heartbeat.answered(peer.pings[-16]) is not None
    peer.heartbeat.stop()


@pytest.mark.looptime
async def test_stopping_leaves_no_timer() -> None:
    """Rule 31.

    One timer while it runs, none after; stopping again, or hearing a late frame, adds none.
    """
    peer = Peer(answers_after=0.0)
    for _ in range(100):
        await asyncio.sleep(7)
        assert len(timers_of(peer.heartbeat)) == 1
    pings = len(peer.pings)
    peer.heartbeat.stop()
    peer.heartbeat.stop()
    peer.heartbeat.heard()
    peer.heartbeat.answered(peer.pings[-1])
    assert timers_of(peer.heartbeat) == []
    await asyncio.sleep(1000)
    assert (len(peer.pings), peer.died_at) == (pings, [])


@pytest.mark.looptime
async def test_stopping_after_each_of_1000_links_leaves_no_timer() -> None:
    """Rule 31: Whenever in its life a heartbeat is stopped."""
    peers: list[Peer] = []
    for number in range(1000):
        peer = Peer()
        await asyncio.sleep(number % 31)
        peer.heartbeat.stop()
        peers.append(peer)
    assert [timer for peer in peers for timer in timers_of(peer.heartbeat)] == []


@pytest.mark.looptime
async def test_a_sender_may_stop_the_heartbeat() -> None:
    """A ping that finds the link broken, and stops everything, is the last."""
    stopped: list[Heartbeat] = []

    def stop(_payload: bytes) -> None:
        heartbeat.stop()
        stopped.append(heartbeat)

    heartbeat = Heartbeat(INTERVAL, TIMEOUT, send_ping=stop, on_dead=pytest.fail)
    await asyncio.sleep(1000)
    assert stopped == [heartbeat]


async def test_a_loop_that_was_blocked_reads_what_waits_before_it_judges(
    clock: JumpingClock,
) -> None:
    """Rule 29.

    A limit reached late gives the loop its turns: a frame that has arrived proves life.
    """
    peer = Peer()
    await clock.jump(INTERVAL)
    peer.loop.call_later(TIMEOUT / 2, peer.answer, peer.pings[0])
    await clock.jump(3 * TIMEOUT)
    await clock.jump(3 * TIMEOUT, turns=0)
    assert peer.died_at == []
    peer.heartbeat.stop()


async def test_a_ping_that_left_only_after_a_block_may_still_be_answered(
    clock: JumpingClock,
) -> None:
    """Rule 29.

    A peer that learns late of a ping has a moment to answer it, though the limit has passed.
    """
    peer = Peer()
    await clock.jump(INTERVAL)
    await clock.jump(3 * TIMEOUT)
    await clock.jump(0.2)
    peer.answer(peer.pings[0])
    await clock.jump(TIMEOUT - 0.1)
    assert peer.died_at == []
    peer.heartbeat.stop()


async def test_a_second_block_still_leaves_turns_to_read(clock: JumpingClock) -> None:
    """Rule 29.

    A frame that arrived while the loop was blocked in that moment, too, is read in time.
    """
    peer = Peer()
    await clock.jump(INTERVAL)
    await clock.jump(3 * TIMEOUT)

    def read_the_socket() -> None:
        peer.loop.call_soon(peer.loop.call_soon, peer.answer, peer.pings[0])

    peer.loop.call_later(0.1, read_the_socket)  # whoever awaits the frame runs two turns later
    await clock.jump(3 * TIMEOUT)
    assert peer.died_at == []
    peer.heartbeat.stop()


async def test_a_dead_peer_is_found_out_although_the_loop_was_blocked(clock: JumpingClock) -> None:
    """If nothing waits to be read, the moment of grace ends in death."""
    peer = Peer()
    await clock.jump(INTERVAL)
    await clock.jump(3 * TIMEOUT)
    assert peer.died_at == []
    await clock.jump(0.26)
    assert len(peer.died_at) == 1


async def test_a_block_over_many_intervals_owes_one_ping(clock: JumpingClock) -> None:
    """Pings that were missed are not made up for; the next one is due after an interval."""
    peer = Peer()
    await clock.jump(10 * INTERVAL)
    assert len(peer.pings) == 1
    peer.answer(peer.pings[0])
    await clock.jump(INTERVAL - 0.1)
    assert len(peer.pings) == 1
    await clock.jump(0.2)
    assert len(peer.pings) == 2
    peer.heartbeat.stop()
