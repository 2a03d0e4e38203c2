"""`run_storm`: many pure reconnect machines lose one server together, in virtual time.

What belongs here: the pure core alone, `step` with its backoff.  What does not: sockets, loops and
real clocks; so equal seeds give equal storms.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from typing import Final

import attrs

from refold.actions.connection import LastError
from refold.reducers.backoff_delay import Backoff
from refold.reducers.reconnect_machine import (
    AttemptFailed,
    Event,
    LinkEnded,
    LinkOpened,
    Phase,
    ReconnectPolicy,
    ReconnectState,
    RetryDue,
    StartRetryTimer,
    step,
)

__all__ = ["Storm", "busiest", "run_storm"]

_LOST: Final = LastError("lost", "", "the connection broke without a goodbye", close_code=1006)
_REFUSED: Final = LastError("connect", "ConnectionRefusedError", "refused")


@attrs.frozen
class Storm:
    """What the server's side saw; times in seconds since all links broke."""

    clients: int

    outage_seconds: float
    """How long every attempt was refused."""

    attempts: tuple[float, ...]
    """When each attempt came, in order; refused ones too."""

    opened: tuple[float, ...]
    """When each client was back, in order."""

    @property
    def reaching_the_server(self) -> tuple[float, ...]:
        """The attempts that the server had to answer, because it was there again."""
        return tuple(at for at in self.attempts if at >= self.outage_seconds)

    @property
    def attempts_per_client(self) -> float:
        """How many attempts a client needed, on average."""
        return len(self.attempts) / self.clients

    @property
    def all_back_after_seconds(self) -> float:
        """From the server's return to the last client's."""
        return self.opened[-1] - self.outage_seconds


def run_storm(backoff: Backoff, *, seed: int, clients: int = 1000, outage: float = 5.0) -> Storm:
    """Break all links at 0 s, refuse all attempts until the outage is over, then accept all.

    An attempt takes no time, so that nothing but the backoff spreads them.

    Args:
        backoff: the rule by which the clients space their attempts.
        seed: of all jitter.
        clients: how many, 1 or more.
        outage: seconds.
    """
    draw = random.Random(seed).random  # noqa: S311  # a jitter is no secret
    policy = ReconnectPolicy(backoff=backoff)
    states = [ReconnectState(Phase.OPEN, attempt=1) for _ in range(clients)]
    due: list[tuple[float, int]] = []
    attempts: list[float] = []
    opened: list[float] = []

    def feed(client: int, now: float, event: Event) -> None:
        states[client], effects = step(states[client], event, policy)
        for effect in effects:
            if isinstance(effect, StartRetryTimer):
                heapq.heappush(due, (now + effect.delay_seconds, client))

    for client in range(clients):
        feed(client, 0.0, LinkEnded(_LOST, draw()))
    while due:
        now, client = heapq.heappop(due)
        feed(client, now, RetryDue())
        attempts.append(now)
        if now < outage:
            feed(client, now, AttemptFailed(_REFUSED, draw(), at_seconds=now))
        else:
            feed(client, now, LinkOpened())
            opened.append(now)
    return Storm(clients, outage, tuple(attempts), tuple(opened))


def busiest(times: Sequence[float], window_seconds: float) -> int:
    """Return the most events in any window of so many seconds, wherever it begins.

    Args:
        times: in order.
        window_seconds: more than 0; an event at its very end is outside.
    """
    most = first = 0
    for count, at in enumerate(times, 1):
        while at - times[first] >= window_seconds:
            first += 1
        most = max(most, count - first)
    return most
