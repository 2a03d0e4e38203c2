"""`sign_presence` and `read_signed_presence`: whose word a presence is, and which are refused."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.errors import PresenceError
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.signed_presence import (
    MAX_PRESENCE_SIZE,
    read_signed_presence,
    sign_presence,
)
from refold.reducers.presence_rules import MAX_PRESENCE_LIFETIME_MS

ALICE = PeerIdentity.from_seed(b"\x01" * 32)
MALLORY = PeerIdentity.from_seed(b"\x03" * 32)
NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
DOMAIN = b"refold presence 1\n"

PRESENCE = Presence(
    peer_id=ALICE.peer_id,
    addresses=pvector([f"/ip4/127.0.0.1/tcp/4001/ws/p2p/{ALICE.peer_id}"]),
    created_at_ms=NOW_MS,
    expires_at_ms=NOW_MS + HOUR_MS,
    nickname="Alice",
    wallet_address="bitcoincash:alice",
    avatar="alice.png",
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
presences = st.builds(
    Presence,
    peer_id=st.just(ALICE.peer_id),
    addresses=st.lists(texts, max_size=5).map(pvector),
    created_at_ms=st.just(NOW_MS),
    expires_at_ms=st.integers(NOW_MS + 1, NOW_MS + MAX_PRESENCE_LIFETIME_MS),
    nickname=texts,
    wallet_address=texts,
    avatar=texts,
)


def fields_of(presence: Presence) -> dict[str, Any]:
    """Return a presence as it stands in JSON."""
    return attrs.asdict(presence, recurse=False) | {"addresses": list(presence.addresses)}


def signed_by_alice(body: bytes) -> bytes:
    """Return any bytes with a signature that holds."""
    return ALICE.sign(DOMAIN + body) + body


def sorted_json(fields: object) -> bytes:
    """Return fields in the form in which they are signed."""
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


@given(presences)
def test_a_presence_is_read_as_signed(presence: Presence) -> None:
    """All fields come back, equal; the same presence always gives the same bytes."""
    data = sign_presence(presence, ALICE)
    assert read_signed_presence(data, NOW_MS) == presence
    assert sign_presence(read_signed_presence(data, NOW_MS), ALICE) == data


OTHERS: dict[str, Any] = {
    "peer_id": MALLORY.peer_id,
    "addresses": ["/ip4/127.0.0.1/tcp/6666/ws/p2p/x"],
    "created_at_ms": NOW_MS - 1,
    "expires_at_ms": NOW_MS + HOUR_MS + 1,
    "nickname": "Bob",
    "wallet_address": "bitcoincash:mallory",
    "avatar": "",
}


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Presence)])
def test_a_forged_presence_is_refused_whichever_field_is_changed(name: str) -> None:
    """A signature holds for each of the fields."""
    signature = sign_presence(PRESENCE, ALICE)[:64]
    forged = signature + sorted_json(fields_of(PRESENCE) | {name: OTHERS[name]})
    with pytest.raises(PresenceError, match="it is forged or was changed"):
        read_signed_presence(forged, NOW_MS)


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    """Wherever a byte is another, the presence is none."""
    signed = bytearray(sign_presence(PRESENCE, ALICE))
    signed[data.draw(st.integers(0, len(signed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PresenceError):
        read_signed_presence(bytes(signed), NOW_MS)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    """Garbage is an error that says so, and no other."""
    with pytest.raises(PresenceError):
        read_signed_presence(data, NOW_MS)


def test_a_presence_signed_by_another_peer_is_refused() -> None:
    """Nobody can speak for another peer."""
    body = sorted_json(fields_of(PRESENCE))
    with pytest.raises(PresenceError, match=f"not signed by {ALICE.peer_id}"):
        read_signed_presence(MALLORY.sign(DOMAIN + body) + body, NOW_MS)


def test_a_signature_of_something_else_is_none_of_a_presence() -> None:
    """What a peer signs elsewhere, such as a challenge, cannot be shown as its presence."""
    body = sorted_json(fields_of(PRESENCE))
    with pytest.raises(PresenceError, match="it is forged"):
        read_signed_presence(ALICE.sign(body) + body, NOW_MS)


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Presence)])
def test_a_missing_field_is_refused(name: str) -> None:
    """All fields are there, those with a default too: there is one form."""
    fields = fields_of(PRESENCE)
    del fields[name]
    with pytest.raises(PresenceError, match="expected a presence's fields"):
        read_signed_presence(signed_by_alice(sorted_json(fields)), NOW_MS)


def test_an_unknown_field_is_refused() -> None:
    """A newer kind of presence is not read as an older one."""
    fields = fields_of(PRESENCE) | {"is_admin": True}
    with pytest.raises(PresenceError, match="is_admin"):
        read_signed_presence(signed_by_alice(sorted_json(fields)), NOW_MS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("peer_id", 1),
        ("peer_id", None),
        ("addresses", "/ip4"),
        ("addresses", None),
        ("addresses", [1]),
        ("addresses", {}),
        ("created_at_ms", True),
        ("created_at_ms", float(NOW_MS)),
        ("created_at_ms", str(NOW_MS)),
        ("expires_at_ms", None),
        ("expires_at_ms", 1e300),
        ("nickname", None),
        ("nickname", ["Alice"]),
        ("wallet_address", 0),
        ("avatar", {}),
    ],
)
def test_a_field_of_another_kind_is_refused(name: str, value: object) -> None:
    """No value is converted; the error names the field."""
    data = signed_by_alice(sorted_json(fields_of(PRESENCE) | {name: value}))
    with pytest.raises(PresenceError, match=f"the presence's {name} is"):
        read_signed_presence(data, NOW_MS)


@pytest.mark.parametrize("peer_id", ["", "nobody", "12D3KooW"])
def test_a_presence_of_nobody_is_refused(peer_id: str) -> None:
    """An id without a key cannot sign."""
    data = signed_by_alice(sorted_json(fields_of(PRESENCE) | {"peer_id": peer_id}))
    with pytest.raises(PresenceError, match="is no peer id"):
        read_signed_presence(data, NOW_MS)


CANONICAL = sorted_json(fields_of(PRESENCE))


@pytest.mark.parametrize(
    "body",
    [
        orjson.dumps(fields_of(PRESENCE)),
        orjson.dumps(fields_of(PRESENCE), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2),
        CANONICAL + b"\n",
        CANONICAL.replace(b'"Alice"', b'"\\u0041lice"'),
        CANONICAL.replace(b"{", b'{"addresses":[],', 1),
        b"[]",
        b"null",
    ],
)
def test_another_spelling_of_the_same_presence_is_refused(body: bytes) -> None:
    """A presence has one form, so that two texts are never the same one."""
    with pytest.raises(PresenceError, match="in its one form"):
        read_signed_presence(signed_by_alice(body), NOW_MS)


@pytest.mark.parametrize("body", [b"{", b"\xff", CANONICAL.replace(b"Alice", b"\\ud800")])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """A text that cannot be read, such as one with half a character, is an error that says so."""
    with pytest.raises(PresenceError, match="is no JSON"):
        read_signed_presence(signed_by_alice(body), NOW_MS)


@pytest.mark.parametrize(
    "lifetime",
    [0, -1, MAX_PRESENCE_LIFETIME_MS + 1, 10**15],
    ids=["none", "-1", "24 h + 1", "long"],
)
def test_a_lifetime_is_at_most_24_hours(lifetime: int) -> None:
    """A presence that would hold longer, or never, is neither signed nor read."""
    presence = attrs.evolve(PRESENCE, expires_at_ms=NOW_MS + lifetime)
    with pytest.raises(PresenceError, match=f"(lifetime of|got) {lifetime} ms"):
        sign_presence(presence, ALICE)
    with pytest.raises(PresenceError, match=f"(lifetime of|got) {lifetime} ms"):
        read_signed_presence(
            signed_by_alice(sorted_json(fields_of(presence))), NOW_MS - 2 * abs(lifetime)
        )


def test_an_expired_presence_is_refused() -> None:
    """It holds until its last millisecond and not in the next."""
    data = sign_presence(PRESENCE, ALICE)
    assert read_signed_presence(data, PRESENCE.expires_at_ms - 1) == PRESENCE
    with pytest.raises(PresenceError, match="it expired 0 ms ago"):
        read_signed_presence(data, PRESENCE.expires_at_ms)


def test_a_presence_of_the_future_is_refused() -> None:
    """Clocks may differ by five minutes; a later presence would be the newest until it comes."""
    data = sign_presence(PRESENCE, ALICE)
    assert read_signed_presence(data, NOW_MS - 300_000) == PRESENCE
    with pytest.raises(PresenceError, match="in the future, at most"):
        read_signed_presence(data, NOW_MS - 300_001)


def test_a_presence_has_at_most_8_kib() -> None:
    """The bound holds exactly, for signing and for reading, and counts the signature."""
    room = MAX_PRESENCE_SIZE - len(sign_presence(PRESENCE, ALICE))
    largest = attrs.evolve(PRESENCE, nickname="Alice" + "e" * room)
    data = sign_presence(largest, ALICE)
    assert len(data) == MAX_PRESENCE_SIZE
    assert read_signed_presence(data, NOW_MS) == largest
    larger = attrs.evolve(PRESENCE, nickname="Alice" + "e" * (room + 1))
    with pytest.raises(PresenceError, match="8193 bytes"):
        sign_presence(larger, ALICE)
    with pytest.raises(PresenceError, match="8193 bytes"):
        read_signed_presence(signed_by_alice(sorted_json(fields_of(larger))), NOW_MS)


def test_only_the_own_presence_is_signed() -> None:
    """A presence of somebody else is refused before it is signed."""
    with pytest.raises(PresenceError, match=f"{MALLORY.peer_id} would sign it"):
        sign_presence(PRESENCE, MALLORY)


def test_a_presence_that_json_cannot_carry_is_not_signed() -> None:
    """Half a character is no text."""
    with pytest.raises(PresenceError, match="cannot be written as JSON"):
        sign_presence(attrs.evolve(PRESENCE, nickname="\ud800"), ALICE)
