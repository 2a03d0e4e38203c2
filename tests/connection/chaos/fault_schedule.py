"""Drawing what goes wrong and what the client does meanwhile, as plain data.

What belongs here: the vocabulary and the strategies.  What does not: performing any of it, which
`chaos_server` and the test do.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import attrs
from hypothesis import strategies as st

__all__ = ["CLOSE_CODES", "ClientStep", "Fault", "FaultKind", "Schedule", "schedules"]

FaultKind: TypeAlias = Literal[
    "reset at once",
    "fin at once",
    "garbage http",
    "never answers http",
    "drips http",
    "http 503",
    "http 429",
    "http 403",
    "closes",
    "closes slowly",
    "resets",
    "fin",
    "stops reading",
    "never answers pings",
    "garbage frame",
    "half a frame",
    "oversize message",
]
"""What a server does to one connection; the first eight before any link is open."""

CLOSE_CODES: Final = (1000, 1001, 1005, 1006, 1008, 1011, 1012, 1013, 4000, 4401)
"""Codes to close with: retried ones, fatal ones, and ones that no peer may send."""


@attrs.frozen
class Fault:
    """What happens to one connection."""

    kind: FaultKind
    """What goes wrong."""

    after_seconds: float
    """For how long an open link is served before."""

    code: int
    """With which code it closes, where it closes."""


ClientStep: TypeAlias = Literal[
    "send",
    "send much",
    "connect",
    "connect and wait",
    "disconnect",
    "reconnect now",
    "stop listening",
    "listen",
    "yield",
    "wait 50 ms",
    "wait 2 s",
    "wait 7 s",
    "wait 40 s",
]
"""One thing that the program does, or that happens to the server's port."""


@attrs.frozen
class Schedule:
    """A whole run."""

    faults: tuple[Fault, ...]
    """One for each accepted connection, in order; then the server serves."""

    steps: tuple[ClientStep, ...]
    """What happens at the client, one after the other."""

    connects_at_once: bool
    """Whether the store connects when it is entered."""

    jitter: float
    """What is drawn for each delay, in [0, 1)."""


_FAULTS: Final = st.builds(
    Fault,
    st.sampled_from(get_args(FaultKind)),
    st.sampled_from([0.0, 0.0, 0.3, 6.0]),
    st.sampled_from(CLOSE_CODES),
)

_COMMON_STEPS: Final[tuple[ClientStep, ...]] = ("send", "connect", "wait 2 s", "wait 7 s")

_STEPS: Final[st.SearchStrategy[ClientStep]] = st.sampled_from(
    (*get_args(ClientStep), *_COMMON_STEPS, *_COMMON_STEPS)
)


def schedules() -> st.SearchStrategy[Schedule]:
    """Return a strategy of runs with 2 to 8 faults and 10 to 40 steps."""
    return st.builds(
        Schedule,
        st.lists(_FAULTS, min_size=2, max_size=8).map(tuple),
        st.lists(_STEPS, min_size=10, max_size=40).map(tuple),
        st.sampled_from([True, True, False]),
        st.floats(0, 1, exclude_max=True),
    )
