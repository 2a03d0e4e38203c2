"""Whether a spend may be proposed, and whether a proposal that came may be believed: pure rules.

Source of the rules: the design of the peers' store; each returns the sentence that people read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refold.actions.shared_wallets import SharedWallet, SpendSession

__all__ = ["LONGEST_SESSION_MS", "MOST_OPEN_OF_ONE", "why_not_believed", "why_not_proposed"]

LONGEST_SESSION_MS: Final = 7 * 86_400_000
"""How long a proposal may be open: a week."""

MOST_OPEN_OF_ONE: Final = 20
"""Open proposals of one participant that are believed; a loud one must not crowd out the others."""

_CLOCK_SKEW_MS: Final = 300_000
"""By how much two peers' clocks may differ: 5 minutes."""

_SHOWN: Final = 12


def why_not_proposed(wallet: SharedWallet | None, amount_sats: object) -> str | None:
    """Return why this peer may not propose a spend from a wallet; None if it may."""
    if wallet is None:
        return "Shared wallet not found"
    if isinstance(amount_sats, bool) or not isinstance(amount_sats, int) or amount_sats <= 0:
        return f"The amount must be a whole number of satoshis above 0, got {amount_sats!r}"
    nameless = [one for one in wallet.participants if one.peer_id is None]
    if nameless:
        names = ", ".join(one.nickname or f"{one.public_key[:_SHOWN]}..." for one in nameless)
        return f"Participants without a peer id: {names}"
    return None


def why_not_believed(  # noqa: PLR0913  # all but two by keyword
    session: SpendSession,
    wallet: SharedWallet | None,
    *,
    sender: str,
    own_peer_id: str,
    now_ms: int,
    open_of_sender: int,
) -> str | None:
    """Return why a proposal that a peer sent is dropped; None if it is to be believed.

    Args:
        session: what was proposed, of an id that is not known.
        wallet: the wallet of its wallet id that is held here; None if there is none.
        sender: the peer at the other end of the link.
        own_peer_id: of this peer.
        now_ms: milliseconds since the Unix epoch.
        open_of_sender: the sender's proposals that are open.
    """
    if wallet is None:
        return "it is about a wallet that is not held here"
    refusal = _why_not_among(session, wallet, sender, own_peer_id) or _why_not_now(session, now_ms)
    if refusal is None and session.amount_sats <= 0:
        return "its amount is not above 0"
    if refusal is None and open_of_sender >= MOST_OPEN_OF_ONE:
        return f"its sender has {MOST_OPEN_OF_ONE} open proposals already"
    return refusal


def _why_not_among(
    session: SpendSession, wallet: SharedWallet, sender: str, own_peer_id: str
) -> str | None:
    """Return what is wrong with who proposed it to whom."""
    ours = {one.peer_id for one in wallet.participants}
    if sender not in ours:
        return "its sender is no participant of the wallet"
    if own_peer_id not in ours:
        return "this peer is no participant of the wallet"
    if session.proposer != sender:
        return "it names another proposer than its sender"
    if set(session.participants) != ours or len(session.participants) != len(ours):
        return "it names other participants than the wallet has"
    return None


def _why_not_now(session: SpendSession, now_ms: int) -> str | None:
    """Return what is wrong with its times."""
    if session.created_at_ms > now_ms + _CLOCK_SKEW_MS:
        return "it was made in the future"
    if session.expires_at_ms <= now_ms:
        return "it is expired"
    if session.expires_at_ms - session.created_at_ms > LONGEST_SESSION_MS:
        return "it is open for more than a week"
    return None
