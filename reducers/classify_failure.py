"""Which failures are worth another attempt.

Sources: RFC 6455, section 7.4 (close codes); RFC 9110, section 15 (HTTP statuses).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refold.actions.connection import LastError

__all__ = ["is_fatal"]

_FATAL_CLOSE_CODES: Final = frozenset({1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003, 4401, 4403})
"""Codes with which the peer says that the same attempt would fail again."""

_RETRIED_CLIENT_ERRORS: Final = frozenset({408, 425, 429})
"""HTTP statuses of 400 to 499 that pass by themselves."""


def is_fatal(error: LastError) -> bool:
    """Tell whether another attempt with the same address and headers would fail the same way.

    A handshake answered with anything but 101 is fatal, unless the server says that it is busy:
    408, 425, 429, or 500 and above.
    """
    if error.http_status is not None:
        is_handshake_mismatch = error.http_status == HTTPStatus.SWITCHING_PROTOCOLS
        is_the_servers = error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
        passes = is_the_servers or error.http_status in _RETRIED_CLIENT_ERRORS
        return not (is_handshake_mismatch or passes)
    return error.close_code in _FATAL_CLOSE_CODES
