"""Turning an exception into plain data that may be shown and recorded.

An exception's own text is taken only where it cannot hold an address, a token or a header, or where
the application wrote it for this; and then without what is known to be secret.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING, Final

import aiohttp

from refold.actions.connection import FailureKind, LastError
from refold.errors import ConnectionFatalError, RedirectedError
from refold.middleware.redact_secrets import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["describe_failure", "is_fatal_error"]

_ABNORMAL: Final = 1006
"""What is recorded where a link broke without a close code."""

_KINDS_OF_AN_ATTEMPT: Final = frozenset({"factory", "connect"})
"""What fails before a link is open, within the attempt's time limit."""

_KINDS_OF_A_LINK: Final = frozenset({"lost", "on_open", "send"})
"""What fails on an open link, and ends it."""


def describe_failure(
    error: BaseException, kind: FailureKind, secrets: Iterable[str] = ()
) -> LastError:
    """Return what is told of a failed attempt or link.

    Args:
        error: what was raised.
        kind: what was being done; a more exact kind is found for HTTP answers and timeouts.
        secrets: texts that the message must not repeat.

    Returns:
        A record whose message is never empty: the class name where nothing else may be told.
    """
    type_name = type(error).__name__
    if isinstance(error, aiohttp.WSServerHandshakeError):
        message = f"the server answered the handshake with HTTP {error.status}"
        return LastError("http", type_name, message, http_status=error.status)
    if isinstance(error, RedirectedError):
        return LastError("http", type_name, str(error), http_status=error.http_status)
    if isinstance(error, TimeoutError) and kind in _KINDS_OF_AN_ATTEMPT:
        kind = "timeout"
    message = redact_secrets(_text(error, kind), secrets) or type_name
    return LastError(kind, type_name, message, close_code=_close_code(error, kind))


def is_fatal_error(error: BaseException) -> bool:
    """Tell whether an exception says by itself that no other attempt can succeed."""
    certificate = ssl.SSLCertVerificationError, aiohttp.ServerFingerprintMismatch
    address = aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError
    return isinstance(error, (*certificate, *address, ConnectionFatalError))


def _text(error: BaseException, kind: FailureKind) -> str:
    """Return what may be told of an exception; empty if that is nothing."""
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return "the address is not valid"
    if isinstance(error, ssl.SSLCertVerificationError | aiohttp.ServerFingerprintMismatch):
        return "the server's certificate is not the one that it should be"
    if isinstance(error, OSError):
        return _system_text(error)
    is_written_by_the_application = kind == "on_open" and not isinstance(error, aiohttp.ClientError)
    is_harmless = isinstance(error, ConnectionFatalError | aiohttp.WebSocketError)
    return _own_text(error) if is_harmless or is_written_by_the_application else ""


def _close_code(error: BaseException, kind: FailureKind) -> int | None:
    """Return the code with which a link ended; None for a failure that ended none."""
    if isinstance(error, aiohttp.WebSocketError):
        return int(error.code)
    return _ABNORMAL if kind in _KINDS_OF_A_LINK else None


def _system_text(error: OSError) -> str:
    """Return the system's words for an error number: its own text names addresses and files."""
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    if isinstance(error, socket.gaierror):
        return "the host's name could not be resolved"
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None)  # only OpenSSL's own errors have one
        return f"TLS failed: {reason}" if reason else ""
    number = error.errno
    return os.strerror(number) if number is not None and number in errno.errorcode else ""


def _own_text(error: BaseException) -> str:
    """Return the exception's text; empty if asking for it raises."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # a broken __str__ must not hide the failure
        return ""
