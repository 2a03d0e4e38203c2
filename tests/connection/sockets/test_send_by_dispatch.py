"""`SendMessage` by dispatch, and `SendFailed` for an answer: rule 33.

What belongs here: what is sent, when it is not, and what a refusal looks like in the store.  What
does not: the bounds themselves, see `test_overflow` and `test_payloads`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.actions.connection import ConnectionOpened, OutboundMessagesDropped
from refold.actions.websocket_messages import SendFailed, SendMessage
from refold.errors import StoreClosedError
from refold.middleware.record import record
from refold.middleware.websocket_options import WebSocketOptions
from refold.replay.canonical_digest import state_digest
from refold.replay.replay import replay
from tests.connection.sockets.peers import CLOSE, TEXT, Wire, peer
from tests.connection.sockets.running import FAST, Scene, eventually, root_reducer, running

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE: Final = "ws://127.0.0.1:1/"


class Listener:
    """A peer that writes down the texts that it receives."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def __call__(self, wire: Wire) -> None:
        """Serve one link."""
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                wire.send(CLOSE, payload)
                return
            if opcode == TEXT:
                self.heard.append(payload.decode())


def refusals(scene: Scene) -> list[str]:
    """Return the error types of what was refused."""
    return [refused.error_type for refused in scene.trace.of(SendFailed)]


async def test_rule_33_a_dispatched_message_is_sent_as_it_is() -> None:
    """Rule 33: texts leave in the order of dispatch, before and after connecting."""
    listener = Listener()
    texts = ["first", "", "ü", '{"a": 1}', "x" * 70_000]
    async with peer(listener) as server, running(server.url) as scene:
        for text in texts[:2]:
            scene.store.dispatch(SendMessage(text))
        await scene.connection.connect(wait=True)
        for text in texts[2:]:
            scene.store.dispatch(SendMessage(text))
        await eventually(lambda: len(listener.heard) == 5, 5)
        assert listener.heard == texts
        assert refusals(scene) == []


async def test_rule_33_a_transaction_that_is_rolled_back_sends_nothing() -> None:
    """Rule 33: only what was committed is sent, at the end of the outermost transaction."""
    listener = Listener()
    async with peer(listener) as server, running(server.url) as scene:
        await scene.connection.connect(wait=True)
        with contextlib.suppress(LookupError), scene.store.transaction():
            scene.store.dispatch(SendMessage("rolled back"))
            raise LookupError
        with scene.store.transaction():
            scene.store.dispatch(SendMessage("kept 1"))
            with contextlib.suppress(LookupError), scene.store.transaction():
                scene.store.dispatch(SendMessage("rolled back inside"))
                raise LookupError
            scene.store.dispatch(SendMessage("kept 2"))
            assert scene.connection.queue_size == 0
        scene.store.dispatch(SendMessage("after"))
        await eventually(lambda: "after" in listener.heard, 5)
        assert listener.heard == ["kept 1", "kept 2", "after"]


async def test_rule_33_an_outer_rollback_takes_an_inner_transaction_back() -> None:
    """Rule 33: what a nested transaction kept is not sent if the outer one is rolled back."""
    options = attrs.evolve(FAST, max_queue=1)
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        with contextlib.suppress(LookupError), scene.store.transaction():
            with scene.store.transaction():
                scene.store.dispatch(SendMessage("inner"))
                scene.store.dispatch(SendMessage("too many"))
            raise LookupError
        await asyncio.sleep(0)
        assert scene.connection.queue_size == 0
        assert refusals(scene) == []


async def test_rule_33_a_full_queue_answers_with_an_action() -> None:
    """Rule 33: dispatch never raises for it; the action names the error, and nothing is queued."""
    options = attrs.evolve(FAST, max_queue=2)
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        for text in ("a", "b", "c", "d"):
            sent = SendMessage(text)
            assert scene.store.dispatch(sent) is sent
        await eventually(lambda: len(refusals(scene)) == 2, 5)
        assert refusals(scene) == ["QueueFullError"] * 2
        assert all(refused.message for refused in scene.trace.of(SendFailed))
        assert scene.connection.clear_queue() == ["a", "b"]


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest", "block"])
async def test_rule_33_each_policy_has_its_own_answer(policy: Any) -> None:
    """Rule 33: drops are told as drops, and a dispatch that cannot wait is refused."""
    options = attrs.evolve(FAST, max_queue=1, overflow=policy)
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        for text in ("a", "b"):
            scene.store.dispatch(SendMessage(text))
        await eventually(
            lambda: scene.trace.of(SendFailed) or scene.trace.of(OutboundMessagesDropped), 5
        )
        assert refusals(scene) == (["QueueFullError"] if policy == "block" else [])
        assert scene.state.dropped_count == (0 if policy == "block" else 1)
        assert scene.connection.clear_queue() == ["b" if policy == "drop_oldest" else "a"]


@pytest.mark.parametrize(
    ("sent", "error_type"),
    [
        (SendMessage("\ud800"), "InvalidPayloadError"),
        (SendMessage("x" * 101), "InvalidPayloadError"),
        (SendMessage("ü" * 51), "InvalidPayloadError"),
        (SendMessage("x", ttl_seconds=-1.0), "ValueError"),
        (SendMessage("x", ttl_seconds=0.0), "ValueError"),
        (SendMessage("x", ttl_seconds=float("nan")), "ValueError"),
        (SendMessage("x", ttl_seconds=float("inf")), "ValueError"),
    ],
    ids=lambda it: repr(it)[:60],
)
async def test_rule_33_a_bad_message_answers_with_an_action(
    sent: SendMessage, error_type: str
) -> None:
    """Rule 33: what `send` would raise becomes the name and the words of an action."""
    options = attrs.evolve(FAST, max_send_bytes=100)
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        scene.store.dispatch(sent)
        scene.store.dispatch(SendMessage("good"))
        await eventually(lambda: refusals(scene), 5)
        assert refusals(scene) == [error_type]
        assert scene.connection.clear_queue() == ["good"]
        assert scene.state.error_count == 0


@pytest.mark.looptime
@pytest.mark.parametrize("text", [b"bytes", None, 5, {"a": 1}])
async def test_rule_33_a_text_that_is_none_does_not_end_the_store(text: Any) -> None:
    """Rule 33: a field of the wrong type is refused as it is made, or answered by an action."""
    async with running(NOWHERE, connects_at_once=False) as scene:
        try:
            wrong = SendMessage(text)
        except (TypeError, ValueError):
            return
        scene.store.dispatch(wrong)
        await asyncio.sleep(0.01)
        assert len(refusals(scene)) + scene.connection.queue_size == 1


@pytest.mark.looptime
async def test_rule_33_refusals_in_a_transaction_are_told_after_it() -> None:
    """Rule 33: what fits is queued, each refusal is one action, and none is lost or doubled."""
    options = attrs.evolve(FAST, max_queue=2)
    async with running(NOWHERE, options=options, connects_at_once=False) as scene:
        with scene.store.transaction():
            for text in ("a", "\ud800", "b", "c"):
                scene.store.dispatch(SendMessage(text))
            assert refusals(scene) == []
        await eventually(lambda: len(refusals(scene)) >= 2, 5)
        await asyncio.sleep(0.01)
        assert refusals(scene) == ["InvalidPayloadError", "QueueFullError"]
        assert scene.connection.clear_queue() == ["a", "b"]


@pytest.mark.looptime
async def test_rule_36_a_dispatched_message_can_expire_or_be_volatile() -> None:
    """Rule 36: both fields mean what the arguments of `send` mean."""
    async with running(NOWHERE, options=WebSocketOptions(), connects_at_once=False) as scene:
        scene.store.dispatch(SendMessage("volatile", is_volatile=True))
        assert scene.connection.queue_size == 0
        scene.store.dispatch(SendMessage("short", ttl_seconds=5.0))
        scene.store.dispatch(SendMessage("long", ttl_seconds=50.0))
        await asyncio.sleep(6)
        assert scene.state.dropped_count == 1
        assert scene.connection.clear_queue() == ["long"]
        assert refusals(scene) == []


async def test_rule_33_a_subscriber_may_dispatch_a_message() -> None:
    """Rule 33: a message dispatched in the notification of `connected` is sent."""
    listener = Listener()
    async with peer(listener) as server, running(server.url, connects_at_once=False) as scene:

        def greet(_connects: int, _before: int) -> None:
            scene.store.dispatch(SendMessage("hello"))

        scene.store.subscribe(greet, select=lambda root: root.connection.total_connects)
        await scene.connection.connect(wait=True)
        await eventually(lambda: listener.heard == ["hello"], 5)
        assert len(scene.trace.of(ConnectionOpened)) == 1


async def test_rule_33_replaying_a_dispatched_message_sends_nothing(tmp_path: Path) -> None:
    """A log with messages and refusals gives the same digest, and the peer hears nothing twice."""
    listener, path = Listener(), tmp_path / "run.jsonl"
    async with peer(listener) as server:
        async with running(server.url, middleware=(record(path),)) as scene:
            await scene.connection.connect(wait=True)
            scene.store.dispatch(SendMessage("once", ttl_seconds=100.0))
            scene.store.dispatch(SendMessage("x", ttl_seconds=-1.0))
            await eventually(lambda: listener.heard == ["once"], 5)
            await eventually(lambda: refusals(scene), 5)
        timeline = replay(path, root_reducer)
        timeline.verify()
        assert state_digest(timeline.at(timeline.head)) == state_digest(scene.store.state)
        names = [it.name for it in timeline.records]
        assert names.count(SendMessage.wire_name) == 2
        assert names.count(SendFailed.wire_name) == 1
        assert listener.heard == ["once"]
        assert server.accepted == 1


async def test_rule_33_after_the_store_was_left_dispatching_fails() -> None:
    """Nothing is buffered in silence once the store is closed."""
    async with running(NOWHERE, connects_at_once=False) as scene:
        pass
    with pytest.raises(StoreClosedError):
        scene.store.dispatch(SendMessage("never"))
    assert scene.connection.queue_size == 0
