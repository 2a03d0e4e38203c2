"""`stated_checksum`: the checksum that a line says it has, without checking it.

What belongs here: looking at the end of a line.  What does not: opening it, which `checked_line`
does and which needs the checksum of the line before.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["STATED_BYTES", "stated_checksum"]

_STATED: Final = re.compile(rb',"crc":"([0-9a-f]{8})"\}\n?\Z')

STATED_BYTES: Final = len(b',"crc":"00000000"}\n')
"""How much of the end of a line is needed."""


def stated_checksum(end: bytes) -> int | None:
    """Return the checksum at the end of a line; None if there is none."""
    match = _STATED.search(end)
    return None if match is None else int(match[1], 16)
