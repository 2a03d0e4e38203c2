"""`shared_wallets_reducer`: wallets, proposed spends, and who may answer them once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import pytest
from hypothesis import given
from pyrsistent import pmap, pvector

from refold.actions.shared_wallets import (
    Participant,
    SharedWallet,
    SharedWalletAdded,
    SharedWalletRemoved,
    SpendProposalDropped,
    SpendProposalRefused,
    SpendProposed,
    SpendResponse,
    SpendResponseReceived,
    SpendSession,
    SpendSessionsExpired,
)
from refold.reducers import shared_wallets
from refold.reducers.shared_wallets import (
    DroppedProposal,
    SharedWalletsState,
    SpendRefusal,
    shared_wallets_reducer,
)
from refold.selectors.shared_wallets import (
    select_last_dropped_proposal,
    select_last_spend_refusal,
    select_next_session_expiry_at_ms,
    select_open_spend_sessions,
    select_shared_wallet,
    select_shared_wallets,
    select_spend_session,
    select_spend_sessions,
    select_spend_sessions_of_wallet,
    select_unanswered_participants,
)
from refold.testing.check_laws import check_reducer_laws
from tests.peers.state.peer_scene import ALICE, BOB, ME, fold
from tests.peers.state.peer_strategies import wallet_runs

if TYPE_CHECKING:
    from refold.actions.action import Action

WALLET: Final = SharedWallet(
    "w", "ours", pvector(Participant(one, one) for one in (ME, ALICE, BOB))
)
SESSION: Final = SpendSession(
    "s", "w", "bc1q", 100_000, ALICE, pvector([ME, ALICE, BOB]), created_at_ms=10, expires_at_ms=20
)
OPEN: Final = (SharedWalletAdded(WALLET), SpendProposed(SESSION, at_ms=10))


def answered(
    peer_id: str,
    *,
    accepted: bool = True,
    session_id: str = "s",
    reason: str = "",
    at_ms: int | None = 15,
) -> SpendResponseReceived:
    """Return that a participant answered."""
    return SpendResponseReceived(session_id, peer_id, accepted, reason, at_ms=at_ms)


def the_session(*actions: Action) -> SpendSession:
    """Return the open session after some more actions."""
    return fold(shared_wallets_reducer, *OPEN, *actions).sessions.by_id["s"]


# --- properties -----------------------------------------------------------------------------------


def every_session_is_of_a_wallet(state: SharedWalletsState) -> bool:
    """No session outlives its wallet."""
    return all(session.wallet_id in state.wallets.by_id for session in state.sessions.all)


def only_participants_answered(state: SharedWalletsState) -> bool:
    """No stranger and no proposer is among those who answered."""
    return all(
        set(session.responses) <= set(session.participants) - {session.proposer}
        for session in state.sessions.all
    )


def the_status_follows_from_the_answers(state: SharedWalletsState) -> bool:
    """Accepted by all, or rejected by one; else it is open or its time is over."""
    for session in state.sessions.all:
        asked = set(session.participants) - {session.proposer}
        answers = session.responses
        if any(not answer.accepted for answer in answers.values()):
            expected = {"rejected"}
        elif set(answers) == asked:
            expected = {"accepted"}
        else:
            expected = {"proposed", "expired"}
        if session.status not in expected:
            return False
    return True


def what_is_over_does_not_change(
    before: SharedWalletsState, _action: Action, after: SharedWalletsState
) -> bool:
    """A session that is not open stays what it is, or is forgotten; an answer stays as well."""
    for session in before.sessions.all:
        later = after.sessions.by_id.get(session.id, session)
        if session.status != "proposed" and later is not session:
            return False
        if any(later.responses.get(who) != answer for who, answer in session.responses.items()):
            return False
    return True


def test_the_shared_wallets_keep_the_laws() -> None:
    """The slice keeps the laws and its invariants, whatever happens to an open session."""
    examples = [
        [*OPEN, answered(ME), answered(BOB)],
        [*OPEN, answered(ME), answered(BOB, accepted=False)],
        [*OPEN, answered(ME), SpendSessionsExpired(at_ms=20)],
    ]
    check_reducer_laws(
        shared_wallets_reducer,
        [
            every_session_is_of_a_wallet,
            only_participants_answered,
            the_status_follows_from_the_answers,
            what_is_over_does_not_change,
        ],
        examples=examples,
    )


@given(wallet_runs())
def test_the_invariants_hold_for_sessions_that_are_often_answered(run: list[Action]) -> None:
    """Four peers, two wallets, three sessions: no invariant breaks."""
    state = shared_wallets_reducer.initial
    for action in run:
        before, state = state, shared_wallets_reducer(state, action)
        assert every_session_is_of_a_wallet(state)
        assert only_participants_answered(state)
        assert the_status_follows_from_the_answers(state)
        if not isinstance(action, SpendProposed | SharedWalletRemoved):
            assert what_is_over_does_not_change(before, action, state)
        assert (state is before) == (state == before)


# --- answers --------------------------------------------------------------------------------------


def test_a_spend_is_accepted_when_all_others_accepted() -> None:
    """Proposing is the proposer's consent, so nobody waits for it."""
    assert the_session().status == "proposed"
    assert the_session(answered(ME)).status == "proposed"
    session = the_session(answered(ME), answered(BOB, reason="fine"))
    assert session.status == "accepted"
    assert session.responses == pmap(
        {ME: SpendResponse(True, "", 15), BOB: SpendResponse(True, "fine", 15)}  # noqa: FBT003
    )


def test_a_spend_is_rejected_when_one_rejects() -> None:
    """With the reason that was given; nobody can turn that round."""
    session = the_session(answered(BOB, accepted=False, reason="too much"), answered(ME))
    assert session.status == "rejected"
    assert session.responses == pmap({BOB: SpendResponse(False, "too much", 15)})  # noqa: FBT003


@pytest.mark.parametrize(
    "action",
    [
        answered("stranger"),
        answered("stranger", accepted=False),
        answered(ALICE, accepted=False),
        answered(BOB, session_id="unknown"),
        answered(BOB, at_ms=20),
        answered(ME, accepted=False),
    ],
    ids=["stranger", "stranger rejects", "proposer", "unknown session", "late", "second answer"],
)
def test_an_answer_that_does_not_count_gives_the_identical_state(action: Action) -> None:
    """Answers count from participants, once, in time; a changed mind is a second answer."""
    state = fold(shared_wallets_reducer, *OPEN, answered(ME))
    assert shared_wallets_reducer(state, action) is state


def test_an_answer_without_a_time_counts_while_the_session_is_open() -> None:
    """Where no clock stamps actions, nothing is late."""
    assert ME in the_session(answered(ME, at_ms=None)).responses


# --- proposals ------------------------------------------------------------------------------------


def test_a_session_that_is_known_is_not_proposed_again() -> None:
    """A replayed proposal cannot wipe the answers."""
    state = fold(shared_wallets_reducer, *OPEN, answered(ME))
    changed = attrs.evolve(SESSION, amount_sats=1)
    assert shared_wallets_reducer(state, SpendProposed(changed, at_ms=12)) is state


def test_a_session_begins_without_answers_whatever_it_says() -> None:
    """A proposer cannot bring the others' consent along."""
    forged = attrs.evolve(
        SESSION, status="accepted", responses=pmap({BOB: SpendResponse(accepted=True)})
    )
    state = fold(shared_wallets_reducer, OPEN[0], SpendProposed(forged, at_ms=10))
    assert state.sessions.by_id["s"] == SESSION


def test_a_spend_of_a_wallet_with_one_holder_needs_nobody() -> None:
    """It is accepted at once."""
    alone = attrs.evolve(SESSION, participants=pvector([ALICE]))
    state = fold(shared_wallets_reducer, OPEN[0], SpendProposed(alone))
    assert state.sessions.by_id["s"].status == "accepted"


@pytest.mark.parametrize(
    "action",
    [
        SpendProposed(attrs.evolve(SESSION, wallet_id="unknown"), at_ms=10),
        SpendProposed(SESSION, at_ms=20),
    ],
    ids=["a wallet that is not held", "over"],
)
def test_a_session_that_no_state_could_have_is_not_kept(action: Action) -> None:
    """Neither of a wallet that the user does not hold, nor over already."""
    state = fold(shared_wallets_reducer, OPEN[0])
    assert shared_wallets_reducer(state, action) is state


def test_open_sessions_expire_at_their_time() -> None:
    """Not before, not without a clock, and not those that are over."""
    state = fold(shared_wallets_reducer, *OPEN)
    assert shared_wallets_reducer(state, SpendSessionsExpired(at_ms=19)) is state
    assert shared_wallets_reducer(state, SpendSessionsExpired()) is state
    assert the_session(SpendSessionsExpired(at_ms=20)).status == "expired"
    rejected = fold(shared_wallets_reducer, *OPEN, answered(ME, accepted=False))
    assert shared_wallets_reducer(rejected, SpendSessionsExpired(at_ms=99)) is rejected


def test_nobody_answers_a_session_that_expired() -> None:
    """Not even with a clock that went back."""
    assert not the_session(SpendSessionsExpired(at_ms=20), answered(ME, at_ms=11)).responses


# --- wallets, refusals, bounds --------------------------------------------------------------------


def test_a_wallet_is_added_once_and_removed_with_its_sessions() -> None:
    """A wallet that is known stays as it is."""
    state = fold(shared_wallets_reducer, *OPEN)
    other = attrs.evolve(WALLET, participants=pvector())
    assert shared_wallets_reducer(state, SharedWalletAdded(other)) is state
    assert shared_wallets_reducer(state, SharedWalletRemoved("unknown")) is state
    assert shared_wallets_reducer(state, SharedWalletRemoved("w")) == SharedWalletsState()


def test_the_last_refusal_and_the_last_dropped_proposal_are_kept() -> None:
    """One of each, with how many were dropped: strangers cannot fill the state."""
    dropped = SpendProposalDropped("stranger", "x" * 999, "y" * 999, at_ms=2)
    state = fold(
        shared_wallets_reducer,
        SpendProposalRefused("w", "Shared wallet not found", at_ms=1),
        dropped,
        dropped,
    )
    assert state.last_refusal == SpendRefusal("w", "Shared wallet not found", 1)
    assert state.last_dropped_proposal == DroppedProposal(
        "stranger", "x" * 499 + "…", "y" * 499 + "…", 2
    )
    assert state.dropped_proposal_count == 2


def test_of_too_many_sessions_the_oldest_that_is_over_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An open one is never forgotten; if all are open, the new one is not kept."""
    monkeypatch.setattr(shared_wallets, "MAX_SESSIONS", 2)
    second, third, fourth = (SpendProposed(attrs.evolve(SESSION, id=one)) for one in "234")
    full = fold(shared_wallets_reducer, *OPEN, second)
    assert shared_wallets_reducer(full, third) is full
    after = fold(shared_wallets_reducer, answered(ME, accepted=False), third, state=full)
    assert list(after.sessions.ids) == ["2", "3"]
    assert shared_wallets_reducer(after, fourth) is after


def test_wallets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """None that the user holds is dropped; a further one is not added."""
    monkeypatch.setattr(shared_wallets, "MAX_SHARED_WALLETS", 1)
    state = fold(shared_wallets_reducer, OPEN[0])
    other = SharedWalletAdded(attrs.evolve(WALLET, id="other"))
    assert shared_wallets_reducer(state, other) is state


# --- questions ------------------------------------------------------------------------------------


def test_wallets_and_sessions_can_be_asked_for() -> None:
    """By their ids, all of them, and those that are open."""
    later = attrs.evolve(SESSION, id="later", expires_at_ms=30)
    state = fold(shared_wallets_reducer, *OPEN, SpendProposed(later))
    assert select_shared_wallets(state) == (WALLET,)
    assert select_shared_wallet(state, "w") is WALLET
    assert select_shared_wallet(state, "unknown") is None
    assert select_spend_session(state, "s") == SESSION
    assert select_spend_session(state, "unknown") is None
    assert select_spend_sessions(state) == (SESSION, later)
    assert select_spend_sessions_of_wallet(state, "w") == (SESSION, later)
    assert select_open_spend_sessions(state) == (SESSION, later)
    assert select_next_session_expiry_at_ms(state) == 20
    over = shared_wallets_reducer(state, SpendSessionsExpired(at_ms=20))
    assert select_open_spend_sessions(over) == (later,)
    assert select_next_session_expiry_at_ms(over) == 30
    assert select_next_session_expiry_at_ms(SharedWalletsState()) is None


def test_who_has_not_answered_can_be_asked_for() -> None:
    """Neither the proposer, nor anybody once the session is over or unknown."""
    state = fold(shared_wallets_reducer, *OPEN)
    assert select_unanswered_participants(state, "s") == (ME, BOB)
    state = shared_wallets_reducer(state, answered(ME))
    assert select_unanswered_participants(state, "s") == (BOB,)
    state = shared_wallets_reducer(state, answered(BOB, accepted=False))
    assert select_unanswered_participants(state, "s") == ()
    assert select_unanswered_participants(state, "unknown") == ()


def test_refusals_can_be_asked_for() -> None:
    """None stands for none."""
    state = fold(
        shared_wallets_reducer,
        SpendProposalRefused("w", "refused"),
        SpendProposalDropped(BOB, "s", "dropped"),
    )
    assert select_last_spend_refusal(state) is state.last_refusal
    assert select_last_dropped_proposal(state) is state.last_dropped_proposal
    assert select_last_spend_refusal(SharedWalletsState()) is None
    assert select_last_dropped_proposal(SharedWalletsState()) is None
