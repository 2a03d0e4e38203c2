"""`shared_wallets_reducer`: the wallets that the user holds with others, and proposed spends.

Whether a proposal that arrived may be believed is judged before it becomes an action.  What a state
could not stand is refused here all the same: a session of no wallet, one that is over, a stranger's
answer, a second answer.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from pyrsistent import pmap

from refold.actions.shared_wallets import (
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
    SpendStatus,
)
from refold.reducers.entities import Entities
from refold.reducers.entity_adapter import EntityAdapter
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.reducers.shorten_text import shorten_text

__all__ = [
    "MAX_SESSIONS",
    "MAX_SHARED_WALLETS",
    "MAX_TEXT_LENGTH",
    "DroppedProposal",
    "SharedWalletsState",
    "SpendRefusal",
    "sessions_by_id",
    "shared_wallets_reducer",
]

MAX_SHARED_WALLETS: Final = 1_000
"""Wallets that are kept; a further one is not added."""

MAX_SESSIONS: Final = 500
"""Sessions that are kept.  Of more, the oldest that is over goes; if all are open, the new one is
not kept."""

MAX_TEXT_LENGTH: Final = 500
"""Characters of an error, or of what a participant gives as a reason."""


@attrs.frozen
class SpendRefusal:
    """That this program's own proposal was not made."""

    wallet_id: str
    error: str
    """Why, in words."""

    at_ms: int | None = None
    """When, in milliseconds since the Unix epoch; None where no clock stamps actions."""


@attrs.frozen
class DroppedProposal:
    """That a proposal which arrived broke a rule."""

    peer_id: str
    """Who sent it."""

    session_id: str
    error: str
    """Which rule, in words."""

    at_ms: int | None = None
    """When, like that of a refusal."""


wallets_by_id: Final = EntityAdapter[str, SharedWallet](key=lambda wallet: wallet.id)

sessions_by_id: Final = EntityAdapter[str, SpendSession](
    key=lambda session: session.id,
    indexes={
        "standing": lambda session: "open" if session.status == "proposed" else "over",
        "wallet_id": lambda session: session.wallet_id,
    },
)


@attrs.frozen
class SharedWalletsState:
    """Wallets and what was proposed."""

    wallets: Entities[str, SharedWallet] = attrs.field(default=wallets_by_id.empty())
    """In the order in which they were added."""

    sessions: Entities[str, SpendSession] = attrs.field(default=sessions_by_id.empty())
    """Proposed spends of these wallets, oldest first."""

    last_refusal: SpendRefusal | None = None
    """The last own proposal that was not made; None if there was none."""

    last_dropped_proposal: DroppedProposal | None = None
    """The last proposal that arrived and was dropped; None if there was none."""

    dropped_proposal_count: int = 0
    """Proposals that arrived and were dropped."""


shared_wallets_reducer: Final = Reducer(SharedWalletsState())


@shared_wallets_reducer.on(SharedWalletAdded)
def _(state: SharedWalletsState, action: SharedWalletAdded) -> SharedWalletsState:
    if len(state.wallets.ids) >= MAX_SHARED_WALLETS:
        return state
    return _with(state, wallets=wallets_by_id.add_one(state.wallets, action.wallet))


@shared_wallets_reducer.on(SharedWalletRemoved)
def _(state: SharedWalletsState, action: SharedWalletRemoved) -> SharedWalletsState:
    of_it = sessions_by_id.find_ids(state.sessions, "wallet_id", action.wallet_id)
    return _with(
        state,
        wallets=wallets_by_id.remove_one(state.wallets, action.wallet_id),
        sessions=sessions_by_id.remove_many(state.sessions, of_it),
    )


@shared_wallets_reducer.on(SpendProposed)
def _(state: SharedWalletsState, action: SpendProposed) -> SharedWalletsState:
    given, now = action.session, action.at_ms
    if given.id in state.sessions.by_id or given.wallet_id not in state.wallets.by_id:
        return state
    if now is not None and given.expires_at_ms <= now:
        return state
    sessions = _with_room(state.sessions)
    if len(sessions.ids) >= MAX_SESSIONS:
        return state
    session = _judged(evolve(given, responses=pmap()))
    return evolve(state, sessions=sessions_by_id.add_one(sessions, session))


@shared_wallets_reducer.on(SpendResponseReceived)
def _(state: SharedWalletsState, action: SpendResponseReceived) -> SharedWalletsState:
    session = state.sessions.by_id.get(action.session_id)
    if session is None or not _may_answer(session, action):
        return state
    reason = shorten_text(action.reason, MAX_TEXT_LENGTH)
    response = SpendResponse(action.accepted, reason, action.at_ms)
    answered = evolve(session, responses=session.responses.set(action.peer_id, response))
    return _with(state, sessions=sessions_by_id.set_one(state.sessions, _judged(answered)))


@shared_wallets_reducer.on(SpendSessionsExpired)
def _(state: SharedWalletsState, action: SpendSessionsExpired) -> SharedWalletsState:
    now = action.at_ms
    if now is None:
        return state
    over = [
        evolve(session, status="expired")
        for session in sessions_by_id.find(state.sessions, "standing", "open")
        if session.expires_at_ms <= now
    ]
    return _with(state, sessions=sessions_by_id.set_many(state.sessions, over))


@shared_wallets_reducer.on(SpendProposalRefused)
def _(state: SharedWalletsState, action: SpendProposalRefused) -> SharedWalletsState:
    error = shorten_text(action.error, MAX_TEXT_LENGTH)
    refusal = SpendRefusal(action.wallet_id, error, action.at_ms)
    return state if refusal == state.last_refusal else evolve(state, last_refusal=refusal)


@shared_wallets_reducer.on(SpendProposalDropped)
def _(state: SharedWalletsState, action: SpendProposalDropped) -> SharedWalletsState:
    error = shorten_text(action.error, MAX_TEXT_LENGTH)
    session_id = shorten_text(action.session_id, MAX_TEXT_LENGTH)
    return evolve(
        state,
        last_dropped_proposal=DroppedProposal(action.peer_id, session_id, error, action.at_ms),
        dropped_proposal_count=state.dropped_proposal_count + 1,
    )


def _may_answer(session: SpendSession, action: SpendResponseReceived) -> bool:
    """Tell whether an answer counts: in time, the first, of a participant but the proposer."""
    now = action.at_ms
    return (
        session.status == "proposed"
        and action.peer_id in session.participants
        and action.peer_id != session.proposer
        and action.peer_id not in session.responses
        and (now is None or now < session.expires_at_ms)
    )


def _judged(session: SpendSession) -> SpendSession:
    """Return a session that is not over in time, with the status that its answers give it."""
    asked = {one for one in session.participants if one != session.proposer}
    answers = session.responses
    status: SpendStatus = "accepted" if asked <= answers.keys() else "proposed"
    if any(not answer.accepted for answer in answers.values()):
        status = "rejected"
    return evolve(session, status=status)


def _with_room(sessions: Entities[str, SpendSession]) -> Entities[str, SpendSession]:
    """Return the sessions without the oldest that is over, if there is no room and there is one."""
    if len(sessions.ids) < MAX_SESSIONS:
        return sessions
    over = sessions_by_id.find_ids(sessions, "standing", "over")
    return sessions_by_id.remove_many(sessions, over[:1])


def _with(state: SharedWalletsState, **changes: Any) -> SharedWalletsState:
    """Return the state with other entities; the identical one if they are the same objects."""
    if all(getattr(state, name) is value for name, value in changes.items()):
        return state
    return evolve(state, **changes)
