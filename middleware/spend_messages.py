"""The messages by which peers propose a spend and answer: what they hold, and reading strangers'.

What belongs here: bytes to records and back, each field checked.  What does not: whether a proposal
may be made, which `check_spend_proposal` says.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import attrs
import msgspec
from msgspec import Meta
from pyrsistent import pvector

from refold.actions.shared_wallets import SpendSession
from refold.errors import PeerError

__all__ = ["PROPOSAL_KIND", "RESPONSE_KIND", "SpendAnswer", "SpendMessageError"]
__all__ += ["read_answer", "read_proposal", "write_answer", "write_proposal"]

PROPOSAL_KIND: Final = "spend/proposal"
RESPONSE_KIND: Final = "spend/response"

_MOST_BYTES: Final = 64 * 1024

_Text = Annotated[str, Meta(min_length=1, max_length=1024)]
_Number = Annotated[int, Meta(ge=0, le=2**53)]
"""Whole numbers up to there are exact in every JSON."""

M = TypeVar("M")


class SpendMessageError(PeerError, ValueError):
    """A message about a spend is not of the form that it should have."""


@attrs.frozen
class SpendAnswer:
    """What a participant says to a proposal."""

    session_id: str
    """To which."""

    accepted: bool
    """Whether they agree."""

    reason: str
    """Why, in words; empty for none."""


class _Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: _Text
    wallet_id: _Text
    recipient: _Text
    amount_sats: _Number
    proposer: _Text
    participants: tuple[_Text, ...]
    created_at_ms: _Number
    expires_at_ms: _Number


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    session_id: _Text
    accepted: bool
    reason: Annotated[str, Meta(max_length=1024)]


def write_proposal(session: SpendSession) -> bytes:
    """Return the message that proposes a session."""
    return msgspec.json.encode(
        _Proposal(
            id=session.id,
            wallet_id=session.wallet_id,
            recipient=session.recipient,
            amount_sats=session.amount_sats,
            proposer=session.proposer,
            participants=tuple(session.participants),
            created_at_ms=session.created_at_ms,
            expires_at_ms=session.expires_at_ms,
        )
    )


def read_proposal(payload: bytes) -> SpendSession:
    """Return the session that a message proposes.

    Raises:
        SpendMessageError: it is none; the error says which field is not as it should be.
    """
    told = _read(payload, _Proposal)
    return SpendSession(
        id=told.id,
        wallet_id=told.wallet_id,
        recipient=told.recipient,
        amount_sats=told.amount_sats,
        proposer=told.proposer,
        participants=pvector(told.participants),
        created_at_ms=told.created_at_ms,
        expires_at_ms=told.expires_at_ms,
    )


def write_answer(answer: SpendAnswer) -> bytes:
    """Return the message of an answer."""
    return msgspec.json.encode(_Answer(answer.session_id, answer.accepted, answer.reason))


def read_answer(payload: bytes) -> SpendAnswer:
    """Return the answer that a message holds.

    Raises:
        SpendMessageError: it is none; the error says which field is not as it should be.
    """
    told = _read(payload, _Answer)
    return SpendAnswer(told.session_id, told.accepted, told.reason)


def _read(payload: bytes, kind: type[M]) -> M:
    if len(payload) > _MOST_BYTES:
        message = f"a message about a spend has at most {_MOST_BYTES} bytes, got {len(payload)}"
        raise SpendMessageError(message)
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"this is no message about a spend: {error}"
        raise SpendMessageError(message) from None
