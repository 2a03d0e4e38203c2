"""`refusal`: the HTTP answer to a handshake that is not let in, with the reason for the dialler."""

from __future__ import annotations

from typing import Final

from aiohttp import web

__all__ = ["REFUSAL_HEADER", "refusal"]

REFUSAL_HEADER: Final = "Refold-Refusal"
"""Has the reason too: a WebSocket client does not get to see the body."""


def refusal(status: int, reason: str) -> web.Response:
    """Return an answer after which the connection is closed.

    Args:
        status: of HTTP.
        reason: one sentence of ASCII, for people.
    """
    response = web.Response(status=status, text=reason + "\n", headers={REFUSAL_HEADER: reason})
    response.force_close()
    return response
