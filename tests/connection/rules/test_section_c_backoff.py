"""Section C, rules 14 to 21: how attempts are spaced, over sockets and in virtual time."""

from __future__ import annotations

import asyncio
import random
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionProvedStable,
    LastError,
)
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff, backoff_delay
from refold.reducers.reconnect_machine import (
    AttemptFailed,
    ConnectRequested,
    ReconnectPolicy,
    ReconnectState,
    RetryDue,
    StartRetryTimer,
    step,
)
from tests.connection.sockets.faults import closes_with, refuses_with
from tests.connection.sockets.peers import peer
from tests.connection.sockets.running import running

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connection.sockets.peers import Behaviour

DEFAULTS: Final = WebSocketOptions()
PLAIN: Final = attrs.evolve(DEFAULTS, backoff=Backoff(jitter="none"))
MOST_FAILURES: Final = 100_000


async def delays_of(
    behaviour: Behaviour, failures: int, options: WebSocketOptions, **settings: Any
) -> list[float]:
    """Return the waits between the attempts of a row of failures, as measured."""
    async with peer(behaviour) as server, running(server.url, options=options, **settings) as scene:
        await scene.until(lambda state: state.reconnect_attempts > failures, 100_000)
        lost = scene.trace.times_of(ConnectionLostAndRetryScheduled)
        started = scene.trace.times_of(ConnectionAttemptStarted)
    return [begin - end for begin, end in zip(started[1:], lost, strict=False)]


@pytest.mark.looptime
async def test_rule_14_the_waits_are_those_of_the_backoff() -> None:
    """Rule 14: without jitter 1, 2, 4, 8, 16 s, then 30 s each time."""
    waits = await delays_of(refuses_with("503 Busy"), 7, PLAIN)
    assert waits == pytest.approx([1, 2, 4, 8, 16, 30, 30], abs=0.05)


@pytest.mark.looptime
@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated"])
async def test_rule_14_the_same_seed_gives_the_same_schedule(jitter: Any) -> None:
    """Rule 14: chance comes from `draw` alone, and another seed gives another schedule."""
    options = attrs.evolve(DEFAULTS, backoff=Backoff(jitter=jitter))
    schedules: list[list[float]] = []
    for seed in (14, 14, 41):
        draw = random.Random(seed).random  # noqa: S311  # no secret
        waits = await delays_of(refuses_with("503 Busy"), 12, options, draw=draw)
        schedules.append([round(wait, 2) for wait in waits])
    assert schedules[0] == schedules[1]
    assert schedules[0] != schedules[2]
    assert all(0.1 <= wait <= 30.01 for wait in schedules[0])


@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated", "none"])
def test_rule_15_attempt_100_000_waits_like_any_other(jitter: Any) -> None:
    """Rule 15: within the bounds for every draw, and at the cap still spread, not clamped."""
    backoff = Backoff(jitter=jitter)
    waits = [backoff_delay(backoff, MOST_FAILURES, number / 1000, 30.0) for number in range(1000)]
    assert all(0.1 <= wait <= 30.0 for wait in waits)
    assert len(set(waits)) == (1 if jitter == "none" else 1000)
    assert sum(wait == 30.0 for wait in waits) == (1000 if jitter == "none" else 0)


def test_rule_15_a_run_of_100_000_attempts_goes_on() -> None:
    """Rule 15: the machine counts 100,000 failures, each wait is in bounds, and another follows."""
    draw = random.Random(15).random  # noqa: S311  # no secret
    policy, error = ReconnectPolicy(), LastError("connect", "OSError", "refused")
    state, _ = step(ReconnectState(), ConnectRequested(), policy)
    for number in range(1, MOST_FAILURES + 1):
        state, effects = step(state, AttemptFailed(error, draw(), at_seconds=number), policy)
        (wait,) = [it.delay_seconds for it in effects if isinstance(it, StartRetryTimer)]
        assert 0.1 <= wait <= 30.0
        state, _ = step(state, RetryDue(), policy)
    assert (state.failures, state.attempt) == (MOST_FAILURES, MOST_FAILURES + 1)


@pytest.mark.looptime
@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 4000])
async def test_rule_16_a_link_shorter_than_stable_after_counts_as_a_failure(code: int) -> None:
    """Rule 16: links of 4.9 s leave the row of failures growing, however each was closed."""

    async def closes_late(wire: Any) -> None:
        await wire.handshake()
        await asyncio.sleep(4.9)
        wire.say_goodbye(code)
        await wire.reader.read()

    async with peer(closes_late) as server, running(server.url, options=PLAIN) as scene:
        await scene.until(lambda state: state.reconnect_attempts == 5, 1000)
        assert scene.state.total_connects == 5
        assert scene.trace.of(ConnectionProvedStable) == []
        delays = [lost.delay_seconds for lost in scene.trace.of(ConnectionLostAndRetryScheduled)]
    assert delays == [1, 2, 4, 8, 16]


@pytest.mark.looptime
async def test_rule_17_a_date_is_a_floor_too() -> None:
    """Rule 17: an HTTP-date 60 s ahead of the injected clock means 60 to 66 s."""
    now = 1_700_000_000.0
    answer = f"503 Busy\r\nRetry-After: {formatdate(now + 60, usegmt=True)}"
    (wait,) = await delays_of(refuses_with(answer), 1, DEFAULTS, clock=lambda: now)
    assert 60 <= wait <= 66.1


@pytest.mark.looptime
async def test_rule_17_the_floor_is_spread_by_at_most_a_tenth() -> None:
    """Rule 17: the least draw waits 100 s, the greatest close to 110 s."""
    answer = refuses_with("429 Slow down\r\nRetry-After: 100")
    waits = [
        (await delays_of(answer, 1, DEFAULTS, draw=lambda: jitter))[0]  # noqa: B023  # used now
        for jitter in (0.0, 0.5, 1 - 2**-53)
    ]
    assert waits == pytest.approx([100, 105, 110], abs=0.1)


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("code", "expected"), [(1001, [1, 2, 4, 8]), (1012, [1, 2, 4, 8]), (1013, [5, 5, 5, 8])]
)
async def test_rule_18_a_restart_waits_like_any_loss(code: int, expected: list[float]) -> None:
    """Rule 18: 1001 and 1012 follow the schedule, never at once; 1013 waits 5 s or more."""
    waits = await delays_of(closes_with(code), 4, PLAIN, draw=lambda: 0.0)
    assert waits == pytest.approx(expected, abs=0.1)


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("limits", "attempts"), [({"max_attempts": 4}, 4), ({"max_elapsed": 60.0}, 6)]
)
async def test_rule_19_the_end_of_patience_is_one_action(
    limits: dict[str, Any], attempts: int
) -> None:
    """Rule 19: after 4 failures, or 60 s in vain: `gave_up` told once, no dial, the queue kept."""
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=attrs.evolve(PLAIN, **limits)) as scene,
    ):
        for number in range(5):
            scene.connection.send(str(number))
        await scene.until(lambda state: state.terminal_reason == "gave_up", 1000)
        began, *_, last = scene.trace.times_of(ConnectionAttemptStarted)
        assert last - began <= 60
        await asyncio.sleep(3600)
        assert server.accepted == attempts
        assert len(scene.trace.of(ConnectionEnded)) == 1
        assert scene.connection.clear_queue() == ["0", "1", "2", "3", "4"]


@pytest.mark.looptime
async def test_rule_19_by_default_it_never_gives_up() -> None:
    """Rule 19: after a week of refusals it still asks, every 30 s at most."""
    options = attrs.evolve(PLAIN, backoff=Backoff(jitter="none", cap_seconds=3600.0))
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=options) as scene,
    ):
        await asyncio.sleep(7 * 86_400)
        assert scene.state.terminal_reason is None
        accepted = server.accepted
        await asyncio.sleep(3700)
        assert server.accepted > accepted > 150


@pytest.mark.looptime
async def test_rule_21_a_wait_is_one_timer_and_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 21: each wait of 1 h has 1 timer, and the loop does not turn for its first half."""
    hour = Backoff(initial_seconds=3600.0, cap_seconds=3600.0, jitter="none")
    options = attrs.evolve(DEFAULTS, backoff=hour)
    inside: dict[str, Any] = vars(asyncio.get_running_loop())
    selector = inside["_selector"]
    select: Callable[[float | None], object] = selector.select
    turns = 0

    def count(timeout: float | None = None) -> object:
        nonlocal turns
        turns += 1
        return select(timeout)

    monkeypatch.setattr(selector, "select", count)
    async with (
        peer(refuses_with("503 Busy")) as server,
        running(server.url, options=options) as scene,
    ):
        for failures in (1, 2, 3):
            await scene.until(lambda state: state.reconnect_attempts == failures, 10_000)  # noqa: B023
            await asyncio.sleep(60)
            before = turns
            await asyncio.sleep(1800)
            assert 1 <= turns - before <= 50  # virtual time itself takes a few
            scheduled: list[asyncio.TimerHandle] = inside["_scheduled"]
            pending = [timer for timer in scheduled if not timer.cancelled()]
            assert len([timer for timer in pending if "ReconnectDriver" in repr(timer)]) == 1
            assert len(pending) == 1
