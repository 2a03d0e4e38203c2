"""The changes of status that rule 1 allows."""

from __future__ import annotations

from typing import Final

from refold.reducers.connection import ConnectionStatus

__all__ = ["ALLOWED_EDGES"]

_ALLOWED: Final = {
    "disconnected": ("connecting",),
    "connecting": ("connected", "reconnecting", "disconnected"),
    "connected": ("reconnecting", "disconnected"),
    "reconnecting": ("connected", "disconnected"),
}

ALLOWED_EDGES: Final = frozenset(
    (ConnectionStatus(before), ConnectionStatus(after))
    for before, afters in _ALLOWED.items()
    for after in afters
)
"""Pairs of a status and one that may follow it."""
