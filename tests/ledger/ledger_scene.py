"""Short ways to release steps, and reducers that are broken on purpose.

What belongs here: what several tests of the ledger do.  What does not: random actions, which
`ledger_strategies` has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyrsistent import pdeque

from refold.actions.ledger import (
    AppendRealtimeEventAndUpdateFocusIfNeeded,
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
    FlowEvent,
    SetLocalPause,
    SetModeAndResetBuffersIfNeeded,
    StepFocus,
    StepRelease,
)
from refold.reducers.evolve import evolve
from refold.reducers.ledger import make_ledger_reducer
from refold.reducers.ledger_state import LedgerState

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.ledger_config import LedgerConfig

__all__ = [
    "Break",
    "broken_at",
    "changed_at",
    "fold",
    "ledger_of",
    "realtime",
    "release",
    "step",
]

Break = Callable[[LedgerState, LedgerState], LedgerState]
"""Takes the state before an action and the sound one after it; returns a broken one."""


def release(number: int, **changes: object) -> StepRelease:
    """Return the release of a step, whole but for what is changed."""
    event = FlowEvent(
        id=f"e{number}",
        at_ms=1000 * number,
        call_type="code",
        label=f"label {number}",
        node_id=f"n{number}",
        edge_id=f"d{number}",
        step_key=f"s{number}",
    )
    focus = StepFocus(f"n{number}", f"d{number}", f"s{number}", "FE")
    whole = StepRelease(event, focus, f"Sentence {number}.", f"Notes {number}.", None, number + 1)
    return evolve(whole, **changes)


def step(number: int, **changes: object) -> CommitStepReleaseAppendEventAndSetFocusAndExplanation:
    """Return the action of a released step."""
    return CommitStepReleaseAppendEventAndSetFocusAndExplanation(release(number, **changes))


def realtime(number: int, at_ms: int | None = None) -> AppendRealtimeEventAndUpdateFocusIfNeeded:
    """Return the action of an event that arrived."""
    event = FlowEvent(id=f"e{number}", at_ms=at_ms, label="x", node_id=f"n{number}")
    return AppendRealtimeEventAndUpdateFocusIfNeeded(event)


def fold(*actions: Action, config: LedgerConfig | None = None) -> LedgerState:
    """Return where the actions lead from the beginning."""
    reducer = make_ledger_reducer(config)
    state = reducer.initial
    for action in actions:
        state = reducer(state, action)
    return state


def ledger_of(count: int, *, mode: str = "stepper") -> LedgerState:
    """Return a ledger of so many events, the last of them being focused."""
    begin = [SetModeAndResetBuffersIfNeeded("realtime")] if mode == "realtime" else []
    return fold(*begin, *(step(number) for number in range(count)))


def changed_at(state: LedgerState, place: int) -> LedgerState:
    """Return the state with one event changed behind the ledger's back."""
    events = list(state.ledger)
    events[place] = evolve(events[place], label="changed")
    return evolve(state, ledger=pdeque(events))


def broken_at(
    kind: type[Action], harm: Break, config: LedgerConfig | None = None
) -> Callable[[LedgerState | None, Action], LedgerState]:
    """Return the ledger's reducer, but an action of this kind is followed by harm."""
    sound = make_ledger_reducer(config)

    def reduce(state: LedgerState | None, action: Action) -> LedgerState:
        after = sound(state, action)
        return harm(state, after) if state is not None and isinstance(action, kind) else after

    return reduce


PLANT = SetLocalPause
"""The action that plants harm where a test does not say otherwise."""
