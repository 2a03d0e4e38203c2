"""`SharedWalletSessions`: proposing a spend to the participants of a shared wallet.

What belongs here: who is to be reached, what is sent, and what is told.  What does not: connecting,
which `Peers` does; the rules, which `check_spend_proposal` has; and keys, nonces and transactions:
none of them enters the store or the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
from pyrsistent import pvector

from refold.actions.shared_wallets import (
    SpendProposalDropped,
    SpendProposalRefused,
    SpendProposed,
    SpendResponseReceived,
    SpendSession,
    SpendSessionsExpired,
)
from refold.errors import MiddlewareError, PeerError
from refold.middleware.check_spend_proposal import (
    LONGEST_SESSION_MS,
    why_not_believed,
    why_not_proposed,
)
from refold.middleware.early_answers import EarlyAnswers
from refold.middleware.expiry_timer import ExpiryTimer
from refold.middleware.peer_network.connect_result import ConnectResult
from refold.middleware.service_teller import ServiceTeller
from refold.middleware.spend_messages import (
    PROPOSAL_KIND,
    RESPONSE_KIND,
    SpendAnswer,
    read_answer,
    read_proposal,
    write_answer,
    write_proposal,
)
from refold.reducers.shared_wallets import MAX_SESSIONS, MAX_TEXT_LENGTH
from refold.reducers.shorten_text import shorten_text
from refold.selectors.shared_wallets import (
    select_next_session_expiry_at_ms,
    select_open_spend_sessions,
    select_shared_wallet,
    select_shared_wallets,
    select_spend_session,
)
from refold.store.inputs import Inputs, inputs_of

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.actions.shared_wallets import SharedWallet
    from refold.middleware.peers import Peers
    from refold.reducers.shared_wallets import SharedWalletsState
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["EnsureConnectedResult", "ProposeSpendResult", "SharedWalletSessions"]

_SHOWN: Final = 12
_USUAL_SECONDS: Final = 3600.0

_log = logging.getLogger("refold.shared_wallets")


@attrs.frozen
class EnsureConnectedResult:
    """Which participants can be reached."""

    all_connected: bool
    """Whether all can."""

    results: Mapping[str, ConnectResult]
    """Per peer id, without one's own."""


@attrs.frozen
class ProposeSpendResult:
    """What became of a proposal."""

    success: bool
    """Whether it was sent to every other participant."""

    session_id: str | None = None
    """Of the session that it opened; None if it opened none."""

    error: str | None = None
    """Why not, for people; None on success."""


class SharedWalletSessions:
    """Middleware that proposes spends, believes valid proposals, and collects the answers.

    Args:
        peers: middleware of the same store.
        select: gives the shared wallets' state from the root state.
        is_open_for: seconds that a proposal is open, at most a week.
    """

    def __init__(
        self,
        peers: Peers,
        *,
        select: Callable[[Any], SharedWalletsState],
        is_open_for: float = _USUAL_SECONDS,
    ) -> None:
        """Listen for proposals and answers.

        Raises:
            ValueError: a proposal would be open for ever so long or not at all.
        """
        if not 0 < is_open_for <= LONGEST_SESSION_MS / 1000:
            message = (
                f"is_open_for must be above 0 and at most {LONGEST_SESSION_MS // 1000} seconds, a"
                f" week, got {is_open_for:g}"
            )
            raise ValueError(message)
        self._peers = peers
        self._select = select
        self._open_ms = int(is_open_for * 1000)
        self._store: StoreAPI[Any] | None = None
        self._inputs: Inputs = inputs_of(None)
        self._teller = ServiceTeller("shared_wallets", peers.now)
        self._early = EarlyAnswers()
        self._timer = ExpiryTimer(peers.now, self._next_expiry_at_ms, self._expire)
        peers.on_message(PROPOSAL_KIND, self._take_proposal)
        peers.on_message(RESPONSE_KIND, self._take_answer)

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Remember where to dispatch; actions go straight on.

        Raises:
            MiddlewareError: another store has these sessions.
        """
        if self._store is not None:
            message = "the sessions belong to one store; give each store its own"
            raise MiddlewareError(message)
        self._store = store
        self._inputs = inputs_of(store)
        self._teller.dispatch = store.dispatch
        return next

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Note that a session may be over earlier; the store calls this."""
        if any(isinstance(action, SpendProposed) for action in actions):
            self._timer.look_again()

    async def run(self) -> None:
        """Let sessions expire until cancelled; the store calls this."""
        await self._timer.run()

    async def ensure_participants_connected(
        self, participant_peer_ids: Iterable[str]
    ) -> EnsureConnectedResult:
        """Connect to those participants that are not connected; one's own id is left out.

        Whether each is connected is asked again when all was tried: a link may have come or gone
        meanwhile.
        """
        own = self._peers.identity.peer_id
        others = [one for one in dict.fromkeys(participant_peer_ids) if one != own]
        missing = [one for one in others if not self._peers.is_connected(one)]
        tried = await self._peers.connect_to_multiple_peers(missing)
        results = {one: self._result(one, tried.get(one)) for one in others}
        return EnsureConnectedResult(all(one.success for one in results.values()), results)

    async def propose_spend(
        self, wallet_id: str, *, recipient: str, amount_sats: int
    ) -> ProposeSpendResult:
        """Open a session and send the proposal to every other participant of a wallet.

        Args:
            wallet_id: of a wallet in the state.
            recipient: where to pay to; not looked at here.
            amount_sats: how much, in satoshis, above 0.

        Returns:
            The session's id; or why there is none, which is dispatched, too.
        """
        wallet = select_shared_wallet(self._state, wallet_id)
        refusal = why_not_proposed(wallet, amount_sats)
        if wallet is None or refusal is not None:
            return self._refuse(wallet_id, refusal or "")
        if len(select_open_spend_sessions(self._state)) >= MAX_SESSIONS:
            return self._refuse(wallet_id, f"{MAX_SESSIONS} proposals are open already")
        peer_ids = [one.peer_id for one in wallet.participants if one.peer_id is not None]
        session = self._new_session(wallet_id, recipient, amount_sats, peer_ids)
        unbelievable = self._why_nobody_believes(session, wallet)
        if unbelievable is not None:
            return self._refuse(wallet_id, f"Nobody would believe the proposal: {unbelievable}")
        reached = await self.ensure_participants_connected(peer_ids)
        if not reached.all_connected:
            return self._refuse(wallet_id, _cannot_reach(reached.results))
        failed = await self._send_to_all(PROPOSAL_KIND, write_proposal(session), session)
        if failed:
            return self._refuse(wallet_id, _cannot_reach(failed))
        self._begin(session)
        return ProposeSpendResult(success=True, session_id=session.id)

    async def respond(self, session_id: str, *, accepted: bool, reason: str = "") -> None:
        """Answer a proposal; every participant that is connected is told, the proposer surely.

        Raises:
            KeyError: there is no such session.
            NotConnectedToPeerError: the proposer cannot be told; nothing was recorded.
        """
        session = select_spend_session(self._state, session_id)
        if session is None:
            message = f"there is no session {session_id!r}; the state has those that are open"
            raise KeyError(message)
        reason = shorten_text(reason, MAX_TEXT_LENGTH)
        payload = write_answer(SpendAnswer(session_id, accepted, reason))
        await self._peers.send(session.proposer, RESPONSE_KIND, payload)
        own = self._peers.identity.peer_id
        self._teller.tell(SpendResponseReceived(session_id, own, accepted, reason))
        await self._send_to_all(RESPONSE_KIND, payload, session, without=session.proposer)

    # --- what comes -------------------------------------------------------------------------------

    def _take_proposal(self, sender: str, payload: bytes) -> None:
        try:
            session = read_proposal(payload)
        except PeerError as error:
            self._teller.tell(SpendProposalDropped(sender, "", str(error)))
            return
        if select_spend_session(self._state, session.id) is not None:
            refusal: str | None = "its id is known already"
        else:
            refusal = why_not_believed(
                session,
                select_shared_wallet(self._state, session.wallet_id),
                sender=sender,
                own_peer_id=self._peers.identity.peer_id,
                now_ms=self._now_ms(),
                open_of_sender=self._open_of(sender),
            )
        if refusal is None:
            self._begin(session)
        else:
            self._teller.tell(SpendProposalDropped(sender, session.id, refusal))

    def _take_answer(self, sender: str, payload: bytes) -> None:
        try:
            answer = read_answer(payload)
        except PeerError as error:
            _log.warning("an answer of %s was dropped: %s", sender, error)
            return
        if select_spend_session(self._state, answer.session_id) is not None:
            self._tell_answer(sender, answer)
        elif self._holds_with(sender):
            self._early.keep(sender, answer)

    # --- parts ------------------------------------------------------------------------------------

    @property
    def _state(self) -> SharedWalletsState:
        if self._store is None:
            message = "these sessions are in no store; put them into its list of middleware"
            raise MiddlewareError(message)
        return self._select(self._store.state)

    def _begin(self, session: SpendSession) -> None:
        """Tell of a session, and of the answers that overtook it."""
        self._teller.tell(SpendProposed(session))
        for sender, answer in self._early.take(session.id):
            self._tell_answer(sender, answer)

    def _holds_with(self, peer_id: str) -> bool:
        """Tell whether a peer is a participant of any wallet that is held here."""
        return any(
            peer_id == participant.peer_id
            for wallet in select_shared_wallets(self._state)
            for participant in wallet.participants
        )

    def _tell_answer(self, sender: str, answer: SpendAnswer) -> None:
        self._teller.tell(
            SpendResponseReceived(answer.session_id, sender, answer.accepted, answer.reason)
        )

    def _open_of(self, peer_id: str) -> int:
        return sum(one.proposer == peer_id for one in select_open_spend_sessions(self._state))

    def _now_ms(self) -> int:
        return int(self._peers.now() * 1000)

    def _result(self, peer_id: str, tried: ConnectResult | None) -> ConnectResult:
        """Return how a participant stands now, whatever the attempt gave."""
        attempts = 0 if tried is None else tried.attempts
        if self._peers.is_connected(peer_id):
            kind = self._peers.connection_type(peer_id) or "none"
            return ConnectResult(success=True, connection_type=kind, error=None, attempts=attempts)
        error = (None if tried is None else tried.error) or "Connection failed"
        return ConnectResult(success=False, connection_type="none", error=error, attempts=attempts)

    def _why_nobody_believes(self, session: SpendSession, wallet: SharedWallet) -> str | None:
        """Return what the others would have against an own proposal; None if nothing."""
        own = self._peers.identity.peer_id
        try:
            read_proposal(write_proposal(session))
        except (PeerError, TypeError, ValueError) as error:  # not of this form, or no Unicode
            return str(error)
        return why_not_believed(
            session,
            wallet,
            sender=own,
            own_peer_id=own,
            now_ms=session.created_at_ms,
            open_of_sender=self._open_of(own),
        )

    def _new_session(
        self, wallet_id: str, recipient: str, amount_sats: int, peer_ids: list[str]
    ) -> SpendSession:
        now_ms = self._now_ms()
        return SpendSession(
            id=self._inputs.make_id(),
            wallet_id=wallet_id,
            recipient=recipient,
            amount_sats=amount_sats,
            proposer=self._peers.identity.peer_id,
            participants=pvector(peer_ids),
            created_at_ms=now_ms,
            expires_at_ms=now_ms + self._open_ms,
        )

    async def _send_to_all(
        self, kind: str, payload: bytes, session: SpendSession, *, without: str = ""
    ) -> dict[str, str]:
        """Send to all other participants at once; return those that it did not reach, with why."""
        own = self._peers.identity.peer_id
        others = [one for one in session.participants if one not in {own, without}]
        sent = await asyncio.gather(
            *(self._peers.send(one, kind, payload) for one in others), return_exceptions=True
        )
        return {
            one: str(result)
            for one, result in zip(others, sent, strict=True)
            if isinstance(result, BaseException)
        }

    def _refuse(self, wallet_id: str, error: str) -> ProposeSpendResult:
        self._teller.tell(SpendProposalRefused(wallet_id, error))
        return ProposeSpendResult(success=False, error=error)

    def _next_expiry_at_ms(self) -> int | None:
        return select_next_session_expiry_at_ms(self._state)

    def _expire(self) -> None:
        self._teller.tell(SpendSessionsExpired())


def _cannot_reach(results: Mapping[str, ConnectResult | str]) -> str:
    missing = [
        f"{peer_id[:_SHOWN]}..."
        for peer_id, result in results.items()
        if isinstance(result, str) or not result.success
    ]
    return f"Cannot reach participants: {', '.join(missing)}"
