"""What to dial in which order, and what it means when nothing answers.

What belongs here: pure functions, without a clock.  What does not: the dialling; `ConnectAttempts`
does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import attrs

from refold.actions.peer_records import TransportKind

if TYPE_CHECKING:
    from refold.actions.peer_records import Presence

__all__ = [
    "DialTarget",
    "FailedDial",
    "is_final",
    "plan_dials",
    "reason_not_to_dial",
    "retry_wait",
    "tell_failures",
]

_NO_ADDRESS: Final = "No dialable address"


@attrs.frozen
class DialTarget:
    """One address, and who dials it."""

    transport_index: int
    """Which of the node's transports."""

    kind: TransportKind
    """Its kind."""

    address: str
    """A multiaddr text."""


@attrs.frozen
class FailedDial:
    """An address that led to no link."""

    kind: TransportKind
    """How it was dialled."""

    error: str
    """Why it failed, for people."""

    is_wrong_key: bool
    """Whether somebody else answered."""


def plan_dials(
    order: Sequence[TransportKind],
    offers: Sequence[tuple[TransportKind, Sequence[str]]],
    addresses_per_kind: int,
) -> tuple[DialTarget, ...]:
    """Return what to dial, the first first.

    Args:
        order: of the kinds; one that is not there is not dialled.
        offers: for each transport its kind, and the addresses that it can dial, the best first.
        addresses_per_kind: how many of one kind are dialled at most.
    """
    plan: list[DialTarget] = []
    for kind in order:
        of_kind: dict[str, DialTarget] = {}
        for index, (offered_kind, addresses) in enumerate(offers):
            for address in addresses if offered_kind == kind else ():
                of_kind.setdefault(address, DialTarget(index, kind, address))
        plan += list(of_kind.values())[:addresses_per_kind]
    return tuple(plan)


def reason_not_to_dial(
    presence: Presence, targets: Sequence[DialTarget], *, own_peer_id: str, now_ms: int
) -> str | None:
    """Return why a peer cannot be connected to whatever is tried; None if it can be tried."""
    if presence.peer_id == own_peer_id:
        return "A peer cannot connect to itself"
    if presence.expires_at_ms <= now_ms:
        return "The presence has expired"
    return None if targets else _NO_ADDRESS


def is_final(failures: Sequence[FailedDial]) -> bool:
    """Tell whether dialling again is of no use: at each address there is somebody else."""
    return all(failure.is_wrong_key for failure in failures)


def tell_failures(failures: Sequence[FailedDial]) -> str:
    """Return all failures of an attempt as one text; the same one is told once."""
    return "; ".join(dict.fromkeys(f"{failure.kind}: {failure.error}" for failure in failures))


def retry_wait(base_seconds: float, attempt: int) -> float:
    """Return how many seconds to wait after an attempt, 1 for the first."""
    return base_seconds * 2.0 ** (attempt - 1)
