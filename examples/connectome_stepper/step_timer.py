"""`StepTimer`: releases the steps of the script at the pace that the state asks for.

What belongs here: sleeping.  What does not: what a tick does, which `actions_of_tick` says; the
timer itself remembers nothing, so that a recorded run has all of it.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from examples.connectome_stepper.script import next_release
from refold.actions.ledger import (
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
    SetTickDisplayProgress01,
)

if TYPE_CHECKING:
    from examples.connectome_stepper.store import ConnectomeState
    from refold import Action, Dispatch, StoreAPI
    from refold.reducers.ledger_state import LedgerState

__all__ = ["StepTimer", "actions_of_tick", "seconds_to_tick"]

_TICKS: Final = 10
"""Ticks per step: in so many pieces the bar fills."""


def seconds_to_tick(ledger: LedgerState) -> float:
    """Return how long a tick takes; infinity where no step is released by itself."""
    if ledger.mode != "stepper" or ledger.local_pause:
        return math.inf
    return ledger.tick_display.nominal_interval_ms / 1000 / _TICKS


def actions_of_tick(ledger: LedgerState) -> tuple[Action, ...]:
    """Return what a tick does: the bar fills; once it is full a step is released."""
    ticks = round(ledger.tick_display.progress_0_1 * _TICKS) + 1
    if ticks < _TICKS:
        return (SetTickDisplayProgress01(ticks / _TICKS),)
    release = CommitStepReleaseAppendEventAndSetFocusAndExplanation(next_release(ledger))
    return (SetTickDisplayProgress01(0.0), release)


class StepTimer:
    """Middleware that ticks between entering and leaving its store."""

    def __init__(self) -> None:
        """Stand still."""
        self._store: StoreAPI[ConnectomeState] | None = None
        self._changed = asyncio.Event()

    def __call__(self, store: StoreAPI[ConnectomeState], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Return a handler that looks at the pace again once it has changed."""
        self._store = store

        def handle(action: Action) -> Action:
            before = seconds_to_tick(store.state.ledger)
            result = next(action)
            if seconds_to_tick(store.state.ledger) != before:
                self._changed.set()
            return result

        return handle

    async def run(self) -> None:
        """Tick until cancelled; another pace begins with a whole tick of its own."""
        store = self._store
        assert store is not None  # noqa: S101  # a service runs only in the store that called it
        while True:
            self._changed.clear()
            seconds = seconds_to_tick(store.state.ledger)
            try:
                async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                    await self._changed.wait()
            except TimeoutError:
                for action in actions_of_tick(store.state.ledger):
                    store.dispatch(action)
