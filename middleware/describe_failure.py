"""Turning an exception into plain data that may be shown and recorded.

Texts of exceptions are taken only where they cannot hold an address, a token or a header.
"""

from __future__ import annotations

from typing import Final

import aiohttp

from refold.actions.connection import FailureKind, LastError
from refold.errors import ConnectionFatalError

__all__ = ["describe_failure", "is_fatal_error"]

_LONGEST_MESSAGE: Final = 200


def describe_failure(error: BaseException, kind: FailureKind) -> LastError:
    """Return what is told of a failed attempt or link.

    Args:
        error: what was raised.
        kind: what was being done; a more exact kind is found for HTTP answers and timeouts.

    Returns:
        A record whose message is never empty.
    """
    type_name = type(error).__name__
    if isinstance(error, aiohttp.WSServerHandshakeError):
        message = f"the server answered the handshake with HTTP {error.status}"
        return LastError("http", type_name, message, http_status=error.status)
    if isinstance(error, TimeoutError):
        return LastError("timeout", type_name, _text(error) or "the attempt took too long")
    return LastError(kind, type_name, _text(error) or type_name)


def is_fatal_error(error: BaseException) -> bool:
    """Tell whether an exception says by itself that no other attempt can succeed."""
    certificate = isinstance(error, aiohttp.ClientConnectorCertificateError)
    fingerprint = isinstance(error, aiohttp.ServerFingerprintMismatch)
    return certificate or fingerprint or isinstance(error, ConnectionFatalError | aiohttp.InvalidURL)


def _text(error: BaseException) -> str:
    """Return the exception's text if it cannot hold secrets."""
    if isinstance(error, aiohttp.InvalidURL):
        return "the address is not valid"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:_LONGEST_MESSAGE]
    if isinstance(error, aiohttp.ClientError):
        return ""  # its text names the address
    return _safely(error)[:_LONGEST_MESSAGE]


def _safely(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # a broken __str__ must not hide the failure
        return ""
