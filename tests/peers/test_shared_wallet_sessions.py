"""`SharedWalletSessions`: three programs that hold a wallet, over real sockets, and a stranger.

What belongs here: what is proposed, answered, refused and dropped.  What does not: the rules one by
one, see `test_check_spend_proposal`; the bytes, see `test_spend_messages`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from pyrsistent import pvector

from refold.actions.peers import (
    ConnectionAttemptToPeerStarted,
    PeerLinkOpened,
    PeerMessageReceived,
    PresenceDiscovered,
)
from refold.actions.shared_wallets import (
    Participant,
    SharedWallet,
    SharedWalletAdded,
    SpendProposalDropped,
    SpendProposalRefused,
    SpendProposed,
    SpendResponseReceived,
    SpendSession,
    SpendSessionsExpired,
)
from refold.errors import NotConnectedToPeerError
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.shared_wallet_sessions import ProposeSpendResult, SharedWalletSessions
from refold.middleware.spend_messages import (
    PROPOSAL_KIND,
    RESPONSE_KIND,
    SpendAnswer,
    write_answer,
    write_proposal,
)
from refold.middleware.usual_peers import usual_peers
from refold.selectors.peers import select_is_peer_connected
from refold.selectors.shared_wallets import (
    select_last_spend_refusal,
    select_open_spend_sessions,
    select_shared_wallets,
    select_spend_session,
    select_spend_sessions,
    select_unanswered_participants,
)
from tests.peers.peer_scene import (
    HASTY,
    Program,
    Town,
    presence_at,
    shared_wallets_of,
    silent_listener,
    town,
    unused_port,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from refold.actions.action import Action

RECIPIENT = "lotus_16PSJ"
KEYS = ("02" + "aa" * 32, "03" + "bb" * 32, "02" + "cc" * 32)


@attrs.frozen(eq=False)
class House:
    """Three programs that hold a wallet, each connected with the two others."""

    town: Town
    ann: Program
    bob: Program
    carol: Program
    wallet: SharedWallet

    @property
    def all(self) -> tuple[Program, Program, Program]:
        """The three, in the wallet's order."""
        return self.ann, self.bob, self.carol


def wallet_of(*programs: Program, wallet_id: str = "house") -> SharedWallet:
    """Return a wallet that these programs hold."""
    participants = [
        Participant(public_key=key, peer_id=one.peer_id, nickname=one.log.stem)
        for key, one in zip(KEYS, programs, strict=False)
    ]
    return SharedWallet(id=wallet_id, name="the house", participants=pvector(participants))


@asynccontextmanager
async def house(
    folder: Path, *, is_open_for: float = 3600.0, connected: bool = True
) -> AsyncGenerator[House]:
    """Have three programs that hold a wallet; in the end all logs are folded again."""
    async with town(folder) as here:
        ann, bob, carol = [
            await here.program(name, options=HASTY, is_open_for=is_open_for)
            for name in ("ann", "bob", "carol")
        ]
        wallet = wallet_of(ann, bob, carol)
        for one in (ann, bob, carol):
            one.store.dispatch(SharedWalletAdded(wallet))
        if connected:
            await ann.connect(bob, carol)
            await bob.connect(carol)
        yield House(here, ann, bob, carol, wallet)


def session_in(program: Program, session_id: str | None) -> SpendSession:
    """Return a session as a program has it."""
    session = select_spend_session(shared_wallets_of(program.state), session_id or "")
    assert session is not None
    return session


async def proposed(house_: House, amount_sats: int = 5_000) -> str:
    """Let ann propose a spend, and wait until the others have it; return its id."""
    result = await house_.ann.sessions.propose_spend(
        "house", recipient=RECIPIENT, amount_sats=amount_sats
    )
    assert result.success, result
    for one in (house_.bob, house_.carol):
        await one.until(lambda state: _has_session(state, result.session_id))
    return result.session_id or ""


def _has_session(state: Any, session_id: str | None) -> bool:
    return select_spend_session(shared_wallets_of(state), session_id or "") is not None


async def until_status(program: Program, session_id: str, status: str) -> SpendSession:
    """Wait until a session stands there."""
    state = await program.until(
        lambda state: (
            (session := select_spend_session(shared_wallets_of(state), session_id)) is not None
            and session.status == status
        )
    )
    session = select_spend_session(shared_wallets_of(state), session_id)
    assert session is not None
    return session


def dropped_of(program: Program) -> list[tuple[str, str, str]]:
    """Return which proposals a program dropped: whose, which, and why."""
    return [
        (one.peer_id, one.session_id, one.error) for one in program.trace.of(SpendProposalDropped)
    ]


def about_spends(program: Program) -> list[Action]:
    """Return the actions about spends."""
    kinds = (SpendProposed, SpendProposalDropped, SpendResponseReceived)
    return [action for action in program.trace.actions if isinstance(action, kinds)]


# --- proposing ------------------------------------------------------------------------------------


async def test_a_proposal_reaches_every_participant(tmp_path: Path) -> None:
    """Task 3.3 and behaviour: a success with the session's id, and the same record for all three.

    The original's bug: a success that returns nothing.
    """
    async with house(tmp_path) as there:
        result = await there.ann.sessions.propose_spend(
            "house", recipient=RECIPIENT, amount_sats=120_000
        )
        assert result == ProposeSpendResult(success=True, session_id=result.session_id, error=None)
        assert result.session_id
        for one in there.all:
            session = await until_status(one, result.session_id, "proposed")
            assert session == SpendSession(
                id=result.session_id,
                wallet_id="house",
                recipient=RECIPIENT,
                amount_sats=120_000,
                proposer=there.ann.peer_id,
                participants=pvector(program.peer_id for program in there.all),
                created_at_ms=session.created_at_ms,
                expires_at_ms=session.created_at_ms + 3_600_000,
            )
            assert select_unanswered_participants(
                shared_wallets_of(one.state), result.session_id
            ) == (there.bob.peer_id, there.carol.peer_id)
        assert len({session_in(one, result.session_id) for one in there.all}) == 1
        assert len(there.ann.trace.of(SpendProposed)) == 1


async def test_participants_are_connected_to_first(tmp_path: Path) -> None:
    """Task 3.3: who is not connected is dialled before the proposal is sent."""
    async with house(tmp_path, connected=False) as there:
        await there.ann.until_it_knows(there.bob, there.carol)
        assert there.ann.trace.of(PeerLinkOpened) == []
        await proposed(there)
        for one in (there.bob, there.carol):
            assert select_is_peer_connected(there.ann.state.peers, one.peer_id)
        kinds = [type(action) for action in there.ann.trace.actions]
        assert kinds.index(PeerLinkOpened) < kinds.index(SpendProposed)


async def test_all_agree(tmp_path: Path) -> None:
    """Behaviour: replies are collected; once both others agreed, it is accepted everywhere."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        await there.bob.sessions.respond(session_id, accepted=True)
        for one in there.all:
            await one.until(
                lambda state: (
                    there.bob.peer_id
                    in shared_wallets_of(state).sessions.by_id[session_id].responses
                )
            )
            assert session_in(one, session_id).status == "proposed"
        await there.carol.sessions.respond(session_id, accepted=True, reason="with pleasure")
        for one in there.all:
            session = await until_status(one, session_id, "accepted")
            assert {who: answer.accepted for who, answer in session.responses.items()} == {
                there.bob.peer_id: True,
                there.carol.peer_id: True,
            }
            assert session.responses[there.carol.peer_id].reason == "with pleasure"


async def test_one_rejects(tmp_path: Path) -> None:
    """Behaviour: one no is enough, with its reason, and the session is over for all."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        await there.carol.sessions.respond(session_id, accepted=False, reason="it would sink us")
        for one in there.all:
            session = await until_status(one, session_id, "rejected")
            answer = session.responses[there.carol.peer_id]
            assert (answer.accepted, answer.reason) == (False, "it would sink us")
            assert select_open_spend_sessions(shared_wallets_of(one.state)) == ()


async def test_sessions_expire_by_themselves(tmp_path: Path) -> None:
    """A session that nobody answers in time is over for all who hold it, at its time."""
    async with house(tmp_path, is_open_for=0.5) as there:
        session_id = await proposed(there)
        for one in there.all:
            session = await until_status(one, session_id, "expired")
            expired = one.trace.of(SpendSessionsExpired)[-1]
            assert expired.at_ms is not None
            assert expired.at_ms >= session.expires_at_ms == session.created_at_ms + 500


async def test_each_proposal_is_a_session_of_its_own(tmp_path: Path) -> None:
    """Two proposals at once, of two participants, are two sessions for everybody."""
    async with house(tmp_path) as there:
        results = await asyncio.gather(
            there.ann.sessions.propose_spend("house", recipient="x", amount_sats=1),
            there.ann.sessions.propose_spend("house", recipient="x", amount_sats=1),
            there.bob.sessions.propose_spend("house", recipient="y", amount_sats=2),
        )
        ids = {one.session_id for one in results}
        assert len(ids) == 3
        for one in there.all:
            await one.until(lambda state: len(shared_wallets_of(state).sessions.ids) == 3)
            assert {s.id for s in select_spend_sessions(shared_wallets_of(one.state))} == ids
        assert all(not dropped_of(one) for one in there.all)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 7 * 86_400 + 1, 0.0])
def test_a_session_is_open_for_some_time_and_at_most_a_week(seconds: float) -> None:
    """A proposal that is open not at all, for ever or for more than a week cannot be made."""
    peers = usual_peers(PeerIdentity.generate())
    with pytest.raises(ValueError, match="is_open_for"):
        SharedWalletSessions(peers, select=shared_wallets_of, is_open_for=seconds)


# --- what is refused ------------------------------------------------------------------------------


async def refused_error(program: Program, wallet_id: str = "house", **changes: Any) -> str:
    """Let a program propose what is refused; return the error, which all that tells it has."""
    spend: dict[str, Any] = {"recipient": RECIPIENT, "amount_sats": 5_000, **changes}
    sessions = shared_wallets_of(program.state).sessions
    result = await program.sessions.propose_spend(wallet_id, **spend)
    assert (result.success, result.session_id) == (False, None)
    assert result.error
    told = program.trace.of(SpendProposalRefused)[-1]
    assert (told.wallet_id, told.error) == (wallet_id, result.error)
    last = select_last_spend_refusal(shared_wallets_of(program.state))
    assert last is not None
    assert (last.wallet_id, last.error, last.at_ms) == (wallet_id, result.error, told.at_ms)
    assert shared_wallets_of(program.state).sessions is sessions
    return result.error


async def test_an_unknown_wallet_is_not_found(tmp_path: Path) -> None:
    """Task 3.3: 'Shared wallet not found', told as an action; nobody is dialled."""
    async with house(tmp_path, connected=False) as there:
        assert await refused_error(there.ann, "nowhere") == "Shared wallet not found"
        assert there.ann.trace.of(ConnectionAttemptToPeerStarted) == []


@pytest.mark.parametrize("amount", [0, -5, True, False, 1.5, "5", None])
async def test_an_amount_that_is_none_is_refused(tmp_path: Path, amount: object) -> None:
    """Behaviour: a non-positive or bool amount is refused before anybody is dialled or told."""
    async with house(tmp_path, connected=False) as there:
        error = await refused_error(there.ann, amount_sats=amount)
        assert error.endswith(f"got {amount!r}")
        assert there.ann.trace.of(ConnectionAttemptToPeerStarted) == []
        assert there.bob.trace.of(PeerMessageReceived) == []


async def test_participants_without_a_peer_id_are_named(tmp_path: Path) -> None:
    """Behaviour, and the original's bug: who has no peer id does not count as reached."""
    async with house(tmp_path) as there:
        wallet = attrs.evolve(
            there.wallet,
            id="boat",
            participants=there.wallet.participants.append(
                Participant(public_key="03dd", peer_id=None, nickname="dan")
            ),
        )
        there.ann.store.dispatch(SharedWalletAdded(wallet))
        error = await refused_error(there.ann, "boat")
        assert error == "Participants without a peer id: dan"
        await there.ann.tell_marker(there.bob)
        assert about_spends(there.bob) == []


async def test_participants_who_cannot_be_reached_are_named(tmp_path: Path) -> None:
    """Task 3.3: 'Cannot reach participants: ' and 12 characters of each, and nobody is told.

    Carol left, and bob never was: ann says both, in the wallet's order.
    """
    async with house(tmp_path) as there:
        ghost = PeerIdentity.generate().peer_id
        participants = there.wallet.participants.append(
            Participant(public_key="03dd", peer_id=ghost, nickname="ghost")
        )
        wallet = attrs.evolve(there.wallet, id="boat", participants=participants)
        there.ann.store.dispatch(SharedWalletAdded(wallet))
        await there.town.leave(there.carol)
        await there.ann.until(
            lambda state: not select_is_peer_connected(state.peers, there.carol.peer_id)
        )
        error = await refused_error(there.ann, "boat")
        carol = there.carol.peer_id
        assert error == f"Cannot reach participants: {carol[:12]}..., {ghost[:12]}..."
        await there.ann.tell_marker(there.bob)
        assert about_spends(there.bob) == []


@pytest.mark.parametrize(
    "spend",
    [
        {"amount_sats": 2**53 + 1},
        {"amount_sats": 2**70},
        {"recipient": ""},
        {"recipient": "x" * 5_000},
        {"recipient": "\ud800"},
        {"recipient": None},
    ],
)
async def test_what_the_others_could_not_read_is_refused_and_not_called_a_success(
    tmp_path: Path, spend: dict[str, Any]
) -> None:
    """A proposal reaches its participants, or the proposer is told why not."""
    async with house(tmp_path) as there:
        await refused_error(there.ann, **spend)
        await there.ann.tell_marker(there.bob)
        assert about_spends(there.bob) == []


async def test_who_is_no_participant_cannot_propose(tmp_path: Path) -> None:
    """Nobody would believe a proposal of somebody who does not hold the wallet: it is refused."""
    async with house(tmp_path) as there:
        wallet = attrs.evolve(there.wallet, id="theirs", participants=there.wallet.participants[1:])
        for one in there.all:
            one.store.dispatch(SharedWalletAdded(wallet))
        await refused_error(there.ann, "theirs")
        await there.ann.tell_marker(there.bob)
        assert about_spends(there.bob) == []


async def test_more_open_proposals_than_the_others_believe_are_refused(tmp_path: Path) -> None:
    """The others take 20 open proposals of one peer: the 21st is refused where it is made."""
    async with house(tmp_path) as there:
        for _ in range(20):
            await proposed(there)
        await refused_error(there.ann)
        await there.ann.tell_marker(there.bob)
        assert dropped_of(there.bob) == []


# --- ensure_participants_connected ----------------------------------------------------------------


async def test_those_who_are_connected_are_not_dialled(tmp_path: Path) -> None:
    """Task 3.3: the own id is left out, all others are a success, and nothing happens."""
    async with house(tmp_path) as there:
        before = len(there.ann.trace.of(ConnectionAttemptToPeerStarted))
        ids = [one.peer_id for one in there.all]
        ensured = await there.ann.sessions.ensure_participants_connected(ids)
        assert ensured.all_connected
        assert list(ensured.results) == ids[1:]
        assert {(one.success, one.connection_type) for one in ensured.results.values()} == {
            (True, "direct")
        }
        assert len(there.ann.trace.of(ConnectionAttemptToPeerStarted)) == before


async def test_only_those_who_are_not_connected_are_dialled(tmp_path: Path) -> None:
    """Task 3.3: the connected stay as they are, the others are dialled, each has its result."""
    async with house(tmp_path, connected=False) as there:
        await there.ann.connect(there.bob)
        await there.ann.until_it_knows(there.carol)
        stranger = PeerIdentity.generate().peer_id
        ids = [there.carol.peer_id, stranger, there.bob.peer_id, there.ann.peer_id]
        ensured = await there.ann.sessions.ensure_participants_connected(ids)
        assert not ensured.all_connected
        assert list(ensured.results) == ids[:3]
        assert {who: one.success for who, one in ensured.results.items()} == {
            there.carol.peer_id: True,
            stranger: False,
            there.bob.peer_id: True,
        }
        assert ensured.results[stranger].error == "Peer not found in online peers"
        attempts = there.ann.trace.of(ConnectionAttemptToPeerStarted)
        assert [one.peer_id for one in attempts] == [there.bob.peer_id, there.carol.peer_id]


async def test_nobody_to_connect_to_is_all_connected(tmp_path: Path) -> None:
    """Without participants, or with oneself alone, all are connected."""
    async with town(tmp_path) as here:
        ann = await here.program("ann")
        for ids in ([], [ann.peer_id]):
            ensured = await ann.sessions.ensure_participants_connected(ids)
            assert (ensured.all_connected, dict(ensured.results)) == (True, {})


async def test_a_link_that_was_lost_while_others_were_dialled_counts_as_lost(
    tmp_path: Path,
) -> None:
    """Behaviour: it re-checks after dialling; bob was reached, and gone before carol timed out."""
    async with house(tmp_path, connected=False) as there, silent_listener() as silent:
        ann, bob = there.ann, there.bob
        await ann.until_it_knows(bob)
        hanging = PeerIdentity.generate().peer_id
        ann.store.dispatch(
            PresenceDiscovered(presence_at(hanging, silent.port, now=ann.peers.now()))
        )
        ensuring = asyncio.create_task(
            ann.sessions.ensure_participants_connected([bob.peer_id, hanging])
        )
        await bob.until(lambda state: select_is_peer_connected(state.peers, ann.peer_id))
        await bob.peers.disconnect(ann.peer_id)
        ensured = await ensuring
        assert not ensured.all_connected
        assert not ensured.results[bob.peer_id].success
        assert ensured.results[bob.peer_id].error
        assert not ensured.results[hanging].success


async def test_a_link_that_came_while_others_were_dialled_counts(tmp_path: Path) -> None:
    """Behaviour: it re-checks after dialling; bob could not be reached, and dialled by himself."""
    async with house(tmp_path, connected=False) as there, silent_listener() as silent:
        ann, bob = there.ann, there.bob
        await bob.until_it_knows(ann)
        await ann.until_it_knows(bob)
        hanging = PeerIdentity.generate().peer_id
        now = ann.peers.now() + 60  # newer than what bob says of himself
        unreachable = presence_at(bob.peer_id, unused_port(), now=now)
        ann.store.dispatch(PresenceDiscovered(unreachable))
        ann.store.dispatch(PresenceDiscovered(presence_at(hanging, silent.port, now=now)))
        ensuring = asyncio.create_task(
            ann.sessions.ensure_participants_connected([bob.peer_id, hanging])
        )
        await ann.until(
            lambda state: (
                (tried := state.peers.connections.by_id.get(bob.peer_id)) is not None
                and tried.status == "failed"
            )
        )
        assert (await bob.peers.connect_to_online_peer(ann.peer_id)).success
        ensured = await ensuring
        assert ensured.results[bob.peer_id].success
        assert ensured.results[bob.peer_id].connection_type == "direct"
        assert not ensured.results[hanging].success
        assert not ensured.all_connected


# --- answering ------------------------------------------------------------------------------------


async def test_an_unknown_session_cannot_be_answered(tmp_path: Path) -> None:
    """Answering what is not there is a KeyError, and nothing is told."""
    async with house(tmp_path) as there:
        before = there.bob.state
        with pytest.raises(KeyError, match="nowhere"):
            await there.bob.sessions.respond("nowhere", accepted=True)
        assert there.bob.state is before


async def test_a_proposer_who_is_gone_cannot_be_answered(tmp_path: Path) -> None:
    """Where the proposer cannot be told, nothing is recorded: the answer can be given later."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        await there.town.leave(there.ann)
        await there.bob.until(
            lambda state: not select_is_peer_connected(state.peers, there.ann.peer_id)
        )
        with pytest.raises(NotConnectedToPeerError):
            await there.bob.sessions.respond(session_id, accepted=True)
        await there.bob.tell_marker(there.carol)
        for one in (there.bob, there.carol):
            assert one.trace.of(SpendResponseReceived) == []
            assert session_in(one, session_id).responses == {}


async def test_an_answer_needs_no_link_to_a_participant_but_the_proposer(tmp_path: Path) -> None:
    """Who of the others is connected is told; who is not does not keep the answer back."""
    async with house(tmp_path, connected=False) as there:
        await there.ann.connect(there.bob, there.carol)
        session_id = await proposed(there)
        await there.bob.sessions.respond(session_id, accepted=False, reason="no")
        for one in (there.ann, there.bob):
            await until_status(one, session_id, "rejected")
        assert session_in(there.carol, session_id).status == "proposed"


async def test_a_long_reason_arrives_as_it_was_recorded(tmp_path: Path) -> None:
    """What bob recorded as his answer is what ann has, however much he said."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        await there.bob.sessions.respond(session_id, accepted=False, reason="no! " * 1_000)
        await there.bob.tell_marker(there.ann)
        own = session_in(there.bob, session_id).responses[there.bob.peer_id]
        arrived = session_in(there.ann, session_id).responses[there.bob.peer_id]
        assert (arrived.accepted, arrived.reason) == (own.accepted, own.reason)


async def test_an_answer_that_overtakes_its_proposal_counts(tmp_path: Path) -> None:
    """Behaviour: carol's answer may reach bob before ann's proposal does; it is not lost."""
    async with house(tmp_path) as there:
        session = forged(there)
        await expect_ignored(there.carol, there.bob, RESPONSE_KIND, answer("forged"))
        await send_raw(there.ann, there.bob, PROPOSAL_KIND, write_proposal(session))
        assert session_in(there.bob, "forged").responses[there.carol.peer_id].accepted


# --- attacks --------------------------------------------------------------------------------------


def forged(there: House, **changes: Any) -> SpendSession:
    """Return a session as ann could propose it now, with some changes."""
    now_ms = int(there.ann.peers.now() * 1000)
    fields: dict[str, Any] = {
        "id": "forged",
        "wallet_id": "house",
        "recipient": "thief",
        "amount_sats": 1_000_000,
        "proposer": there.ann.peer_id,
        "participants": pvector(one.peer_id for one in there.all),
        "created_at_ms": now_ms,
        "expires_at_ms": now_ms + 60_000,
        **changes,
    }
    return SpendSession(**fields)


async def send_raw(sender: Program, to: Program, kind: str, payload: bytes) -> None:
    """Send any bytes, and wait until they were handled."""
    await sender.peers.send(to.peer_id, kind, payload)
    await sender.tell_marker(to)


async def expect_dropped(sender: Program, to: Program, session: SpendSession, error: str) -> None:
    """Send a proposal; it must be dropped with a sentence, and change no session."""
    sessions, before = shared_wallets_of(to.state).sessions, len(dropped_of(to))
    await send_raw(sender, to, PROPOSAL_KIND, write_proposal(session))
    assert dropped_of(to)[before:] == [(sender.peer_id, session.id, error)]
    assert shared_wallets_of(to.state).sessions is sessions
    last = shared_wallets_of(to.state).last_dropped_proposal
    assert last is not None
    assert last.error == error


async def expect_ignored(sender: Program, to: Program, kind: str, payload: bytes) -> None:
    """Send any bytes; the state of sessions must stay the identical object."""
    sessions = shared_wallets_of(to.state).sessions
    await send_raw(sender, to, kind, payload)
    assert shared_wallets_of(to.state).sessions is sessions


async def test_a_proposal_made_by_hand_is_believed_if_it_is_right(tmp_path: Path) -> None:
    """What the attacks below change is all that is wrong with them."""
    async with house(tmp_path) as there:
        session = forged(there)
        await send_raw(there.ann, there.bob, PROPOSAL_KIND, write_proposal(session))
        assert session_in(there.bob, "forged") == session
        assert dropped_of(there.bob) == []


async def test_a_strangers_proposal_is_dropped(tmp_path: Path) -> None:
    """Attack: a stranger proposes, in its own name and in that of a participant."""
    async with house(tmp_path) as there:
        mallory = await there.town.program("mallory")
        await mallory.connect(there.bob)
        stranger = "its sender is no participant of the wallet"
        own_name = forged(there, proposer=mallory.peer_id)
        await expect_dropped(mallory, there.bob, own_name, stranger)
        await expect_dropped(mallory, there.bob, forged(there), stranger)


async def test_a_proposal_for_a_wallet_that_is_not_held_is_dropped(tmp_path: Path) -> None:
    """Attack: a proposal about a wallet that the other does not hold."""
    async with house(tmp_path) as there:
        session = forged(there, wallet_id="boat")
        error = "it is about a wallet that is not held here"
        await expect_dropped(there.ann, there.bob, session, error)


@pytest.mark.parametrize("change", ["one less", "one more", "another", "one twice", "none of us"])
async def test_a_proposal_with_other_participants_is_dropped(tmp_path: Path, change: str) -> None:
    """Attack: a participant proposes to fewer, more, or others than the wallet has."""
    async with house(tmp_path) as there:
        ids = pvector(one.peer_id for one in there.all)
        stranger = PeerIdentity.generate().peer_id
        participants = {
            "one less": ids[:2],
            "one more": ids.append(stranger),
            "another": ids.set(2, stranger),
            "one twice": ids.set(2, ids[0]),
            "none of us": pvector([stranger]),
        }[change]
        error = "it names other participants than the wallet has"
        session = forged(there, participants=participants)
        await expect_dropped(there.ann, there.bob, session, error)


async def test_a_proposal_in_anothers_name_is_dropped(tmp_path: Path) -> None:
    """Attack: a participant proposes in the name of another, and in that of the receiver."""
    async with house(tmp_path) as there:
        for name in (there.carol.peer_id, there.bob.peer_id):
            session = forged(there, proposer=name)
            error = "it names another proposer than its sender"
            await expect_dropped(there.ann, there.bob, session, error)


async def test_a_proposal_that_is_over_or_never_over_is_dropped(tmp_path: Path) -> None:
    """Attack: a proposal that expired, one of the future, and one that is open for years."""
    async with house(tmp_path) as there:
        now_ms = int(there.ann.peers.now() * 1000)
        for times, error in (
            ((now_ms - 2_000, now_ms - 1_000), "it is expired"),
            ((now_ms + 1_000_000, now_ms + 2_000_000), "it was made in the future"),
            ((now_ms, now_ms + 10**11), "it is open for more than a week"),
        ):
            session = forged(there, created_at_ms=times[0], expires_at_ms=times[1])
            await expect_dropped(there.ann, there.bob, session, error)


async def test_a_known_id_is_not_believed_again(tmp_path: Path) -> None:
    """Attack: a replayed proposal, word for word and with another amount, changes nothing.

    So does one whose session is over, and one of another participant with the same id.
    """
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        session = session_in(there.bob, session_id)
        again = write_proposal(session)
        await expect_ignored(there.ann, there.bob, PROPOSAL_KIND, again)
        dearer = write_proposal(attrs.evolve(session, amount_sats=10**9))
        await expect_ignored(there.ann, there.bob, PROPOSAL_KIND, dearer)
        carols = attrs.evolve(session, proposer=there.carol.peer_id, recipient="thief")
        await expect_ignored(there.carol, there.bob, PROPOSAL_KIND, write_proposal(carols))
        await there.carol.sessions.respond(session_id, accepted=False)
        await until_status(there.bob, session_id, "rejected")
        await expect_ignored(there.ann, there.bob, PROPOSAL_KIND, again)
        assert len(there.bob.trace.of(SpendProposed)) == 1
        errors = [error for _, _, error in dropped_of(there.bob)]
        assert errors == ["its id is known already"] * 4


async def test_one_participant_cannot_fill_the_memory_of_another(tmp_path: Path) -> None:
    """Attack: of a flood of proposals 20 are open, the 21st is dropped with its sentence."""
    async with house(tmp_path) as there:
        for number in range(20):
            session = forged(there, id=f"flood {number}")
            await there.ann.peers.send(there.bob.peer_id, PROPOSAL_KIND, write_proposal(session))
        await there.ann.tell_marker(there.bob)
        assert len(select_open_spend_sessions(shared_wallets_of(there.bob.state))) == 20
        error = "its sender has 20 open proposals already"
        await expect_dropped(there.ann, there.bob, forged(there, id="one too many"), error)
        carols = forged(there, id="carol's", proposer=there.carol.peer_id)
        await send_raw(there.carol, there.bob, PROPOSAL_KIND, write_proposal(carols))
        assert session_in(there.bob, "carol's") == carols


@pytest.mark.parametrize(
    "payload", [b"", b"\xff" * 100, b"{}", b"[" * 50_000, b'{"id": 1}', b'{"id": NaN}']
)
async def test_bytes_that_are_no_message_do_no_harm(tmp_path: Path, payload: bytes) -> None:
    """Attack: nonsense as a proposal is dropped, as an answer it is ignored; the link lives."""
    async with house(tmp_path) as there:
        await expect_ignored(there.ann, there.bob, PROPOSAL_KIND, payload)
        assert [one[0] for one in dropped_of(there.bob)] == [there.ann.peer_id]
        await expect_ignored(there.ann, there.bob, RESPONSE_KIND, payload)
        assert select_is_peer_connected(there.bob.state.peers, there.ann.peer_id)
        await proposed(there)


def answer(session_id: str, *, accepted: bool = True, reason: str = "") -> bytes:
    """Return the bytes of an answer."""
    return write_answer(SpendAnswer(session_id=session_id, accepted=accepted, reason=reason))


async def test_a_strangers_answer_is_ignored(tmp_path: Path) -> None:
    """Attack: somebody who is no participant agrees or refuses; replies only from participants."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        mallory = await there.town.program("mallory")
        await mallory.connect(there.ann)
        for accepted in (True, False):
            payload = answer(session_id, accepted=accepted)
            await expect_ignored(mallory, there.ann, RESPONSE_KIND, payload)
        assert session_in(there.ann, session_id).status == "proposed"


async def test_a_strangers_answer_that_came_early_is_ignored(tmp_path: Path) -> None:
    """Attack: a stranger answers before the proposal; it counts no more than it does later."""
    async with house(tmp_path) as there:
        mallory = await there.town.program("mallory")
        await mallory.connect(there.bob)
        for number in range(2_000):
            payload = answer(f"guess {number}", accepted=False)
            await mallory.peers.send(there.bob.peer_id, RESPONSE_KIND, payload)
        early = answer("forged", accepted=False)
        await expect_ignored(mallory, there.bob, RESPONSE_KIND, early)
        await send_raw(there.ann, there.bob, PROPOSAL_KIND, write_proposal(forged(there)))
        assert session_in(there.bob, "forged").status == "proposed"
        assert session_in(there.bob, "forged").responses == {}


async def test_a_second_answer_is_ignored(tmp_path: Path) -> None:
    """Attack: a participant who agreed refuses afterwards; replies count once."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        await there.bob.sessions.respond(session_id, accepted=True)
        await there.bob.tell_marker(there.ann)
        first = session_in(there.ann, session_id)
        assert first.responses[there.bob.peer_id].accepted
        for accepted in (True, False):
            payload = answer(session_id, accepted=accepted, reason="after all")
            await expect_ignored(there.bob, there.ann, RESPONSE_KIND, payload)
        assert session_in(there.ann, session_id) is first


async def test_a_proposer_does_not_answer_itself(tmp_path: Path) -> None:
    """Attack: the proposer's own answer, and one to a session nobody knows, are ignored."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        await expect_ignored(there.ann, there.bob, RESPONSE_KIND, answer(session_id))
        await expect_ignored(there.carol, there.bob, RESPONSE_KIND, answer("nowhere"))


async def test_an_answer_after_the_end_is_ignored(tmp_path: Path) -> None:
    """Attack: who agrees after the session was rejected does not open it again."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        await there.carol.sessions.respond(session_id, accepted=False)
        await until_status(there.ann, session_id, "rejected")
        await expect_ignored(there.bob, there.ann, RESPONSE_KIND, answer(session_id))
        assert session_in(there.ann, session_id).status == "rejected"


# --- the log --------------------------------------------------------------------------------------


async def test_a_day_of_three_folds_to_the_same_digests(tmp_path: Path) -> None:
    """Done when: join, propose, reject, lose one; the recorded day replays to the same state."""
    async with house(tmp_path) as there:
        first = await proposed(there)
        await there.bob.sessions.respond(first, accepted=False, reason="too much")
        for one in there.all:
            await until_status(one, first, "rejected")
        await there.town.leave(there.carol)
        await there.ann.until(
            lambda state: not select_is_peer_connected(state.peers, there.carol.peer_id)
        )
        error = await refused_error(there.ann)
        assert error == f"Cannot reach participants: {there.carol.peer_id[:12]}..."
    for one in there.all:
        assert one.verify_log() == one.state
        assert select_shared_wallets(shared_wallets_of(one.state)) == (there.wallet,)


async def test_keys_and_payloads_are_in_no_log(tmp_path: Path) -> None:
    """Behaviour: what a stranger says is not kept, and no private key is anywhere."""
    async with house(tmp_path) as there:
        session_id = await proposed(there)
        await expect_ignored(there.ann, there.bob, PROPOSAL_KIND, b'{"secret_nonce": "5ec2e7f00d"}')
        await expect_ignored(there.ann, there.bob, RESPONSE_KIND, b"5ec2e7f00d")
        await there.bob.sessions.respond(session_id, accepted=True)
        await until_status(there.bob, session_id, "proposed")
    for one in there.all:
        written = one.log.read_bytes()
        assert b"5ec2e7f00d" not in written
        assert b"PRIVATE KEY" not in written
        assert session_id.encode() in written
