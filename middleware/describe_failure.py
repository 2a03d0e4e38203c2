"""Turning an exception into plain data that may be shown and recorded.

Texts of exceptions are taken only where they cannot hold an address, a token or a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aiohttp

from refold.actions.connection import FailureKind, LastError
from refold.errors import ConnectionFatalError
from refold.middleware.redact_secrets import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["describe_failure", "is_fatal_error"]

_KINDS_WITH_A_TIME_LIMIT: Final = frozenset({"factory", "connect"})


def describe_failure(
    error: BaseException, kind: FailureKind, secrets: Iterable[str] = ()
) -> LastError:
    """Return what is told of a failed attempt or link.

    Args:
        error: what was raised.
        kind: what was being done; a more exact kind is found for HTTP answers and timeouts.
        secrets: texts that the message must not repeat.

    Returns:
        A record whose message is never empty.
    """
    type_name = type(error).__name__
    if isinstance(error, aiohttp.WSServerHandshakeError):
        message = f"the server answered the handshake with HTTP {error.status}"
        return LastError("http", type_name, message, http_status=error.status)
    text = redact_secrets(_text(error), secrets)
    if isinstance(error, TimeoutError) and kind in _KINDS_WITH_A_TIME_LIMIT:
        return LastError("timeout", type_name, text or "the attempt took too long")
    return LastError(kind, type_name, text or type_name)


def is_fatal_error(error: BaseException) -> bool:
    """Tell whether an exception says by itself that no other attempt can succeed."""
    certificate = aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch
    return isinstance(error, (*certificate, ConnectionFatalError, aiohttp.InvalidURL))


def _text(error: BaseException) -> str:
    """Return the exception's text, or nothing where it would name the address."""
    if isinstance(error, aiohttp.InvalidURL):
        return "the address is not valid"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, aiohttp.ClientError):
        return ""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # a broken __str__ must not hide the failure
        return ""
