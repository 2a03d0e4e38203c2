"""Attacks on a channel and on its handshake: each fails, with the error that it gets.

What belongs here: what somebody on the way, or at the other end, can do to TLS.  What does not:
forged presences, see `test_signed_presence`; strangers' proposals, which are no matter of channels.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from OpenSSL import SSL

from refold.errors import AuthenticationError, PipeClosedError
from refold.middleware.peer_network.framed_messages import MAX_MESSAGE_SIZE
from refold.middleware.peer_network.secure_channel import SecureChannel
from refold.middleware.peer_network.tls_session import TlsSession
from tests.peers.channel_pairs import (
    ALICE,
    BOB,
    MALLORY,
    answer,
    channels_over,
    dial,
    dial_or_answer,
    end_of,
    failed,
)
from tests.peers.meddling_relay import TIMEOUT, MeddlingRelay, Sender, carry, drop, shake_hands
from tests.peers.memory_pipe import memory_pipe
from tests.peers.other_ends import OtherEnd, ResumingSession, as_identity, certificate_of, speak_tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.peers.memory_pipe import MemoryPipe

pytestmark = pytest.mark.looptime

FRAMES: list[tuple[Sender, int]] = [
    ("dialer", 0),
    ("listener", 0),
    ("dialer", 1),
    ("listener", 1),
    ("listener", 2),
]
"""Of a handshake: hello; hello and proof; proof; tickets, which serve for nothing; "it holds"."""

BEFORE_THE_LISTENER_KNOWS = FRAMES[:3]

PLAIN = FRAMES[:2]
"""They begin with a record that is not encrypted."""

RECORD_VERSION = 2
"""Where a byte of such a record means nothing: its version (RFC 8446, 5.1)."""


async def outcomes_if(
    change: Callable[[bytes], list[bytes]], at: tuple[Sender, int]
) -> tuple[SecureChannel | AuthenticationError, SecureChannel | AuthenticationError]:
    """Return what both ends have if others come instead of one frame of the handshake."""

    def meddle(sender: Sender, number: int, frame: bytes) -> list[bytes]:
        return change(frame) if (sender, number) == at else [frame]

    async with MeddlingRelay(meddle) as relay:
        dialed, listened = await shake_hands(relay, ALICE, BOB)
        # Whoever has noticed breaks the pipe, which is the end of the other.
        ends = [end_of(each) for each in (dialed, listened) if isinstance(each, SecureChannel)]
        assert not any(end.is_clean for end in await asyncio.gather(*ends))
        return dialed, listened


def flip(position: int, mask: int) -> Callable[[bytes], list[bytes]]:
    """Return what makes one byte of a frame another."""

    def change(frame: bytes) -> list[bytes]:
        changed = bytearray(frame)
        changed[position] ^= mask
        return [bytes(changed)]

    return change


async def handshake_frames() -> dict[tuple[Sender, int], bytes]:
    """Return the frames of a handshake in which nobody meddled."""
    async with MeddlingRelay() as relay:
        await channels_over(relay)
        return {(sender, number): relay.seen[sender][number] for sender, number in FRAMES}


# --- somebody else at the other end ---------------------------------------------------------------


async def test_posing_as_another_peer_fails_before_the_dialler_shows_itself() -> None:
    """Who answers in Bob's place is named, and has seen nothing that tells who dials."""
    async with MeddlingRelay() as relay:
        dialing = dial(relay.dialer_end, ALICE, BOB.peer_id)
        posing = answer(relay.listener_end, MALLORY)
        dialed, posed = await asyncio.gather(dialing, posing, return_exceptions=True)
        frames = relay.seen["dialer"]
    assert isinstance(dialed, AuthenticationError)
    assert f"expected peer {BOB.peer_id}, but the other end proved to be" in str(dialed)
    assert MALLORY.peer_id in str(dialed)
    assert isinstance(posed, AuthenticationError)
    assert "expected another peer than this one" in str(posed)
    assert [len(frame) for frame in frames[1:]] == [7]  # an alert; a proof has 400


async def test_a_dialler_that_poses_is_known_by_its_own_id() -> None:
    """Whoever is dialled and says whom it expects refuses the others."""
    one, two = memory_pipe()
    dialed, listened = await asyncio.gather(
        dial(one, MALLORY, BOB.peer_id),
        answer(two, BOB, ALICE.peer_id),
        return_exceptions=True,
    )
    assert isinstance(listened, AuthenticationError)
    assert f"expected peer {ALICE.peer_id}" in str(listened)
    assert isinstance(dialed, AuthenticationError)
    assert "expected another peer than this one" in str(dialed)


async def test_a_man_in_the_middle_with_its_own_key_reaches_nobody_as_another() -> None:
    """Between two handshakes of its own it is refused by the dialler and known by the listener."""
    to_alice, from_alice = memory_pipe()
    to_bob, from_bob = memory_pipe()

    dialed, listened, seen, _known = await asyncio.gather(
        dial(from_alice, ALICE, BOB.peer_id),
        answer(from_bob, BOB),
        answer(to_alice, MALLORY),
        dial(to_bob, MALLORY, BOB.peer_id),
        return_exceptions=True,
    )
    assert isinstance(dialed, AuthenticationError)
    assert MALLORY.peer_id in str(dialed)
    assert isinstance(listened, SecureChannel)
    assert listened.peer_id == MALLORY.peer_id
    assert isinstance(seen, AuthenticationError)


# --- another kind of end --------------------------------------------------------------------------


def kinds_of_keys() -> dict[str, OtherEnd]:
    """Return ends that show other certificates than a peer does."""
    authority = Ed25519PrivateKey.generate()
    leaf = Ed25519PrivateKey.generate()
    issued = certificate_of(leaf, issuer=("an authority", authority))
    over = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)  # Alice's own key
    return {
        "RSA": OtherEnd(rsa.generate_private_key(65_537, 2048)),
        "ECDSA": OtherEnd(ec.generate_private_key(ec.SECP256R1())),
        "not self-signed": OtherEnd(leaf, issued),
        "a chain": OtherEnd(leaf, issued, chain=(certificate_of(authority, is_authority=True),)),
        "expired": OtherEnd(over, certificate_of(over, is_over=True)),
        "no certificate": OtherEnd(has_certificate=False),
    }


KEY_ERRORS = {
    "RSA": "a key of another kind (RSAPublicKey)",
    "ECDSA": "a key of another kind (ECPublicKey)",
    "not self-signed": "not a single, self-signed and valid one",
    "a chain": "not a single, self-signed and valid one",
    "expired": "not a single, self-signed and valid one",
}


async def meet(other: OtherEnd, *, dials: bool) -> str:
    """Return the error that Bob has with an end that is no peer; Bob's pipe is freed."""
    pipe, far = memory_pipe()
    session = TlsSession(as_identity(other), is_dialer=dials, expected_peer_id=None)
    speaking = asyncio.create_task(speak_tls(session, far))
    with pytest.raises(AuthenticationError) as caught:
        await dial_or_answer(pipe, dials=not dials)
    await asyncio.wait([speaking])
    assert isinstance(speaking.exception(), AuthenticationError | PipeClosedError | None)
    assert pipe.is_closed
    return str(caught.value)


@pytest.mark.parametrize("dials", [True, False], ids=["dials", "is dialled"])
@pytest.mark.parametrize("kind", list(KEY_ERRORS))
async def test_another_certificate_than_a_peers_is_refused(kind: str, dials: bool) -> None:  # noqa: FBT001
    """Other kinds of keys, authorities and expired certificates fail in the handshake."""
    error = await meet(kinds_of_keys()[kind], dials=dials)
    assert KEY_ERRORS[kind] in error


async def test_a_dialler_without_a_certificate_is_refused() -> None:
    """Both ends prove who they are, not only the one that is dialled."""
    error = await meet(kinds_of_keys()["no certificate"], dials=True)
    assert "showed no certificate" in error


@pytest.mark.parametrize("dials", [True, False], ids=["dials", "is dialled"])
async def test_tls_1_2_is_refused(dials: bool) -> None:  # noqa: FBT001
    """An end that can do no better is told apart from one that is broken."""
    error = await meet(OtherEnd(highest_version=SSL.TLS1_2_VERSION), dials=dials)
    assert "the other end does not speak TLS 1.3" in error


@pytest.mark.parametrize(
    ("dials", "protocols", "what"),
    [
        (True, (b"refold-peer/2",), "the other end speaks refold-peer/2, this one refold-peer/1"),
        (True, (b"h2", b"http/1.1"), "the other end speaks h2, http/1.1, this one refold-peer/1"),
        (True, (), "speaks TLS, but not refold-peer/1"),
        (False, (), "speaks TLS, but not refold-peer/1"),
    ],
)
async def test_another_version_of_the_protocol_is_named(
    dials: bool,  # noqa: FBT001
    protocols: tuple[bytes, ...],
    what: str,
) -> None:
    """Peers of different versions find out in the handshake which ones they are."""
    other = OtherEnd(protocols=protocols)
    error = await meet(other, dials=dials)
    if dials:
        assert what in error
    else:
        assert "expected peer" in error  # the key is looked at first


async def test_a_listener_of_another_version_is_named_to_the_dialler() -> None:
    """The alert of a listener that knows no common version is put into words."""
    relay = MeddlingRelay(lambda _sender, _number, frame: [frame.replace(b"peer/1", b"peer/2")])
    async with relay:
        dialed, listened = await shake_hands(relay, ALICE, BOB)
    assert "speaks another version of refold's peer protocol" in failed(dialed)
    assert "speaks refold-peer/2, this one refold-peer/1" in failed(listened)


async def test_an_end_that_says_nothing_is_given_up_in_time() -> None:
    """The limit is for the whole handshake, on both sides, and the pipe is freed."""
    for dials in (True, False):
        pipe, _far = memory_pipe()
        started = asyncio.get_running_loop().time()
        with pytest.raises(AuthenticationError, match="did not prove who it is within 5 s"):
            await dial_or_answer(pipe, dials=dials)
        assert asyncio.get_running_loop().time() - started == pytest.approx(TIMEOUT)
        assert pipe.is_closed


async def test_an_end_that_drips_is_given_up_in_time() -> None:
    """A byte a second does not move the limit."""
    frames = await handshake_frames()
    pipe, far = memory_pipe()

    async def drip() -> None:
        for byte in frames["dialer", 0]:
            await far.send(bytes([byte]))
            await asyncio.sleep(1)

    dripping = asyncio.create_task(drip())
    with pytest.raises(AuthenticationError, match="did not prove who it is within 5 s"):
        await answer(pipe, BOB)
    with pytest.raises(PipeClosedError):
        await dripping


async def test_an_end_that_takes_nothing_is_given_up_in_time() -> None:
    """A refusal that cannot be told because nobody takes it does not take longer, and is named."""
    frames = await handshake_frames()
    pipe, far = memory_pipe(max_messages=1)
    await far.send(frames["dialer", 0].replace(b"peer/1", b"peer/2"))
    await pipe.send(b"fills the pipe")
    started = asyncio.get_running_loop().time()
    with pytest.raises(AuthenticationError, match="speaks refold-peer/2"):
        await answer(pipe, BOB)
    assert asyncio.get_running_loop().time() - started == pytest.approx(TIMEOUT)
    assert pipe.is_closed


@pytest.mark.parametrize(
    "garbage",
    [b"\x00", b"hello", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\xff" * 5000, b""],
)
async def test_garbage_instead_of_a_handshake_fails(garbage: bytes) -> None:
    """Whatever it is; a beginning of a record that never ends runs into the limit."""
    for dials in (True, False):
        pipe, far = memory_pipe()
        await far.send(garbage)
        with pytest.raises(AuthenticationError, match=r"no TLS of a peer|within 5 s|TLS 1\.3"):
            await dial_or_answer(pipe, dials=dials)


async def test_a_flood_instead_of_a_handshake_is_bounded() -> None:
    """Before the proof, no more than 64 KiB are read, whatever their form."""
    frames = await handshake_frames()
    pipe, far = memory_pipe()
    await far.send(frames["dialer", 0][:100])
    await far.send(b"\x00" * 2**20)
    with pytest.raises(AuthenticationError, match="more than 65536 bytes instead of a handshake"):
        await answer(pipe, BOB)


# --- somebody on the way, during the handshake ----------------------------------------------------


@pytest.mark.parametrize("at", FRAMES, ids=str)
async def test_a_flipped_byte_in_any_frame_of_the_handshake_is_found(
    at: tuple[Sender, int],
) -> None:
    """At each of the first 80 positions and each 29th of the rest, in one bit or all."""
    size = len((await handshake_frames())[at])
    positions = {*range(min(80, size)), *range(80, size, 29), size - 1}
    if at in PLAIN:
        positions.remove(RECORD_VERSION)
    for position, mask in itertools.product(positions, (0x01, 0xFF)):
        dialed, listened = await outcomes_if(flip(position, mask), at)
        text = failed(dialed)
        assert "the other end" in text or "no TLS of a peer" in text
        if at in BEFORE_THE_LISTENER_KNOWS:
            failed(listened)


@pytest.mark.parametrize("at", PLAIN, ids=str)
async def test_the_one_byte_that_means_nothing_changes_nothing(at: tuple[Sender, int]) -> None:
    """TLS ignores a version in the two records that are not encrypted: both peers are proved."""

    def meddle(sender: Sender, number: int, frame: bytes) -> list[bytes]:
        return flip(RECORD_VERSION, 0xFF)(frame) if (sender, number) == at else [frame]

    async with MeddlingRelay(meddle) as relay:
        dialed, listened = await channels_over(relay)
        assert (dialed.peer_id, listened.peer_id) == (BOB.peer_id, ALICE.peer_id)


@pytest.mark.parametrize("at", FRAMES, ids=str)
async def test_a_dropped_frame_of_the_handshake_is_found(at: tuple[Sender, int]) -> None:
    """Both ends wait for it until the limit; a later one in its place is not taken for it."""
    dialed, listened = await outcomes_if(lambda _frame: [], at)
    text = failed(dialed)
    assert "within 5 s" in text or "no TLS of a peer" in text or "gave up" in text
    if at in BEFORE_THE_LISTENER_KNOWS:
        assert "within 5 s" in failed(listened) or "hung up" in failed(listened)


@pytest.mark.parametrize("at", FRAMES, ids=str)
async def test_a_frame_of_the_handshake_that_comes_twice_is_found(at: tuple[Sender, int]) -> None:
    """A replayed frame fits nowhere: nobody keeps a channel, and none ends cleanly."""
    dialed, listened = await outcomes_if(lambda frame: [frame, frame], at)
    if at in PLAIN:
        failed(dialed)
        failed(listened)


async def test_frames_of_the_handshake_in_another_order_are_found() -> None:
    """The only two that are on the way together, swapped."""
    held: list[bytes] = []

    def swap(sender: Sender, number: int, frame: bytes) -> list[bytes]:
        if (sender, number) == FRAMES[3]:
            held.append(frame)
            return []
        return [frame, *held] if (sender, number) == FRAMES[4] else [frame]

    async with MeddlingRelay(swap) as relay:
        dialed, listened = await shake_hands(relay, ALICE, BOB)
        assert "no TLS of a peer" in failed(dialed)
        assert isinstance(listened, SecureChannel)
        assert not (await end_of(listened)).is_clean


@pytest.mark.parametrize("at", FRAMES, ids=str)
async def test_a_frame_of_another_handshake_is_found(at: tuple[Sender, int]) -> None:
    """What the same two peers said to each other before proves nothing now."""
    old = await handshake_frames()
    dialed, listened = await outcomes_if(lambda _frame: [old[at]], at)
    failed(dialed)
    if at in BEFORE_THE_LISTENER_KNOWS:
        failed(listened)


async def test_a_recorded_dialler_cannot_be_played_again() -> None:
    """All that Alice once sent, sent again, is not Alice."""
    old = await handshake_frames()
    pipe, far = memory_pipe()
    for at in FRAMES:
        if at[0] == "dialer":
            await far.send(old[at])
    with pytest.raises(AuthenticationError, match="no TLS of a peer"):
        await answer(pipe, BOB)


async def test_a_recorded_listener_cannot_be_played_again() -> None:
    """All that Bob once sent, sent again, is not Bob."""
    old = await handshake_frames()
    pipe, far = memory_pipe()
    for at in FRAMES:
        if at[0] == "listener":
            await far.send(old[at])
    with pytest.raises(AuthenticationError, match="no TLS of a peer"):
        await dial(pipe, ALICE, BOB.peer_id)


async def test_an_earlier_session_is_not_resumed() -> None:
    """A dialler that offers an earlier session has to prove its key again, whole."""
    sizes: list[list[int]] = []
    session: SSL.Session | None = None
    other = as_identity(OtherEnd())
    for _ in range(2):
        pipe, far = memory_pipe()
        by_hand = ResumingSession(other, is_dialer=True, expected_peer_id=None)
        if session is not None:
            by_hand.offer(session)
        _, channel = await asyncio.gather(speak_tls(by_hand, far), answer(pipe, BOB))
        by_hand.feed(await far.receive() + await far.receive())
        by_hand.open(bytearray())  # the tickets too
        session = by_hand.earlier()
        assert session is not None
        sizes.append([len(frame) for frame in pipe.sent])
        channel.abort()
    whole_proof = sizes[0][0]
    assert abs(sizes[1][0] - whole_proof) < 20


async def test_a_channel_that_does_not_begin_as_a_peers_is_refused() -> None:
    """The first message of whoever is dialled is empty, or the handshake fails."""
    pipe, far = memory_pipe()
    by_hand = TlsSession(ALICE, is_dialer=False, expected_peer_id=None)

    async def begin_otherwise() -> None:
        await speak_tls(by_hand, far)
        by_hand.seal(b"\x00\x00\x00\x01x")
        await far.send(by_hand.take_output())

    beginning = asyncio.create_task(begin_otherwise())
    with pytest.raises(AuthenticationError, match="did not begin with the empty message"):
        await dial(pipe, BOB, ALICE.peer_id)
    await beginning
    assert pipe.is_closed


# --- somebody on the way, after the handshake -----------------------------------------------------


async def channels_and_frame(
    relay: MeddlingRelay, message: bytes
) -> tuple[SecureChannel, SecureChannel, bytes]:
    """Return Alice's channel and Bob's, and the frame of a message that went no further."""
    dialed, listened = await channels_over(relay)
    caught = asyncio.get_running_loop().create_future()

    def catch(_sender: Sender, _number: int, frame: bytes) -> list[bytes]:
        caught.set_result(frame)
        return []

    relay.meddle = catch
    await dialed.send(message)
    frame: bytes = await caught
    relay.meddle = carry
    return dialed, listened, frame


async def test_a_flipped_byte_in_a_message_ends_the_channel() -> None:
    """At any position: the message is not received, and no later one is."""
    for position in range(5 + 4 + 5 + 17):
        async with MeddlingRelay() as relay:
            dialed, listened, frame = await channels_and_frame(relay, b"hello")
            for changed in flip(position, 0x01)(frame):
                await relay.inject("dialer", changed)
            await dialed.send(b"more" * 1000)  # enough for a record that is said to be longer
            end = await end_of(listened)
            assert not end.is_clean
            assert "no TLS of a peer, or somebody on the way changed it" in str(end)
            assert not (await end_of(dialed)).is_clean


async def test_a_message_that_comes_twice_is_received_once_and_ends_the_channel() -> None:
    """A frame counts where it was sent, and nowhere else."""
    async with MeddlingRelay() as relay:
        _dialed, listened, frame = await channels_and_frame(relay, b"pay once")
        await relay.inject("dialer", frame)
        await relay.inject("dialer", frame)
        assert await listened.receive() == b"pay once"
        assert "somebody on the way changed it" in str(await end_of(listened))


async def test_a_dropped_message_ends_the_channel() -> None:
    """The next one does not fit."""
    async with MeddlingRelay() as relay:
        dialed, listened, _frame = await channels_and_frame(relay, b"first")
        await dialed.send(b"second")
        assert "somebody on the way changed it" in str(await end_of(listened))


async def test_messages_in_another_order_end_the_channel() -> None:
    """The later one does not fit before the earlier."""
    async with MeddlingRelay() as relay:
        dialed, listened, frame = await channels_and_frame(relay, b"first")
        await dialed.send(b"second")
        await relay.inject("dialer", frame)
        assert "somebody on the way changed it" in str(await end_of(listened))


INVENTED = {
    "bytes": b"\x00" * 9,
    "a record of data": b"\x17\x03\x03\x00\x20" + b"\x00" * 32,
    "a goodbye that is not sealed": b"\x15\x03\x03\x00\x02\x01\x00",
    "an alert that is not sealed": b"\x15\x03\x03\x00\x02\x02\x28",
    "a hello": b"\x16\x03\x03\x00\x04\x01\x00\x00\x00",
    "a request for other keys": b"\x16\x03\x03\x00\x05\x18\x00\x00\x01\x01",
}


@pytest.mark.parametrize("kind", list(INVENTED))
@pytest.mark.parametrize("sender", ["dialer", "listener"])
async def test_a_frame_that_a_relay_invents_ends_the_channel(kind: str, sender: Sender) -> None:
    """Nobody on the way can say a thing, not even goodbye, on either side's behalf."""
    async with MeddlingRelay() as relay:
        dialed, listened = await channels_over(relay)
        hears: dict[Sender, SecureChannel] = {"dialer": listened, "listener": dialed}
        await relay.inject(sender, INVENTED[kind])
        end = await end_of(hears[sender])
        assert not end.is_clean
        assert "somebody on the way" in str(end)


async def test_a_frame_of_another_channel_ends_the_channel() -> None:
    """What was sealed for one conversation opens no other, of the same two peers neither."""
    async with MeddlingRelay() as old:
        _dialed, _listened, frame = await channels_and_frame(old, b"then")
    async with MeddlingRelay() as relay:
        _dialed, listened = await channels_over(relay)
        await relay.inject("dialer", frame)
        assert "somebody on the way changed it" in str(await end_of(listened))


async def test_a_frame_sent_back_ends_the_channel() -> None:
    """What a peer has sealed itself is not taken from the other."""
    async with MeddlingRelay() as relay:
        dialed, _listened, frame = await channels_and_frame(relay, b"echo")
        await relay.inject("listener", frame)
        assert "somebody on the way changed it" in str(await end_of(dialed))


async def test_a_stream_cut_off_anywhere_is_no_clean_end() -> None:
    """Whole messages before the cut are received; the end says that it was not announced."""
    size = 5 + 4 + 5 + 17
    for cut in range(size + 1):
        async with MeddlingRelay() as relay:
            _dialed, listened, frame = await channels_and_frame(relay, b"hello")
            if cut:
                await relay.inject("dialer", frame[:cut])
            await asyncio.sleep(1)
            relay.cut()
            if cut == size:
                assert await listened.receive() == b"hello"
            end = await end_of(listened)
            assert not end.is_clean
            assert "vanished without a goodbye, or was cut off" in str(end)


async def test_a_dropped_goodbye_is_no_clean_end() -> None:
    """Somebody who cuts off the last messages cannot make it look like the end."""
    async with MeddlingRelay() as relay:
        dialed, listened = await channels_over(relay)
        relay.meddle = drop
        await dialed.send(b"the important one")
        await dialed.close()
        end = await end_of(listened)
        assert not end.is_clean


# --- a proved peer that breaks the rules ----------------------------------------------------------


async def channel_to_somebody_by_hand() -> tuple[SecureChannel, TlsSession, MemoryPipe]:
    """Return Bob's channel to Alice, and what she seals and sends by hand."""
    pipe, far = memory_pipe()
    by_hand = TlsSession(ALICE, is_dialer=True, expected_peer_id=None)
    _, channel = await asyncio.gather(speak_tls(by_hand, far), answer(pipe, BOB))
    return channel, by_hand, far


@pytest.mark.parametrize("size", [MAX_MESSAGE_SIZE + 1, 2**31, 2**32 - 1])
async def test_an_announced_size_over_the_limit_ends_the_channel_at_once(size: int) -> None:
    """Four bytes are enough: no memory is spent on what will not be taken."""
    channel, by_hand, far = await channel_to_somebody_by_hand()
    by_hand.seal(size.to_bytes(4, "big"))
    await far.send(by_hand.take_output())
    end = await end_of(channel)
    assert f"announced a message of {size} bytes" in str(end)
    assert not end.is_clean
    assert far.sent  # and the pipe is freed
    with pytest.raises(PipeClosedError):
        await far.send(b"more")


async def test_messages_before_a_broken_rule_are_received() -> None:
    """They were sealed by the peer, and arrive whole."""
    channel, by_hand, far = await channel_to_somebody_by_hand()
    by_hand.seal(b"\x00\x00\x00\x02hi" + b"\xff" * 4)
    await far.send(by_hand.take_output())
    assert await channel.receive() == b"hi"
    assert "announced a message" in str(await end_of(channel))


async def test_a_goodbye_within_a_message_is_no_clean_end() -> None:
    """Half a message and a goodbye is a message lost."""
    channel, by_hand, far = await channel_to_somebody_by_hand()
    by_hand.seal(b"\x00\x00\x00\x05he")
    by_hand.say_goodbye()
    await far.send(by_hand.take_output())
    end = await end_of(channel)
    assert str(end) == "the other end said goodbye, but within a message"
    assert not end.is_clean
