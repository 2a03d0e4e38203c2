"""A private key in a file: made once, whole or not at all, and for its owner's eyes only."""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from refold.errors import PeerIdentityError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_or_create_key"]

_MODE: Final = 0o600
_LONGEST: Final = 4096
"""Bytes that are read: a key's file has 119."""


def load_or_create_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a file; where there is none, a new one is put there.

    Raises:
        PeerIdentityError: others may read the file, or it holds no Ed25519 key.
        OSError: it cannot be read or written.
    """
    try:
        return _load(path)
    except FileNotFoundError:
        _create(path)
        return _load(path)  # of another process, if that was first


def _load(path: Path) -> Ed25519PrivateKey:
    # Non-blocking, because opening a named pipe waits for its writer; a plain file does not care.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise _refused(path, "is no plain file", "name another path")
        if mode & 0o077:
            what = f"has the mode {stat.S_IMODE(mode):04o}, so that others may read or change it"
            advice = f"run `chmod 600 {path}` if nobody has, or delete it to become another peer"
            raise _refused(path, what, advice)
        content = file.read(_LONGEST)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _not_a_key(path, "holds no private key that can be read") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_a_key(path, "holds a key of another kind than Ed25519")
    return key


def _create(path: Path) -> None:
    """Put a new key there, unless another process was first."""
    content = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        _link_unless_there(draft, path)
    finally:
        draft.unlink()


def _link_unless_there(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _not_a_key(path: Path, what: str) -> PeerIdentityError:
    return _refused(path, what, "restore it from a copy, or delete it to become another peer")


def _refused(path: Path, what: str, advice: str) -> PeerIdentityError:
    return PeerIdentityError(f"the identity file {path} {what}; {advice}")
