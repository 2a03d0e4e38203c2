"""Signing together (BIP-327): what comes out, whose fault it is, and that no nonce serves twice."""

from __future__ import annotations

import copy
import importlib.util
import logging
import pickle
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrsistent import pmap, pvector

from refold.actions.shared_wallets import SpendResponse, SpendSession
from refold.errors import MissingExtraError, SigningError
from refold.reducers.evolve import evolve
from tests.peers import schnorr_by_hand

if TYPE_CHECKING or importlib.util.find_spec("btclib_secp256k1") is not None:
    from refold.middleware.peer_network.musig2_group import SigningGroup, is_valid_signature
    from refold.middleware.peer_network.musig2_library import keys
    from refold.middleware.peer_network.musig2_round import SigningRound
    from refold.middleware.peer_network.musig2_signing import OneTimeSigner, spend_message

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("btclib_secp256k1") is None,
    reason="optional part missing: btclib-secp256k1, of the extra musig2",
)

MESSAGE = bytes(range(32))
ORDER = schnorr_by_hand.ORDER

private_keys = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
groups_of_keys = st.lists(private_keys, min_size=1, max_size=5, unique=True).filter(
    lambda secrets: len({public_key_of(secret) for secret in secrets}) == len(secrets)
)


def public_key_of(private_key: bytes) -> str:
    """Return the public key as participants exchange it."""
    return keys.pubkey_from_prvkey(private_key).hex()


@attrs.frozen(eq=False)
class Table:
    """All participants of one session, after the first round."""

    group: SigningGroup
    signers: dict[str, OneTimeSigner]
    secrets: dict[str, bytes]
    all_nonces: SigningRound

    def partial_signatures(self) -> dict[str, bytes]:
        """Let all sign."""
        return {
            key: signer.sign(self.secrets[key], self.all_nonces)
            for key, signer in self.signers.items()
        }


def table_of(secrets: list[bytes], message: bytes = MESSAGE) -> Table:
    """Return those who have these private keys."""
    by_key = {public_key_of(secret): secret for secret in secrets}
    group = SigningGroup(by_key)
    signers = {key: OneTimeSigner(group, message, secret) for key, secret in by_key.items()}
    nonces = {key: signer.public_nonce for key, signer in signers.items()}
    return Table(group, signers, by_key, SigningRound(group, message, nonces))


ALICE, BOB, CAROL = (bytes([number]) * 32 for number in (1, 2, 3))


# --- what comes out -------------------------------------------------------------------------------


@given(secrets=groups_of_keys, message=st.binary(min_size=32, max_size=32))
def test_all_together_make_one_valid_signature(secrets: list[bytes], message: bytes) -> None:
    """It is an ordinary Schnorr signature under the aggregate key, for this message alone."""
    table = table_of(secrets, message)
    signature = table.all_nonces.combine(table.partial_signatures())
    key = table.group.aggregate_public_key
    assert is_valid_signature(key, message, signature)
    assert not is_valid_signature(key, bytes(31) + b"?", signature)
    assert not is_valid_signature(key, message, signature[:-1] + bytes([signature[-1] ^ 1]))


@settings(max_examples=10)
@given(secrets=groups_of_keys)
def test_the_signature_holds_by_the_definition_of_bip_340(secrets: list[bytes]) -> None:
    """Plain arithmetic, which shares nothing with the library, finds it valid."""
    table = table_of(secrets)
    signature = table.all_nonces.combine(table.partial_signatures())
    assert schnorr_by_hand.is_valid(table.group.aggregate_public_key, MESSAGE, signature)
    assert not schnorr_by_hand.is_valid(table.group.aggregate_public_key, bytes(32), signature)


@settings(max_examples=20)
@given(secrets=groups_of_keys, data=st.data())
def test_the_key_of_all_does_not_depend_on_who_lists_them(
    secrets: list[bytes], data: st.DataObject
) -> None:
    """Keys are sorted, whatever their order and case, and then aggregated as BIP-327 defines."""
    listed = [public_key_of(secret) for secret in secrets]
    other = [key.upper() for key in data.draw(st.permutations(listed))]
    group = SigningGroup(listed)
    assert SigningGroup(other).public_keys == group.public_keys
    assert SigningGroup(other).aggregate_public_key == group.aggregate_public_key
    by_library = keys.pubkey_sort([bytes.fromhex(key) for key in listed])
    assert [bytes.fromhex(key) for key in group.public_keys] == by_library
    assert schnorr_by_hand.aggregate_key(by_library) == group.aggregate_public_key


VECTOR_KEYS: Sequence[str] = (
    "03935F972DA013F80AE011890FA89B67A27B7BE6CCB24D3274D18B2D4067F261A9",
    "03C7FB101D97FF930ACD0C6760852EF64E69083DE0B06AC6335724754BB4B0522C",
)
VECTOR_NONCES: Sequence[str] = (
    (
        "036E5EE6E28824029FEA3E8A9DDD2C8483F5AF98F7177C3AF3CB6F47CAF8D94AE9"
        "02DBA67E4A1F3680826172DA15AFB1A8CA85C7C5CC88900905C8DC8C328511B53E"
    ),
    (
        "02C0068FD25523A31578B8077F24F78F5BD5F2422AFF47C1FADA0F36B3CEB6C7D2"
        "02098A55D1736AA5FCC21CF0729CCE852575C06C081125144763C2C4C4A05C09B6"
    ),
)
VECTOR_MESSAGE = "599C67EA410D005B9DA90817CF03ED3B1C868E4DA4EDF00A5880B0082C237869"
VECTOR_PARTIAL_SIGNATURES: Sequence[str] = (
    "9A87D3B79EC67228CB97878B76049B15DBD05B8158D17B5B9114D3C226887505",
    "66F82EA90923689B855D36C6B7E032FB9970301481B99E01CDB4D6AC7C347A15",
)
VECTOR_SIGNATURE = (
    "1069B67EC3D2F3C7C08291ACCB17A9C9B8F2819A52EB5DF8726E17E7D6B52E9F"
    "01800260A7E9DAC450F4BE522DE4CE12BA91AEAF2B4279219EF74BE1D286ADD9"
)


def vector_round() -> tuple[SigningRound, dict[str, bytes]]:
    """Return the round of the vector, and its partial signatures."""
    nonces, parts = (
        {key: bytes.fromhex(text) for key, text in zip(VECTOR_KEYS, texts, strict=True)}
        for texts in (VECTOR_NONCES, VECTOR_PARTIAL_SIGNATURES)
    )
    return SigningRound(SigningGroup(VECTOR_KEYS), bytes.fromhex(VECTOR_MESSAGE), nonces), parts


def test_the_vector_of_bip_327_for_aggregated_signatures() -> None:
    """The second valid case of sig_agg_vectors.json, whose keys are sorted and not tweaked."""
    all_nonces, parts = vector_round()
    assert all_nonces.combine(parts).hex().upper() == VECTOR_SIGNATURE


def test_the_vector_of_bip_327_for_a_part_above_the_group_order() -> None:
    """The error case of sig_agg_vectors.json: it names who sent it."""
    all_nonces, parts = vector_round()
    parts[VECTOR_KEYS[1]] = ORDER.to_bytes(32, "big")
    with pytest.raises(SigningError, match="partial signature of the participant 03c7fb") as caught:
        all_nonces.combine(parts)
    assert caught.value.public_key == VECTOR_KEYS[1].lower()


# --- whose fault it is ----------------------------------------------------------------------------


@given(secrets=groups_of_keys, data=st.data())
def test_a_wrong_part_is_found_and_its_participant_named(
    secrets: list[bytes], data: st.DataObject
) -> None:
    """Whichever participant sends something else, in whichever way, the error has the key."""
    table = table_of(secrets)
    parts = table.partial_signatures()
    wrong = data.draw(st.sampled_from(sorted(parts)))
    for part in (bytes(32), bytes(31), b"", parts[wrong][::-1], ORDER.to_bytes(32, "big")):
        if part != parts[wrong]:
            with pytest.raises(
                SigningError, match=f"partial signature .*{wrong} is wrong"
            ) as caught:
                table.all_nonces.combine({**parts, wrong: part})
            assert caught.value.public_key == wrong
    assert table.all_nonces.combine(parts)


def test_two_who_swap_their_parts_are_found() -> None:
    """A part counts for the one whose it is."""
    table = table_of([ALICE, BOB])
    parts = table.partial_signatures()
    swapped = dict(zip(parts, reversed(parts.values()), strict=True))
    with pytest.raises(SigningError, match="is wrong"):
        table.all_nonces.combine(swapped)


def test_a_missing_part_and_a_strangers_part_are_named() -> None:
    """All participants sign, and nobody else."""
    table = table_of([ALICE, BOB])
    parts = table.partial_signatures()
    bob, carol = public_key_of(BOB), public_key_of(CAROL)
    alone = {key: part for key, part in parts.items() if key != bob}
    with pytest.raises(SigningError, match=f"signature of the participant {bob} is missing") as one:
        table.all_nonces.combine(alone)
    with pytest.raises(SigningError, match=f"signature of {carol}, who is no part") as other:
        table.all_nonces.combine({**parts, carol: parts[bob]})
    with pytest.raises(SigningError, match=f"signature of {carol}, who is no part"):
        table.all_nonces.check(carol, parts[bob])
    assert (one.value.public_key, other.value.public_key) == (bob, carol)


def test_a_nonce_that_is_missing_or_wrong_or_a_strangers_is_named() -> None:
    """Before anybody signs, all nonces are looked at."""
    table = table_of([ALICE, BOB])
    bob, carol = public_key_of(BOB), public_key_of(CAROL)
    nonces = table.all_nonces.public_nonces
    without_bob = {key: nonce for key, nonce in nonces.items() if key != bob}
    cases: list[tuple[dict[str, bytes], str, str]] = [
        (without_bob, bob, f"nonce of the participant {bob} is missing"),
        ({**nonces, carol: nonces[bob]}, carol, f"nonce of {carol}, who is no participant"),
        ({**nonces, bob: bytes(66)}, bob, f"nonce of the participant {bob} is wrong"),
        ({**nonces, bob: nonces[bob][1:]}, bob, f"nonce of the participant {bob} is wrong"),
    ]
    for given_nonces, whose, words in cases:
        with pytest.raises(SigningError, match=words) as caught:
            SigningRound(table.group, MESSAGE, given_nonces)
        assert caught.value.public_key == whose


NO_KEYS = {
    "": "no public key: expected 33 bytes",
    "zz": "no public key: expected 33 bytes",
    "02" * 32: "no public key: expected 33 bytes",
    " ".join(["02"] * 33): "no public key: expected 33 bytes",
    "04" * 65: "no public key: expected 33 bytes",
    "02" + "00" * 31 + "07": "no point of secp256k1",  # of BIP-327's own vectors
}


@pytest.mark.parametrize("key", NO_KEYS)
def test_a_participant_with_no_key_is_named(key: str) -> None:
    """What is no compressed point in hexadecimal is refused."""
    with pytest.raises(SigningError, match=NO_KEYS[key]) as caught:
        SigningGroup([public_key_of(ALICE), key])
    assert caught.value.public_key == key


def test_a_participant_listed_twice_is_named() -> None:
    """The same key in another case is the same participant."""
    alice = public_key_of(ALICE)
    with pytest.raises(SigningError, match=f"{alice} is listed twice") as caught:
        SigningGroup([alice, public_key_of(BOB), alice.upper()])
    assert caught.value.public_key == alice


def test_a_group_of_nobody_is_refused() -> None:
    """There is somebody who signs."""
    with pytest.raises(SigningError, match="nobody can sign"):
        SigningGroup([])


def test_a_signer_is_for_a_participant() -> None:
    """Whoever does not take part has nothing to sign."""
    carol = public_key_of(CAROL)
    with pytest.raises(SigningError, match="is no participant") as caught:
        OneTimeSigner(table_of([ALICE, BOB]).group, MESSAGE, CAROL)
    assert caught.value.public_key == carol


@pytest.mark.parametrize("message", [b"", bytes(31), bytes(33)])
def test_only_hashes_are_signed(message: bytes) -> None:
    """A message has 32 bytes."""
    table = table_of([ALICE])
    with pytest.raises(SigningError, match=f"32 bytes; this one has {len(message)}"):
        OneTimeSigner(table.group, message, ALICE)
    with pytest.raises(SigningError, match=f"32 bytes; this one has {len(message)}"):
        SigningRound(table.group, message, table.all_nonces.public_nonces)


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65)])
def test_what_is_no_signature_is_not_valid(signature: bytes) -> None:
    """A wrong length is no error of its own."""
    key = table_of([ALICE]).group.aggregate_public_key
    assert not is_valid_signature(key, MESSAGE, signature)
    assert not is_valid_signature(b"", MESSAGE, signature)


# --- secrets --------------------------------------------------------------------------------------


def test_a_nonce_signs_once() -> None:
    """A second signature would give away the private key, so there is none."""
    table = table_of([ALICE, BOB])
    signer = table.signers[public_key_of(ALICE)]
    signer.sign(ALICE, table.all_nonces)
    with pytest.raises(SigningError, match="has signed or was told to forget"):
        signer.sign(ALICE, table.all_nonces)


def test_a_forgotten_nonce_signs_nothing() -> None:
    """Who gives up a session leaves no secret behind; forgetting twice is allowed."""
    table = table_of([ALICE, BOB])
    signer = table.signers[public_key_of(ALICE)]
    signer.forget()
    signer.forget()
    with pytest.raises(SigningError, match="has signed or was told to forget"):
        signer.sign(ALICE, table.all_nonces)


def test_what_does_not_fit_leaves_the_nonce_for_what_does() -> None:
    """Other rounds and other keys are refused, and then the right one signs."""
    table, other = table_of([ALICE, BOB]), table_of([ALICE, BOB])
    signer = table.signers[public_key_of(ALICE)]
    with pytest.raises(SigningError, match="another public nonce for this participant"):
        signer.sign(ALICE, other.all_nonces)
    with pytest.raises(SigningError, match="another message or other participants"):
        signer.sign(ALICE, table_of([ALICE, BOB], bytes(32)).all_nonces)
    with pytest.raises(SigningError, match="another message or other participants"):
        signer.sign(ALICE, table_of([ALICE, BOB, CAROL]).all_nonces)
    with pytest.raises(SigningError, match="the private key is not the one of"):
        signer.sign(BOB, table.all_nonces)
    table.all_nonces.check(signer.public_key, signer.sign(ALICE, table.all_nonces))


def test_no_two_signers_have_the_same_nonce() -> None:
    """Each draws its own, for the same participant and message too."""
    group = SigningGroup([public_key_of(ALICE)])
    assert len({OneTimeSigner(group, MESSAGE, ALICE).public_nonce for _ in range(20)}) == 20


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_signer_can_be_neither_copied_nor_stored(take: Callable[[Any], object]) -> None:
    """Two of them would sign twice."""
    (signer,) = table_of([ALICE]).signers.values()
    with pytest.raises(TypeError, match="neither copied nor stored"):
        take(signer)


def test_secrets_are_nowhere_to_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    """No repr, attribute, error or log has the private key; a signer equals only itself."""
    caplog.set_level(logging.DEBUG)
    table, again = table_of([ALICE]), table_of([ALICE])
    (signer,), (other,) = table.signers.values(), again.signers.values()
    assert repr(signer) == f"<OneTimeSigner of {public_key_of(ALICE)}>"
    assert signer != other
    shown = repr([getattr(signer, name) for name in OneTimeSigner.__slots__])
    signer.sign(ALICE, table.all_nonces)
    for bad in (ALICE + b"?", b"", bytes(32), ORDER.to_bytes(32, "big")):
        with pytest.raises(SigningError, match="no private key") as caught:
            OneTimeSigner(table.group, MESSAGE, bad)
        shown += str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.public_key)
    assert ALICE.hex() not in shown + caplog.text
    assert repr(ALICE) not in shown + caplog.text


# --- what is signed -------------------------------------------------------------------------------

SESSION = SpendSession(
    id="session 1",
    wallet_id="wallet 1",
    recipient="somewhere",
    amount_sats=1_000,
    proposer="peer 1",
    participants=pvector(["peer 1", "peer 2"]),
    created_at_ms=1,
    expires_at_ms=2,
)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "session 2"},
        {"wallet_id": "wallet 2"},
        {"recipient": "elsewhere"},
        {"amount_sats": 1_001},
        {"proposer": "peer 2"},
        {"participants": pvector(["peer 1", "peer 3"])},
        {"created_at_ms": 0},
        {"expires_at_ms": 3},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_fixed_in_a_session_is_signed(change: dict[str, Any]) -> None:
    """Another recipient, amount or any other thing is another message."""
    assert spend_message(evolve(SESSION, **change)) != spend_message(SESSION)


def test_what_changes_in_a_session_is_not_signed() -> None:
    """All sign the same, whatever each knows of the answers, in whatever order of participants."""
    later = evolve(
        SESSION,
        status="accepted",
        responses=pmap({"peer 2": SpendResponse(accepted=True)}),
        participants=pvector(["peer 2", "peer 1"]),
    )
    assert spend_message(later) == spend_message(SESSION)


def test_every_field_of_a_session_is_thought_of() -> None:
    """A field that is added later is signed, or is listed here as one that changes."""
    signed = {
        *("id", "wallet_id", "recipient", "amount_sats", "proposer", "participants"),
        *("created_at_ms", "expires_at_ms"),
    }
    assert {field.name for field in attrs.fields(SpendSession)} == signed | {"status", "responses"}


def test_a_message_is_the_tagged_hash_of_a_json_array() -> None:
    """Another program can compute it."""
    array = b'["session 1","wallet 1","somewhere",1000,"peer 1",["peer 1","peer 2"],1,2]'
    expected = schnorr_by_hand.tagged_hash("refold/shared_wallets/spend/1", array)
    assert spend_message(SESSION) == expected


@given(left=st.text(), right=st.text())
def test_text_does_not_move_from_one_field_to_the_next(left: str, right: str) -> None:
    """Two sessions with the same letters in other fields are different messages."""
    one = evolve(SESSION, wallet_id=left, recipient=right)
    other = evolve(SESSION, wallet_id=left + right, recipient="")
    assert (spend_message(one) == spend_message(other)) == (one == other)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing cannot even be imported without the library."""
    package = "refold.middleware.peer_network"
    monkeypatch.setitem(sys.modules, "btclib_secp256k1", None)
    for name in ("musig2_library", "musig2_group", "musig2_round", "musig2_signing"):
        monkeypatch.delitem(sys.modules, f"{package}.{name}")
    with pytest.raises(MissingExtraError, match=r"pip install 'refold\[musig2\]'") as caught:
        importlib.import_module(f"{package}.musig2_signing")
    assert caught.value.name == "btclib_secp256k1"
