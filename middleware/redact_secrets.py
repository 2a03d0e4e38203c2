"""Taking out of a text what must not be shown or recorded: parts of addresses, header values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["redact_secrets"]

_HIDDEN: Final = "***"
_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/@]*@)?([^\s/?#]*)[^\s]*")
_LONGEST: Final = 200
_SHORTEST_SECRET: Final = 4
"""Shorter texts, such as ``1``, stand in every message and tell nobody anything."""


def redact_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text, at most 200 characters, with addresses cut to their hosts.

    Args:
        text: what an exception or a peer said.
        secrets: texts to leave out wherever they stand.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, _HIDDEN)
    return _ADDRESS.sub(r"\1\2", text)[:_LONGEST]
