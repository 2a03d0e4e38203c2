"""Three nodes under random schedules of callers, faults and ends.

What belongs here: what holds whatever happens.  What does not: single decisions, which the files
beside this one name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import attrs
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import NotConnectedToPeerError
from refold.middleware.peer_network.node_events import LinkDown, LinkUp, MessageReceived
from refold.middleware.peer_network.peer_options import PeerOptions
from tests.listeners.virtual_loop import run_in_virtual_time
from tests.peers.fake_transport import Outcome
from tests.peers.node.node_scene import NodeScene, Peer, node_scene
from tests.peers.node.told_in_order import check_told_in_order

if TYPE_CHECKING:
    from refold.middleware.peer_network.connect_result import ConnectResult

NAMES: Final = ("alice", "bob", "carol")
MAX_LINKS: Final = 2

Deed: TypeAlias = Literal[
    "connect", "cancel", "disconnect", "send", "lose", "hang", "heal", "slow", "fault", "stop"
]

HOW_OFTEN: Final[dict[Deed, int]] = {
    "connect": 16,
    "cancel": 8,
    "disconnect": 4,
    "send": 4,
    "lose": 8,
    "hang": 2,
    "heal": 3,
    "slow": 4,
    "fault": 8,
    "stop": 1,
}
"""Of 58 steps, in the mean."""


@attrs.frozen
class Step:
    """Something to do, after some turns of the loop or some seconds."""

    turns: int
    seconds: float
    deed: Deed
    one: int
    """Which peer, caller or link; counted round and round."""
    other: int
    """Which other peer."""
    outcome: Outcome


steps = st.builds(
    Step,
    turns=st.integers(0, 12),
    seconds=st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.5, 1.0, 3.0, 13.0]),
    deed=st.sampled_from([deed for deed, times in HOW_OFTEN.items() for _ in range(times)]),
    one=st.integers(0, 11),
    other=st.integers(0, 1),
    outcome=st.sampled_from(get_args(Outcome)),
)

addresses = st.sampled_from([f"{kind}:{name}" for kind in ("direct", "relay") for name in NAMES])


@attrs.frozen
class Schedule:
    """What is wrong with the network at first, and what happens then."""

    outcomes: dict[str, Outcome]
    slow: set[str]
    confirmation_seconds: float
    """Of a handshake's last step; and, as well, of the end of a cancelled dial."""
    steps: list[Step]
    patience: float
    """Seconds from the last step to the end."""


schedules = st.builds(
    Schedule,
    outcomes=st.dictionaries(addresses, st.sampled_from(get_args(Outcome))),
    slow=st.sets(addresses),
    confirmation_seconds=st.sampled_from([0.0, 0.01]),
    steps=st.lists(steps, min_size=10, max_size=50),
    patience=st.sampled_from([0.0, 0.2, 4.0, 60.0]),
)


class Life:
    """A scene that steps are done to."""

    def __init__(self, scene: NodeScene, peers: Sequence[Peer]) -> None:
        self.scene = scene
        self.peers = peers
        self.callers: list[tuple[Peer, str, asyncio.Task[ConnectResult]]] = []
        self.cancelled: set[asyncio.Task[ConnectResult]] = set()
        self.others: list[asyncio.Task[None]] = []

    async def do(self, step: Step) -> None:
        """Wait, then do one step."""
        for _ in range(step.turns):
            await asyncio.sleep(0)
        if step.seconds:
            await asyncio.sleep(step.seconds)
        peer = self.peers[step.one % 3]
        other = self.peers[(step.one + 1 + step.other) % 3]
        self._do_to_network(step, f"{('direct', 'relay')[step.one % 2]}:{other.peer_id}")
        self._do_to_peer(step, peer, other)

    def _do_to_peer(self, step: Step, peer: Peer, other: Peer) -> None:
        waiting = [task for _, _, task in self.callers if not task.done()]
        match step.deed:
            case "connect":
                task = asyncio.create_task(peer.node.connect(other.presence))
                self.callers.append((peer, other.peer_id, task))
            case "cancel" if waiting:
                self.cancelled.add(waiting[step.one % len(waiting)])
                waiting[step.one % len(waiting)].cancel()
            case "disconnect":
                self.others.append(asyncio.create_task(peer.node.disconnect(other.peer_id)))
            case "send":
                self.others.append(asyncio.create_task(send(peer, other.peer_id)))
            case "stop":
                self.others.append(asyncio.create_task(peer.stop()))
            case _:
                pass

    def _do_to_network(self, step: Step, address: str) -> None:
        network = self.scene.network
        open_ends = [end for end in network.held if not end.pipe.is_closed]
        match step.deed:
            case "lose" if open_ends:
                open_ends[step.one % len(open_ends)].abort()
            case "hang" if open_ends:
                open_ends[step.one % len(open_ends)].pipe.hold_up()
            case "heal":
                network.outcomes.clear()
            case "slow":
                network.latencies[address] = 0.5
            case "fault":
                network.outcomes[address] = step.outcome
            case _:
                pass

    async def end(self) -> None:
        """Stop all, and check what is left."""
        await self.scene.stop()
        told = [list(peer.events) for peer in self.peers]
        await asyncio.wait([asyncio.create_task(asyncio.sleep(60.0)), *self.others])
        for other in self.others:
            other.result()
        assert told == [peer.events for peer in self.peers], "something ran after the stop"
        for peer, peer_id, task in self.callers:
            assert task.done()
            assert not task.cancelled() or task in self.cancelled, "another's end cancelled it"
            if not task.cancelled() and task.result().success:
                assert any(link.peer_id == peer_id for link in peer.told(LinkUp))
        assert self.scene.network.most_at_once <= 1, "two dials at once"
        assert self.scene.network.dialing.total() == 0
        for events in told:
            check_told_in_order(events, max_links_per_peer=MAX_LINKS, is_stopped=True)


async def send(peer: Peer, peer_id: str) -> None:
    """Send a message, if there is a link."""
    try:
        await peer.node.send(peer_id, "greeting", b"hello")
    except NotConnectedToPeerError:
        return


async def live(schedule: Schedule) -> None:
    """Let three nodes live through a schedule."""
    options = PeerOptions(max_links_per_peer=MAX_LINKS)
    async with node_scene() as scene:
        peers = [
            await scene.peer(name, kinds=("direct", "relay"), options=options) for name in NAMES
        ]
        scene.network.outcomes = dict(schedule.outcomes)
        scene.network.latencies = dict.fromkeys(schedule.slow, 0.5)
        scene.network.confirmation_seconds = schedule.confirmation_seconds
        scene.network.clean_up_seconds = schedule.confirmation_seconds
        life = Life(scene, peers)
        for step in schedule.steps:
            await life.do(step)
        await asyncio.sleep(schedule.patience)
        await life.end()


@given(schedules)
def test_whatever_happens_each_node_tells_it_in_order_and_leaves_nothing(
    schedule: Schedule,
) -> None:
    """Single flight holds, attempts and links end exactly once, and nothing runs after the stop."""
    run_in_virtual_time(live(schedule))


@given(
    st.integers(0, 40),
    st.sampled_from([0.0, 0.01, 0.02]),
    st.sampled_from([0.0, 0.01, 0.02]),
    st.sampled_from([0.0, 0.01, 0.02]),
)
def test_peers_that_dial_each_other_at_once_have_a_working_pair(
    turns: int, one_way: float, other_way: float, confirmation: float
) -> None:
    """Both connects succeed, and a link lives over which each hears the other, at any timing."""

    async def scenario() -> None:
        async with node_scene() as scene:
            alice, bob = await scene.peer("alice"), await scene.peer("bob")
            scene.network.latencies = {"direct:alice": one_way, "direct:bob": other_way}
            scene.network.confirmation_seconds = confirmation
            first = asyncio.create_task(alice.node.connect(bob.presence))
            for _ in range(turns):
                await asyncio.sleep(0)
            second = asyncio.create_task(bob.node.connect(alice.presence))
            assert (await first).success
            assert (await second).success
            await asyncio.sleep(1.0)
            await alice.node.send("bob", "greeting", b"a")
            await bob.node.send("alice", "greeting", b"b")
            await asyncio.sleep(1.0)
            assert [event.payload for event in alice.told(MessageReceived)] == [b"b"]
            assert [event.payload for event in bob.told(MessageReceived)] == [b"a"]
            for peer in (alice, bob):
                assert not peer.told(LinkDown)

    run_in_virtual_time(scenario())
