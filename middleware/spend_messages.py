"""The messages by which peers propose a spend and answer: what they hold, and reading strangers'.

What belongs here: bytes to records and back, each field checked.  What does not: whether a proposal
may be made, which `check_spend_proposal` says.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import orjson
from pyrsistent import PVector, pvector

from refold.actions.shared_wallets import SpendSession
from refold.errors import PeerError

__all__ = ["PROPOSAL_KIND", "RESPONSE_KIND", "SpendAnswer", "SpendMessageError"]
__all__ += ["read_answer", "read_proposal", "write_answer", "write_proposal"]

PROPOSAL_KIND: Final = "spend/proposal"
RESPONSE_KIND: Final = "spend/response"

_MOST_BYTES: Final = 64 * 1024
_LONGEST_TEXT: Final = 1024
_MOST: Final = 2**53
"""What a number may be at most: whole numbers up to there are exact in every JSON."""


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


def write_proposal(session: SpendSession) -> bytes:
    """Return the message that proposes a session."""
    return orjson.dumps(
        {
            "id": session.id,
            "wallet_id": session.wallet_id,
            "recipient": session.recipient,
            "amount_sats": session.amount_sats,
            "proposer": session.proposer,
            "participants": list(session.participants),
            "created_at_ms": session.created_at_ms,
            "expires_at_ms": session.expires_at_ms,
        }
    )


def read_proposal(payload: bytes) -> SpendSession:
    """Return the session that a message proposes.

    Raises:
        SpendMessageError: it is none; the error says which field is not as it should be.
    """
    fields = _read_object(payload)
    session = SpendSession(
        id=_text(fields, "id"),
        wallet_id=_text(fields, "wallet_id"),
        recipient=_text(fields, "recipient"),
        amount_sats=_number(fields, "amount_sats"),
        proposer=_text(fields, "proposer"),
        participants=_texts(fields, "participants"),
        created_at_ms=_number(fields, "created_at_ms"),
        expires_at_ms=_number(fields, "expires_at_ms"),
    )
    _refuse_others(fields)
    return session


def write_answer(answer: SpendAnswer) -> bytes:
    """Return the message of an answer."""
    return orjson.dumps(attrs.asdict(answer))


def read_answer(payload: bytes) -> SpendAnswer:
    """Return the answer that a message holds.

    Raises:
        SpendMessageError: it is none; the error says which field is not as it should be.
    """
    fields = _read_object(payload)
    accepted = _truth(fields, "accepted")
    session_id, reason = _text(fields, "session_id"), _text(fields, "reason", may_be_empty=True)
    _refuse_others(fields)
    return SpendAnswer(session_id, accepted, reason)


def _read_object(payload: bytes) -> dict[str, Any]:
    if len(payload) > _MOST_BYTES:
        message = f"a message about a spend has at most {_MOST_BYTES} bytes, got {len(payload)}"
        raise SpendMessageError(message)
    try:
        fields = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        message = f"a message about a spend must be JSON: {error}"
        raise SpendMessageError(message) from None
    if not isinstance(fields, dict):
        message = f"a message about a spend must be an object, got {type(fields).__name__}"
        raise SpendMessageError(message)
    return fields


def _text(fields: dict[str, Any], name: str, *, may_be_empty: bool = False) -> str:
    value = fields.pop(name, None)
    if not isinstance(value, str) or not (value or may_be_empty) or len(value) > _LONGEST_TEXT:
        raise _wrong(name, f"a text of at most {_LONGEST_TEXT} characters", value)
    return value


def _texts(fields: dict[str, Any], name: str) -> PVector[str]:
    value = fields.pop(name, None)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _wrong(name, "a list of texts", value)
    return pvector(value)


def _truth(fields: dict[str, Any], name: str) -> bool:
    value = fields.pop(name, None)
    if not isinstance(value, bool):
        raise _wrong(name, "true or false", value)
    return value


def _number(fields: dict[str, Any], name: str) -> int:
    value = fields.pop(name, None)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise _wrong(name, f"a whole number from 0 to {_MOST}", value)
    return value


def _refuse_others(fields: dict[str, Any]) -> None:
    if fields:
        message = f"a message about a spend has an unknown field {min(fields)[:80]!r}"
        raise SpendMessageError(message)


def _wrong(name: str, expected: str, got: object) -> SpendMessageError:
    return SpendMessageError(f"field {name!r} must be {expected}, got {repr(got)[:80]}")
