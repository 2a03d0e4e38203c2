"""`PeerIdentity`: what it signs, and the file that it is kept in."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import InvalidPeerIdError, PeerIdentityError
from refold.middleware.peer_network.peer_identity import PeerIdentity, verify_signature
from tests.peers.test_peer_id import SPEC_ID, SPEC_SEED

if TYPE_CHECKING:
    from pathlib import Path

ALICE = PeerIdentity.from_seed(b"\x01" * 32)
BOB = PeerIdentity.from_seed(b"\x02" * 32)


def test_a_seed_gives_the_same_peer_as_in_libp2p() -> None:
    """The same 32 bytes are the same peer, here and there."""
    assert PeerIdentity.from_seed(SPEC_SEED).peer_id == SPEC_ID


def test_each_generated_identity_is_another_peer() -> None:
    """Nothing is shared between two of them."""
    assert PeerIdentity.generate().peer_id != PeerIdentity.generate().peer_id


@given(st.binary(), st.binary())
def test_a_signature_holds_for_its_data_and_its_peer_alone(data: bytes, other: bytes) -> None:
    """Other data or another peer's id does not fit."""
    signature = ALICE.sign(data)
    assert verify_signature(ALICE.peer_id, data, signature)
    assert not verify_signature(BOB.peer_id, data, signature)
    assert verify_signature(ALICE.peer_id, other, signature) == (data == other)


@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\x00" * 65])
def test_what_is_no_signature_does_not_hold(signature: bytes) -> None:
    """A signature of any size may be asked about."""
    assert not verify_signature(ALICE.peer_id, b"data", signature)


def test_nobody_signs_for_what_is_no_peer_id() -> None:
    """An id without a key raises rather than say no."""
    with pytest.raises(InvalidPeerIdError):
        verify_signature("nobody", b"data", b"\x00" * 64)


def test_the_key_is_not_shown() -> None:
    """The representation names the peer and nothing else."""
    assert repr(ALICE) == f"<PeerIdentity {ALICE.peer_id}>"


def test_the_certificate_is_made_once_and_says_nothing_but_the_key() -> None:
    """The same key gives the same bytes in every process."""
    again = PeerIdentity.from_seed(b"\x01" * 32)
    assert ALICE.certificate is ALICE.certificate
    assert ALICE.certificate == again.certificate
    assert list(ALICE.certificate.extensions) == []
    assert ALICE.certificate.subject.rfc4514_string() == "CN=refold peer"


def test_the_first_load_creates_and_the_next_gives_the_same_peer(tmp_path: Path) -> None:
    """The file is for its owner alone, whatever the process's mask, and nothing else is left."""
    path = tmp_path / "identity.pem"
    mask = os.umask(0)
    try:
        first = PeerIdentity.load_or_create(path)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PeerIdentity.load_or_create(path).peer_id == first.peer_id
    assert list(tmp_path.iterdir()) == [path]


def test_all_who_create_at_once_get_the_same_peer(tmp_path: Path) -> None:
    """Only one new key is put there."""
    path = tmp_path / "identity.pem"
    with ThreadPoolExecutor(16) as pool:
        identities = list(pool.map(PeerIdentity.load_or_create, [path] * 64))
    assert len({identity.peer_id for identity in identities}) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_to_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full while the key is written leaves no file, whole or half."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        PeerIdentity.load_or_create(tmp_path / "identity.pem")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o610])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """The error names the path and the mode, and says what to do."""
    path = tmp_path / "identity.pem"
    PeerIdentity.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(PeerIdentityError, match=f"mode {mode:04o}") as caught:
        PeerIdentity.load_or_create(path)
    assert str(path) in str(caught.value)
    assert "chmod 600" in str(caught.value)


def pem_of_another_kind() -> bytes:
    """Return a private key that is none of a peer."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no private key that can be read"),
        (b"\x00" * 32, "no private key that can be read"),
        (b"x" * 100_000, "no private key that can be read"),
        (pem_of_another_kind(), "another kind than Ed25519"),
    ],
)
def test_another_content_is_refused_and_kept(tmp_path: Path, content: bytes, what: str) -> None:
    """A file with something else in it is never overwritten; the error says what to do."""
    path = tmp_path / "identity.pem"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(PeerIdentityError, match=what) as caught:
        PeerIdentity.load_or_create(path)
    assert str(path) in str(caught.value)
    assert "restore it from a copy, or delete it" in str(caught.value)
    assert path.read_bytes() == content


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    """There is nobody to ask for a password."""
    path = tmp_path / "identity.pem"
    path.touch(0o600)
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        )
    )
    with pytest.raises(PeerIdentityError, match="no private key that can be read"):
        PeerIdentity.load_or_create(path)


def test_a_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """What is no plain file is not waited for."""
    path = tmp_path / "identity.pem"
    os.mkfifo(path, 0o600)
    with pytest.raises(PeerIdentityError, match="no plain file"):
        PeerIdentity.load_or_create(path)


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    """The folder is the caller's."""
    with pytest.raises(FileNotFoundError):
        PeerIdentity.load_or_create(tmp_path / "nowhere" / "identity.pem")
