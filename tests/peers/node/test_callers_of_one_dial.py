"""`SingleFlight`, alone and in a node: many callers, one dial.

What belongs here: who waits, who stops the dial, and what each gets.  What does not: what is
dialled, see `test_how_a_peer_is_reached`.
"""

from __future__ import annotations

import asyncio

import pytest

from refold.middleware.peer_network.node_events import AttemptsCancelled, AttemptStarted
from refold.middleware.peer_network.single_flight import SingleFlight
from tests.peers.node.node_scene import node_scene, presence_of

pytestmark = pytest.mark.looptime


async def test_callers_join_one_dial_and_have_one_result() -> None:
    """Ten callers of one peer cause one dial, and each has the same result."""
    async with node_scene() as scene:
        await scene.peer("bob")
        alice = await scene.peer("alice")
        scene.network.latencies = {"direct:bob": 1.0}
        results = await asyncio.gather(*(alice.node.connect(presence_of("bob")) for _ in range(10)))
        assert len(scene.network.dialed) == 1
        assert all(result is results[0] for result in results)


async def test_two_peers_are_dialled_at_the_same_time() -> None:
    """Single flight is per peer: another peer does not wait."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        both = [alice.node.connect(presence_of(name)) for name in ("bob", "carol")]
        await asyncio.gather(*both)
        first, second = scene.network.times_dialed()[:2]
        assert first == second


async def test_cancelling_one_caller_leaves_the_dial_to_the_others() -> None:
    """Who is cancelled stops waiting; the others get their link from the same dial."""
    async with node_scene() as scene:
        await scene.peer("bob")
        alice = await scene.peer("alice")
        scene.network.latencies = {"direct:bob": 1.0}
        callers = [asyncio.create_task(alice.node.connect(presence_of("bob"))) for _ in range(3)]
        await alice.until(lambda: alice.told(AttemptStarted))
        callers[0].cancel()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert all(not isinstance(each, BaseException) and each.success for each in results[1:])
        assert len(scene.network.dialed) == 1
        assert not alice.told(AttemptsCancelled)


async def test_cancelling_the_last_caller_stops_the_dial_and_is_told() -> None:
    """By the time the last caller has ended, the dial has, and the attempts are cancelled."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        scene.network.outcomes = {"direct:bob": "hang"}
        callers = [asyncio.create_task(alice.node.connect(presence_of("bob"))) for _ in range(2)]
        await alice.until(lambda: alice.told(AttemptStarted))
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
        assert all(caller.cancelled() for caller in callers)
        assert scene.network.dialing.total() == 0
        assert alice.told(AttemptsCancelled) == [AttemptsCancelled("bob")]


async def test_cancelling_the_last_caller_ends_the_wait_between_attempts() -> None:
    """There is no second attempt when nobody waits for it."""
    async with node_scene() as scene:
        alice = await scene.peer("alice")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(alice.node.connect(presence_of("bob")), 0.5)
        await asyncio.sleep(10.0)
        assert len(scene.network.dialed) == 1
        assert alice.told(AttemptsCancelled) == [AttemptsCancelled("bob")]


async def test_who_comes_while_a_dial_stops_waits_for_its_end_and_gets_a_new_one() -> None:
    """A cancelled dial that takes a second to end never runs beside the next one."""
    async with node_scene() as scene:
        await scene.peer("bob")
        alice = await scene.peer("alice")
        scene.network.outcomes = {"direct:bob": "hang"}
        scene.network.clean_up_seconds = 1.0
        first = asyncio.create_task(alice.node.connect(presence_of("bob")))
        await alice.until(lambda: alice.told(AttemptStarted))
        first.cancel()
        await asyncio.sleep(0.1)
        scene.network.outcomes = {}
        assert (await alice.node.connect(presence_of("bob"))).success
        assert scene.network.most_at_once == 1
        assert scene.network.times_dialed()[1] == pytest.approx(1.0, abs=0.11)


async def test_an_error_of_the_work_reaches_all_callers() -> None:
    """`SingleFlight` hides nothing: each caller gets the exception; the next starts anew."""
    flights: SingleFlight[str, int] = SingleFlight()
    runs: list[int] = []

    async def work() -> int:
        runs.append(1)
        await asyncio.sleep(1.0)
        raise LookupError(len(runs))

    both = await asyncio.gather(
        flights.join("a", work), flights.join("a", work), return_exceptions=True
    )
    assert [str(error) for error in both] == ["1", "1"]
    with pytest.raises(LookupError, match="2"):
        await flights.join("a", work)
    await asyncio.sleep(0)
    assert flights.tasks() == []
