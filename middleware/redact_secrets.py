"""Taking out of a text what must not be shown or recorded: addresses, queries, known secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["redact_secrets"]

_HIDDEN: Final = "***"

_ADDRESS_OR_QUERY: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*|[?&][\w.%-]+=\S*")

_LONGEST: Final = 200

_SHORT: Final = 4
"""Secrets shorter than this, such as ``1``, are taken out only where they stand as words."""


def redact_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text on at most 200 characters, with three asterisks for what is taken out.

    Args:
        text: what an exception or a peer said; what has no UTF-8 form is escaped.
        secrets: texts to leave out wherever they stand.
    """
    words = sorted(filter(None, secrets), key=len, reverse=True)  # the whole before its parts
    if words:
        text = re.sub("|".join(map(_pattern, words)), _HIDDEN, text)
    text = _ADDRESS_OR_QUERY.sub(_HIDDEN, text)
    return text.encode(errors="backslashreplace").decode()[:_LONGEST].strip()


def _pattern(secret: str) -> str:
    """Return the pattern that finds a secret."""
    pattern = re.escape(secret)
    return pattern if len(secret) >= _SHORT else rf"(?<!\w){pattern}(?!\w)"
