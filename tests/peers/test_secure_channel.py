"""`SecureChannel`: whole messages between two peers that proved who they are.

What belongs here: what the two ends do when nobody meddles.  What does not: attacks, see
`test_attacks_on_the_channel`.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refold.errors import AuthenticationError, PipeClosedError
from refold.middleware.peer_network.framed_messages import (
    MAX_MESSAGE_SIZE,
    FramedMessages,
    MessageTooLargeError,
    frame_message,
)
from refold.middleware.peer_network.secure_channel import SecureChannel
from tests.peers.channel_pairs import ALICE, BOB, answer, channels, dial, end_of, failed
from tests.peers.meddling_relay import MeddlingRelay, Sender, shake_hands
from tests.peers.memory_pipe import MemoryPipe, memory_pipe

pytestmark = pytest.mark.looptime

LARGE = random.Random(1).randbytes(MAX_MESSAGE_SIZE)  # noqa: S311  # the same in each run


async def until_held(pipe: MemoryPipe) -> None:
    """Let the loop run until nothing more goes into a pipe."""
    before = -1
    while before != len(pipe.sent):
        before = len(pipe.sent)
        for _ in range(10):
            await asyncio.sleep(0)


# --- the handshake --------------------------------------------------------------------------------


async def test_both_ends_learn_who_the_other_is() -> None:
    """Whoever is dialled learns the id; whoever dials has what it expected."""
    dialed, listened, *_ = await channels()
    assert dialed.peer_id == BOB.peer_id
    assert listened.peer_id == ALICE.peer_id


async def test_whoever_dials_must_say_whom() -> None:
    """A dialler that would take anyone is a mistake, found before anything is sent."""
    one, _two = memory_pipe()
    nobody: Any = None
    with pytest.raises(ValueError, match="give expected_peer_id"):
        await dial(one, ALICE, nobody)
    assert one.sent == []
    assert not one.is_closed


async def test_a_dialler_has_a_channel_only_when_its_own_proof_was_taken() -> None:
    """TLS is done for a dialler before its proof arrived: it waits until it hears that it did."""
    last = 2

    def withhold(sender: Sender, number: int, frame: bytes) -> list[bytes]:
        return [] if (sender, number) == ("listener", last) else [frame]

    async with MeddlingRelay(withhold) as relay:
        dialed, listened = await shake_hands(relay, ALICE, BOB)
        assert [len(frame) for frame in relay.seen["listener"]][last] < 30
    assert "did not prove who it is within 5 s" in failed(dialed)
    assert isinstance(listened, SecureChannel)


async def test_two_conversations_have_nothing_in_common() -> None:
    """Nothing is resumed: each handshake is a whole one, with keys of its own."""
    sizes: list[list[int]] = []
    for _ in range(2):
        _dialed, _listened, one, two = await channels()
        sizes.append([len(frame) for frame in one.sent + two.sent])
    assert sizes[0] == sizes[1]
    assert sum(sizes[0]) > 3000  # two certificates are in it


async def test_cancelling_a_handshake_frees_the_pipe() -> None:
    """A dial that is given up leaves neither a pipe nor a task."""
    one, two = memory_pipe()
    dialing = asyncio.create_task(dial(one, ALICE, BOB.peer_id))
    await until_held(one)
    dialing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialing
    assert one.is_closed
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(AuthenticationError, match="hung up before both"):
        await answer(two, BOB)


# --- messages -------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=100) | st.integers(0, 200_000).map(bytes), max_size=6))
async def test_messages_arrive_whole_and_in_order(messages: list[bytes]) -> None:
    """Of any size, the empty one too, in both directions."""
    dialed, listened, *_ = await channels(max_messages=100)
    for sender, receiver in ((dialed, listened), (listened, dialed)):
        for message in messages:
            await sender.send(message)
        assert [await receiver.receive() for _ in messages] == messages


async def test_a_large_message_is_cut_into_pieces_that_any_pipe_carries() -> None:
    """1 MiB goes through a pipe of which no message has more than 60,000 bytes."""
    dialed, listened, one, _two = await channels(max_messages=2)
    sending = asyncio.create_task(dialed.send(LARGE))
    assert await listened.receive() == LARGE
    await sending
    assert max(len(piece) for piece in one.sent) == 60_000


async def test_a_larger_message_is_refused_and_the_channel_stays() -> None:
    """One byte more than 1 MiB is not sent; the next message is."""
    dialed, listened, *_ = await channels()
    with pytest.raises(MessageTooLargeError, match="1048577: split it"):
        await dialed.send(LARGE + b"x")
    await dialed.send(b"next")
    assert await listened.receive() == b"next"


@given(st.lists(st.binary(max_size=300)), st.data())
def test_frames_are_read_however_the_stream_is_cut(
    messages: list[bytes], data: st.DataObject
) -> None:
    """Messages come out of a stream whole, wherever it is cut."""
    stream = b"".join(frame_message(message) for message in messages)
    framed = FramedMessages()
    taken: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        framed.arrived += stream[:size]
        stream = stream[size:]
        while (message := framed.take()) is not None:
            taken.append(message)
    assert taken == messages
    assert not framed.is_within_a_message


async def test_messages_of_several_tasks_stay_whole() -> None:
    """Tasks that send at once, through a pipe that takes one piece at a time, do not mix."""
    dialed, listened, *_ = await channels(max_messages=1)
    messages = [bytes([number]) * 150_000 for number in range(8)]
    async with asyncio.TaskGroup() as group:
        for message in messages:
            group.create_task(dialed.send(message))
        assert [await listened.receive() for _ in messages] == messages


async def test_several_receivers_get_each_message_once() -> None:
    """Tasks that receive at once share the messages."""
    dialed, listened, *_ = await channels()
    receiving = [asyncio.create_task(listened.receive()) for _ in range(3)]
    for message in (b"1", b"2", b"3"):
        await dialed.send(message)
    assert sorted(await asyncio.gather(*receiving)) == [b"1", b"2", b"3"]


class PipeOfOneReader(MemoryPipe):
    """A pipe that, like a WebSocket, is read by one task at a time."""

    is_read = False

    async def receive(self) -> bytes:
        """Return the next message."""
        assert not self.is_read, "two tasks read it"
        self.is_read = True
        try:
            return await super().receive()
        finally:
            self.is_read = False


async def test_the_pipe_is_read_by_one_task_at_a_time() -> None:
    """Receivers take turns, so that pieces are opened in the order in which they came."""
    one, two = PipeOfOneReader(16), PipeOfOneReader(16)
    one.other, two.other = two, one
    dialed, listened = await asyncio.gather(dial(one, ALICE, BOB.peer_id), answer(two, BOB))
    receiving = [asyncio.create_task(listened.receive()) for _ in range(3)]
    await asyncio.sleep(0.1)
    for message in (b"1", b"2", b"3"):
        await dialed.send(message)
    assert await asyncio.gather(*receiving) == [b"1", b"2", b"3"]


async def test_a_channel_carries_a_channel() -> None:
    """A channel is itself a pipe of messages."""
    dialed, listened, *_ = await channels()
    inner = await asyncio.gather(
        dial(dialed, ALICE, BOB.peer_id),
        answer(listened, BOB),
    )
    await inner[0].send(b"within")
    assert await inner[1].receive() == b"within"


# --- cancellation ---------------------------------------------------------------------------------


async def test_a_cancelled_send_that_has_begun_is_sent_to_its_end() -> None:
    """The channel stays usable, and the other end gets the message whole."""
    dialed, listened, *_ = await channels(max_messages=1)
    sending = asyncio.create_task(dialed.send(LARGE))
    await asyncio.sleep(0.1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    after = asyncio.create_task(dialed.send(b"after"))
    assert await listened.receive() == LARGE
    assert await listened.receive() == b"after"
    await after


async def test_a_cancelled_send_that_waits_for_its_turn_is_not_sent() -> None:
    """The channel stays usable, and the other end hears nothing of the message."""
    dialed, listened, *_ = await channels(max_messages=1)
    first = asyncio.create_task(dialed.send(LARGE))
    second = asyncio.create_task(dialed.send(b"second"))
    third = asyncio.create_task(dialed.send(b"third"))
    await asyncio.sleep(0.1)
    second.cancel()
    assert await listened.receive() == LARGE
    assert await listened.receive() == b"third"
    await asyncio.gather(first, third)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=12))
async def test_whatever_is_cancelled_messages_stay_whole_and_in_order(
    steps: list[tuple[int, bool]],
) -> None:
    """Of messages whose senders are cancelled at any turn, some arrive; all others arrive."""
    dialed, listened, *_ = await channels(max_messages=1)
    messages = [bytes([number]) * 70_000 for number in range(len(steps))]
    kept = {message for message, (_, is_cancelled) in zip(messages, steps, strict=True)
            if not is_cancelled}  # fmt: skip
    arrived: list[bytes] = []

    async def receive_all() -> None:
        while True:
            arrived.append(await listened.receive())

    receiving = asyncio.create_task(receive_all())
    sending: list[asyncio.Task[None]] = []
    for message, (turns, is_cancelled) in zip(messages, steps, strict=True):
        sending.append(asyncio.create_task(dialed.send(message)))
        for _ in range(turns):
            await asyncio.sleep(0)
        if is_cancelled:
            sending[-1].cancel()
    await asyncio.gather(*sending, return_exceptions=True)
    await dialed.close()
    with pytest.raises(PipeClosedError) as caught:
        await receiving
    assert caught.value.is_clean
    assert arrived == [message for message in messages if message in arrived]
    assert kept <= set(arrived)


async def test_a_cancelled_receive_leaves_the_channel_usable() -> None:
    """The next receiver gets the message for which the cancelled one waited."""
    dialed, listened, *_ = await channels()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(listened.receive(), 1)
    await dialed.send(b"late")
    assert await listened.receive() == b"late"


async def test_a_receive_cancelled_within_a_message_loses_nothing() -> None:
    """What arrived of a message is kept for the next receiver."""
    dialed, listened, one, _two = await channels(max_messages=1)
    sending = asyncio.create_task(dialed.send(LARGE))
    for _ in range(3):
        receiving = asyncio.create_task(listened.receive())
        for _ in range(8):
            await asyncio.sleep(0)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    assert len(one.sent) in range(3, 20)  # after the handshake's two, some of 18 pieces
    assert await listened.receive() == LARGE
    await sending


# --- the end --------------------------------------------------------------------------------------


async def test_a_goodbye_is_a_clean_end_after_all_messages() -> None:
    """What was sent before the goodbye is received; then the end says that it was announced."""
    dialed, listened, *_ = await channels()
    await dialed.send(b"last")
    await dialed.close()
    assert await listened.receive() == b"last"
    for _ in range(2):
        end = await end_of(listened)
        assert str(end) == "the other end said goodbye"
        assert end.is_clean


async def test_an_end_without_a_goodbye_is_not_clean() -> None:
    """A pipe that ends, even by a goodbye of its own, proves nothing about the peer."""
    _dialed, listened, one, _two = await channels()
    await one.close()
    end = await end_of(listened)
    assert "vanished without a goodbye" in str(end)
    assert not end.is_clean


async def test_aborting_is_no_clean_end() -> None:
    """The other end finds out, and sending is over here."""
    dialed, listened, *_ = await channels()
    dialed.abort()
    assert not (await end_of(listened)).is_clean
    with pytest.raises(PipeClosedError, match="this end closed the channel"):
        await dialed.send(b"more")


async def test_a_closed_channel_says_that_it_was_closed_here() -> None:
    """Sending and receiving end; closing again does nothing."""
    dialed, *_ = await channels()
    receiving = asyncio.create_task(end_of(dialed))
    await asyncio.sleep(0)
    await dialed.close()
    await dialed.close()
    assert (await receiving).is_clean
    for attempt in (dialed.send(b"more"), dialed.receive()):
        with pytest.raises(PipeClosedError, match="this end closed the channel"):
            await attempt


async def test_closing_waits_for_the_message_under_way() -> None:
    """A goodbye never cuts a message in two."""
    dialed, listened, *_ = await channels(max_messages=1)
    sending = asyncio.create_task(dialed.send(LARGE))
    await asyncio.sleep(0.1)
    closing = asyncio.create_task(dialed.close())
    assert await listened.receive() == LARGE
    assert (await end_of(listened)).is_clean
    await asyncio.gather(sending, closing)


async def test_closing_waits_for_a_message_whose_sender_was_cancelled() -> None:
    """Nor is it cut in two when nobody waits for it any more."""
    dialed, listened, *_ = await channels(max_messages=1)
    sending = asyncio.create_task(dialed.send(LARGE))
    await asyncio.sleep(0.1)
    sending.cancel()
    await asyncio.wait([sending])
    closing = asyncio.create_task(dialed.close())
    assert await listened.receive() == LARGE
    assert (await end_of(listened)).is_clean
    await closing


async def test_closing_towards_an_end_that_takes_nothing_is_bounded() -> None:
    """After a second the message under way is given up, and its sender told."""
    dialed, _listened, one, _two = await channels(max_messages=1)
    sending = asyncio.create_task(dialed.send(LARGE))
    await asyncio.sleep(0.1)
    started = asyncio.get_running_loop().time()
    await dialed.close()
    assert asyncio.get_running_loop().time() - started == pytest.approx(1.0)
    with pytest.raises(PipeClosedError, match="this end closed the channel"):
        await sending
    assert one.is_closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_message_that_could_not_be_sent_ends_sending() -> None:
    """Once a piece is lost, no later one is sent: every sender is told, the cancelled one's too."""
    dialed, listened, *_ = await channels(max_messages=1)
    sending = asyncio.create_task(dialed.send(LARGE))
    await asyncio.sleep(0.1)
    sending.cancel()
    await asyncio.wait([sending])
    listened.abort()
    for _ in range(2):
        with pytest.raises(PipeClosedError, match="the pipe is closed"):
            await dialed.send(b"next")


async def test_messages_can_be_received_after_sending_failed() -> None:
    """What the other end sent before it went is still there, its goodbye too."""
    dialed, listened, *_ = await channels()
    await listened.send(b"bye")
    await listened.close()
    with pytest.raises(PipeClosedError):
        await dialed.send(b"too late")
    assert await dialed.receive() == b"bye"
    assert (await end_of(dialed)).is_clean


async def test_nothing_is_left_after_both_ends_closed() -> None:
    """No task and no open pipe."""
    dialed, listened, one, two = await channels()
    await asyncio.gather(dialed.close(), listened.close())
    assert one.is_closed
    assert two.is_closed
    assert asyncio.all_tasks() == {asyncio.current_task()}
