"""Presences on their way: signed by the peer that they are of, in exactly one form.

The form: the 64 bytes of an Ed25519 signature, then the presence as JSON, with sorted keys and no
blanks.  What is signed is a line that says what it is, and that JSON.

What belongs here: the form.  What does not: which presences may be believed, and which of two is
newer, which `presence_rules` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import orjson
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.errors import InvalidPeerIdError, PresenceError
from refold.middleware.peer_network.peer_identity import verify_signature
from refold.reducers.presence_rules import find_fault_in_presence

if TYPE_CHECKING:
    from refold.middleware.peer_network.peer_identity import PeerIdentity

__all__ = ["MAX_PRESENCE_SIZE", "read_signed_presence", "sign_presence"]

MAX_PRESENCE_SIZE: Final = 8 * 1024
"""Bytes, the signature included."""

_DOMAIN: Final = b"refold presence 1\n"
"""What is signed; a signature under anything else can never pass for one of a presence."""

_SIGNATURE_SIZE: Final = 64

_NAMES: Final = frozenset(attrs.fields_dict(Presence))
_TIMES: Final = ("created_at_ms", "expires_at_ms")


def sign_presence(presence: Presence, identity: PeerIdentity) -> bytes:
    """Return a presence as others will take it.

    Raises:
        PresenceError: it is another peer's, or breaks a bound.
    """
    if presence.peer_id != identity.peer_id:
        message = f"the presence is of {presence.peer_id}, but {identity.peer_id} would sign it"
        raise PresenceError(message)
    _refuse_fault(presence, None)
    fields = attrs.asdict(presence, recurse=False) | {"addresses": list(presence.addresses)}
    try:
        body = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        message = f"the presence cannot be written as JSON: {error}"
        raise PresenceError(message) from None
    signed = identity.sign(_DOMAIN + body) + body
    _check_size(signed)
    return signed


def read_signed_presence(data: bytes, now_ms: int) -> Presence:
    """Return a presence that its own peer has signed and that holds now.

    Args:
        data: as `sign_presence` gave it to somebody.
        now_ms: milliseconds since the Unix epoch.

    Raises:
        PresenceError: it is forged, over, of the future, too long or in any other form.
    """
    _check_size(data)
    signature, body = data[:_SIGNATURE_SIZE], data[_SIGNATURE_SIZE:]
    presence = _read(body)
    try:
        is_genuine = verify_signature(presence.peer_id, _DOMAIN + body, signature)
    except InvalidPeerIdError as error:
        raise PresenceError(str(error)) from None
    if not is_genuine:
        message = f"the presence was not signed by {presence.peer_id}: it is forged or was changed"
        raise PresenceError(message)
    _refuse_fault(presence, now_ms)
    return presence


def _read(body: bytes) -> Presence:
    try:
        decoded: object = orjson.loads(body)
        is_canonical = orjson.dumps(decoded, option=orjson.OPT_SORT_KEYS) == body
    except (orjson.JSONDecodeError, TypeError) as error:
        message = f"the presence is no JSON: {error}"
        raise PresenceError(message) from None
    if not is_canonical or not isinstance(decoded, dict):
        message = "the presence is no JSON object in its one form: sorted keys and no blanks"
        raise PresenceError(message)
    fields = cast("dict[str, Any]", decoded)
    _check_fields(fields)
    values: dict[str, Any] = fields | {"addresses": pvector(fields["addresses"])}
    return Presence(**values)


def _check_fields(fields: dict[str, object]) -> None:
    """Refuse a field that is not one of a presence, or not of its kind."""
    if fields.keys() != _NAMES:
        message = f"expected a presence's fields ({', '.join(sorted(_NAMES))}), got {list(fields)}"
        raise PresenceError(message)
    for name, value in fields.items():
        if name == "addresses":
            fits = _is_list_of_texts(value)
        elif name in _TIMES:
            fits = type(value) is int  # True is none
        else:
            fits = isinstance(value, str)
        if not fits:
            message = f"the presence's {name} is a {type(value).__name__} of the wrong kind"
            raise PresenceError(message)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, str) for each in cast("list[object]", value)
    )


def _refuse_fault(presence: Presence, now_ms: int | None) -> None:
    fault = find_fault_in_presence(presence, now_ms=now_ms)
    if fault is not None:
        message = f"the presence is refused: {fault}"
        raise PresenceError(message)


def _check_size(data: bytes) -> None:
    if not _SIGNATURE_SIZE < len(data) <= MAX_PRESENCE_SIZE:
        message = (
            f"the signed presence has {len(data)} bytes; expected more than {_SIGNATURE_SIZE} and"
            f" at most {MAX_PRESENCE_SIZE}: give fewer addresses or shorter texts"
        )
        raise PresenceError(message)
