"""What can happen to wallets that several people hold, and to spends that one of them proposes.

Keys and nonces are in no action, so that they reach neither the state nor a log.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
from pyrsistent import PMap, PVector, pmap

from refold.actions.action import Action, action

__all__ = [
    "Participant",
    "SharedWallet",
    "SharedWalletAdded",
    "SharedWalletRemoved",
    "SpendProposalDropped",
    "SpendProposalRefused",
    "SpendProposed",
    "SpendResponse",
    "SpendResponseReceived",
    "SpendSession",
    "SpendSessionsExpired",
    "SpendStatus",
]

SpendStatus: TypeAlias = Literal["proposed", "accepted", "rejected", "expired"]
"""Where a session stands; only ``proposed`` is open."""


@attrs.frozen
class Participant:
    """One of those who hold a wallet."""

    public_key: str
    """The key of the wallet, as hexadecimal text; not the one that the peer id holds."""

    peer_id: str | None
    """Where to ask; None while that is not known."""

    nickname: str = ""
    """For people; empty for none."""


@attrs.frozen
class SharedWallet:
    """A wallet that spends only what all participants sign."""

    id: str
    """The same for every participant."""

    name: str
    participants: PVector[Participant]
    """All who hold it, this program's user too."""


@attrs.frozen
class SpendResponse:
    """What a participant answered."""

    accepted: bool
    reason: str = ""
    """Why not, in words; empty if nothing was said."""

    at_ms: int | None = None
    """When it arrived, in milliseconds since the Unix epoch; None where no clock stamps actions."""


@attrs.frozen
class SpendSession:
    """A proposed spend, and what has become of it."""

    id: str
    """The same for every participant."""

    wallet_id: str
    recipient: str
    """The address to pay to."""

    amount_sats: int
    """1 or more."""

    proposer: str
    """The peer id of the participant who proposed it, which counts as that one's consent."""

    participants: PVector[str]
    """The peer ids of all participants, the proposer's too."""

    created_at_ms: int
    """When it was proposed, in milliseconds since the Unix epoch."""

    expires_at_ms: int
    """From when on nobody may answer, likewise."""

    status: SpendStatus = "proposed"
    """Where it stands."""

    responses: PMap[str, SpendResponse] = attrs.field(default=pmap())
    """What was answered, by peer id; the proposer does not answer."""


@action("shared_wallets/shared_wallet_added")
class SharedWalletAdded(Action):
    """The user holds a wallet; one that is known already stays as it is."""

    wallet: SharedWallet


@action("shared_wallets/shared_wallet_removed")
class SharedWalletRemoved(Action):
    """The user no longer holds a wallet; its sessions are forgotten."""

    wallet_id: str


@action("shared_wallets/spend_proposed")
class SpendProposed(Action):
    """A spend was proposed, by this program or by a participant whose proposal was found valid."""

    session: SpendSession
    """Its status and responses are not believed: a session begins without answers."""


@action("shared_wallets/spend_proposal_refused")
class SpendProposalRefused(Action):
    """This program's own proposal was not made."""

    wallet_id: str
    error: str
    """Why, in words."""


@action("shared_wallets/spend_proposal_dropped")
class SpendProposalDropped(Action):
    """A proposal that arrived broke a rule and was dropped."""

    peer_id: str
    """Who sent it."""

    session_id: str
    error: str
    """Which rule, in words."""


@action("shared_wallets/spend_response_received")
class SpendResponseReceived(Action):
    """A participant answered; the first answer counts."""

    session_id: str
    peer_id: str
    """Who answered, as its link proves; this program's own id for its user's answer."""

    accepted: bool
    reason: str = ""
    """Why not, in words; empty if nothing was said."""


@action("shared_wallets/spend_sessions_expired")
class SpendSessionsExpired(Action):
    """Open sessions that expire at the action's time, or before it, are over."""
