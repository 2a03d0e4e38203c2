"""Questions about shared wallets; each takes their own state, `at` lifts it to a root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.reducers.shared_wallets import sessions_by_id
from refold.selectors.plain_selector import plain_selector
from refold.selectors.selector import selector

if TYPE_CHECKING:
    from refold.actions.shared_wallets import SharedWallet, SpendSession
    from refold.reducers.entities import Entities
    from refold.reducers.shared_wallets import (
        DroppedProposal,
        SharedWalletsState,
        SpendRefusal,
    )

__all__ = [
    "select_last_dropped_proposal",
    "select_last_spend_refusal",
    "select_next_session_expiry_at_ms",
    "select_open_spend_sessions",
    "select_shared_wallet",
    "select_shared_wallets",
    "select_spend_session",
    "select_spend_sessions",
    "select_spend_sessions_of_wallet",
    "select_unanswered_participants",
]


@plain_selector
def select_shared_wallets(state: SharedWalletsState) -> tuple[SharedWallet, ...]:
    """Return all wallets, in the order in which they were added."""
    return state.wallets.all


@plain_selector
def select_shared_wallet(state: SharedWalletsState, wallet_id: str) -> SharedWallet | None:
    """Return a wallet; None if the user does not hold it."""
    return state.wallets.by_id.get(wallet_id)


@plain_selector
def select_spend_sessions(state: SharedWalletsState) -> tuple[SpendSession, ...]:
    """Return all sessions, open or over, oldest first."""
    return state.sessions.all


@plain_selector
def select_spend_session(state: SharedWalletsState, session_id: str) -> SpendSession | None:
    """Return a session, open or over; None if its id is not known."""
    return state.sessions.by_id.get(session_id)


@plain_selector
def select_spend_sessions_of_wallet(
    state: SharedWalletsState, wallet_id: str
) -> tuple[SpendSession, ...]:
    """Return what was proposed for one wallet, oldest first."""
    return sessions_by_id.find(state.sessions, "wallet_id", wallet_id)


def _sessions(state: SharedWalletsState) -> Entities[str, SpendSession]:
    return state.sessions


@selector(_sessions)
def select_open_spend_sessions(sessions: Entities[str, SpendSession]) -> tuple[SpendSession, ...]:
    """Return the sessions that participants may still answer, oldest first."""
    return sessions_by_id.find(sessions, "standing", "open")


@selector(select_open_spend_sessions)
def select_next_session_expiry_at_ms(sessions: tuple[SpendSession, ...]) -> int | None:
    """Return when the next open session expires, in ms since the Unix epoch; None if none is."""
    return min((session.expires_at_ms for session in sessions), default=None)


@plain_selector
def select_unanswered_participants(state: SharedWalletsState, session_id: str) -> tuple[str, ...]:
    """Return who has not answered a session, in its order; nobody once it is over."""
    session = state.sessions.by_id.get(session_id)
    if session is None or session.status != "proposed":
        return ()
    return tuple(
        peer_id
        for peer_id in session.participants
        if peer_id != session.proposer and peer_id not in session.responses
    )


@plain_selector
def select_last_spend_refusal(state: SharedWalletsState) -> SpendRefusal | None:
    """Return the last own proposal that was not made; None if there was none."""
    return state.last_refusal


@plain_selector
def select_last_dropped_proposal(state: SharedWalletsState) -> DroppedProposal | None:
    """Return the last proposal that arrived and was dropped; None if there was none."""
    return state.last_dropped_proposal
