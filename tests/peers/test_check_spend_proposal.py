"""The rules of spends: who may propose, and which proposal that comes may be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PVector, pvector

from refold.actions.shared_wallets import Participant, SharedWallet, SpendSession
from refold.middleware.check_spend_proposal import (
    LONGEST_SESSION_MS,
    MOST_OPEN_OF_ONE,
    why_not_believed,
    why_not_proposed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ANN, BOB, CAROL, MALLORY = (f"12D3KooW{name * 4}" for name in ("Annn", "Bobb", "Caro", "Mall"))
NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
CLOCK_SKEW_MS = 5 * 60_000

WALLET = SharedWallet(
    id="house",
    name="the house",
    participants=pvector(
        [
            Participant(public_key="02aa", peer_id=ANN, nickname="ann"),
            Participant(public_key="02bb", peer_id=BOB, nickname="bob"),
            Participant(public_key="02cc", peer_id=CAROL, nickname="carol"),
        ]
    ),
)


@attrs.frozen
class Proposal:
    """All that the judgement is about, as bob sees a proposal of ann's."""

    session: SpendSession
    wallet: SharedWallet | None = WALLET
    sender: str = ANN
    own_peer_id: str = BOB
    now_ms: int = NOW_MS
    open_of_sender: int = 0

    def judged(self) -> str | None:
        """Return why it is not believed."""
        return why_not_believed(
            self.session,
            self.wallet,
            sender=self.sender,
            own_peer_id=self.own_peer_id,
            now_ms=self.now_ms,
            open_of_sender=self.open_of_sender,
        )

    def with_session(self, **changes: Any) -> Proposal:
        """Return it with another session."""
        return attrs.evolve(self, session=attrs.evolve(self.session, **changes))


@st.composite
def valid_proposals(draw: st.DrawFn) -> Proposal:
    """Draw a proposal that keeps every rule."""
    made_ms = NOW_MS + draw(st.integers(-LONGEST_SESSION_MS + 1, CLOCK_SKEW_MS))
    # open for at most a week, and not over yet
    over_ms = draw(st.integers(max(made_ms, NOW_MS) + 1, made_ms + LONGEST_SESSION_MS))
    sender, own = draw(st.permutations([ANN, BOB, CAROL]))[:2]
    session = SpendSession(
        id=draw(st.text(min_size=1, max_size=20)),
        wallet_id=WALLET.id,
        recipient=draw(st.text(min_size=1, max_size=20)),
        amount_sats=draw(st.integers(1, 2**53)),
        proposer=sender,
        participants=pvector(draw(st.permutations([ANN, BOB, CAROL]))),
        created_at_ms=made_ms,
        expires_at_ms=over_ms,
    )
    open_of_sender = draw(st.integers(0, MOST_OPEN_OF_ONE - 1))
    return Proposal(session, sender=sender, own_peer_id=own, open_of_sender=open_of_sender)


USUAL = Proposal(
    SpendSession(
        id="s1",
        wallet_id="house",
        recipient="lotus_16PSJ",
        amount_sats=5_000,
        proposer=ANN,
        participants=pvector([ANN, BOB, CAROL]),
        created_at_ms=NOW_MS,
        expires_at_ms=NOW_MS + HOUR_MS,
    )
)


def _expired(proposal: Proposal, by_ms: int) -> Proposal:
    return attrs.evolve(proposal, now_ms=proposal.session.expires_at_ms + by_ms)


def _another_proposer(proposal: Proposal, _by: int) -> Proposal:
    others = [one for one in (ANN, BOB, CAROL, MALLORY) if one != proposal.sender]
    return proposal.with_session(proposer=others[_by % len(others)])


def _other_participants(proposal: Proposal, by: int) -> Proposal:
    given_ = proposal.session.participants
    others: tuple[PVector[str], ...] = (
        given_[:-1],
        given_.append(MALLORY),
        given_.set(0, MALLORY),
        given_.append(given_[0]),
        given_.set(0, given_[1]),
        pvector(()),
    )
    return proposal.with_session(participants=pvector(others[by % len(others)]))


BROKEN_RULES: dict[str, Callable[[Proposal, int], Proposal]] = {
    "it is about a wallet that is not held here": lambda proposal, _: attrs.evolve(
        proposal, wallet=None
    ),
    "its sender is no participant of the wallet": lambda proposal, _: attrs.evolve(
        proposal, sender=MALLORY, session=attrs.evolve(proposal.session, proposer=MALLORY)
    ),
    "it names another proposer than its sender": _another_proposer,
    "it names other participants than the wallet has": _other_participants,
    "its amount is not above 0": lambda proposal, by: proposal.with_session(amount_sats=-by),
    "it is expired": _expired,
    "it was made in the future": lambda proposal, by: proposal.with_session(
        created_at_ms=proposal.now_ms + CLOCK_SKEW_MS + 1 + by,
        expires_at_ms=proposal.now_ms + CLOCK_SKEW_MS + 2 + by,
    ),
    "it is open for more than a week": lambda proposal, by: proposal.with_session(
        created_at_ms=proposal.now_ms,
        expires_at_ms=proposal.now_ms + LONGEST_SESSION_MS + 1 + by,
    ),
    "its sender has 20 open proposals already": lambda proposal, by: attrs.evolve(
        proposal, open_of_sender=MOST_OPEN_OF_ONE + by
    ),
}
"""Each rule, by its sentence, and a way to break it and no other."""


@given(valid_proposals())
def test_a_proposal_that_keeps_every_rule_is_believed(proposal: Proposal) -> None:
    """Behaviour: a participant's proposal for a wallet held here, same participants, in time."""
    assert proposal.judged() is None


@pytest.mark.parametrize("rule", BROKEN_RULES)
@given(proposal=valid_proposals(), by=st.integers(0, 1_000_000))
def test_a_proposal_that_breaks_any_one_rule_is_dropped(
    rule: str, proposal: Proposal, by: int
) -> None:
    """Whatever else is right: one broken rule is enough, and the sentence says which it is."""
    assert BROKEN_RULES[rule](proposal, by).judged() == rule


@given(valid_proposals(), st.sets(st.sampled_from(sorted(BROKEN_RULES)), min_size=1), st.data())
def test_a_proposal_that_breaks_several_rules_is_dropped(
    proposal: Proposal, rules: set[str], data: st.DataObject
) -> None:
    """No broken rule makes up for another, in whatever order they are broken."""
    for rule in data.draw(st.permutations(sorted(rules))):
        proposal = BROKEN_RULES[rule](proposal, 1)
    assert proposal.judged() is not None


@pytest.mark.parametrize(
    ("proposal", "is_believed"),
    [
        (attrs.evolve(USUAL, now_ms=NOW_MS + HOUR_MS - 1), True),
        (attrs.evolve(USUAL, now_ms=NOW_MS + HOUR_MS), False),
        (attrs.evolve(USUAL, now_ms=NOW_MS - CLOCK_SKEW_MS), True),
        (attrs.evolve(USUAL, now_ms=NOW_MS - CLOCK_SKEW_MS - 1), False),
        (USUAL.with_session(expires_at_ms=NOW_MS + LONGEST_SESSION_MS), True),
        (USUAL.with_session(expires_at_ms=NOW_MS + LONGEST_SESSION_MS + 1), False),
        (attrs.evolve(USUAL, open_of_sender=19), True),
        (attrs.evolve(USUAL, open_of_sender=20), False),
        (USUAL.with_session(amount_sats=1), True),
        (USUAL.with_session(amount_sats=0), False),
    ],
)
def test_where_each_rule_begins(proposal: Proposal, is_believed: bool) -> None:  # noqa: FBT001
    """Each bound is exact: open until its end, 5 minutes ahead, a week, 20 open ones, 1 satoshi."""
    assert (proposal.judged() is None) is is_believed


def test_a_week_and_twenty_are_the_bounds() -> None:
    """A session is open for at most a week, and one peer has at most 20 open ones."""
    assert LONGEST_SESSION_MS == 7 * 24 * HOUR_MS
    assert MOST_OPEN_OF_ONE == 20


def test_the_order_of_participants_does_not_matter() -> None:
    """The same participants in another order are the same participants."""
    assert USUAL.with_session(participants=pvector([CAROL, BOB, ANN])).judged() is None


def test_a_wallet_with_a_participant_nobody_can_ask_takes_no_proposal() -> None:
    """A participant without a peer id is one, too: a proposal that leaves it out is dropped."""
    someone = Participant(public_key="02dd", peer_id=None, nickname="dan")
    wallet = attrs.evolve(WALLET, participants=WALLET.participants.append(someone))
    proposal = attrs.evolve(USUAL, wallet=wallet)
    assert proposal.judged() == "it names other participants than the wallet has"


def test_a_wallet_that_is_not_ours_takes_no_proposal() -> None:
    """Where this peer is no participant of the wallet that it holds, a proposal is dropped."""
    wallet = attrs.evolve(
        WALLET, participants=pvector(one for one in WALLET.participants if one.peer_id != BOB)
    )
    proposal = attrs.evolve(USUAL, wallet=wallet).with_session(participants=pvector([ANN, CAROL]))
    assert proposal.judged() is not None


# --- what this peer may propose -------------------------------------------------------------------


@given(st.integers(1, 2**53))
def test_any_whole_number_of_satoshis_above_nothing_may_be_proposed(amount: int) -> None:
    """From a wallet whose participants all have a peer id, 1 satoshi or more may be proposed."""
    assert why_not_proposed(WALLET, amount) is None


@given(st.one_of(st.integers(max_value=0), st.booleans(), st.floats(), st.text(), st.none()))
def test_any_other_amount_is_refused_and_shown(amount: object) -> None:
    """Behaviour: a non-positive or bool amount is refused, and the sentence has what was given."""
    why = why_not_proposed(WALLET, amount)
    assert why is not None
    assert why.startswith("The amount must be a whole number of satoshis above 0, got ")
    assert why.endswith(repr(amount))


def test_an_unknown_wallet_is_refused_in_the_words_of_the_original() -> None:
    """Task 3.3: without a wallet the sentence is 'Shared wallet not found'."""
    assert why_not_proposed(None, 1) == "Shared wallet not found"


def test_participants_without_a_peer_id_are_named() -> None:
    """Behaviour: participants without a peer id are named, by nickname or the key's beginning."""
    nameless = "03ee" * 16
    wallet = attrs.evolve(
        WALLET,
        participants=WALLET.participants.extend(
            [
                Participant(public_key="02dd", peer_id=None, nickname="dan"),
                Participant(public_key=nameless, peer_id=None),
            ]
        ),
    )
    why = why_not_proposed(wallet, 1)
    assert why is not None
    assert "without a peer id" in why
    assert "dan" in why
    assert f"{nameless[:12]}..." in why
    assert nameless not in why
    assert "ann" not in why
