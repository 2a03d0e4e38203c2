"""`runs_for`: whole runs of a reducer from its first state.

What belongs here: folding while drawing, how long runs are, and which classes a run leaves out.
What does not: single actions, which `action_plans` draws.

Each step is drawn from choices of its own, whose number no state changes: leaving out a step leaves
the others as they were drawn, so that Hypothesis finds the shortest run.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import attrs
from hypothesis import strategies as st

from refold.actions.action import Action
from refold.reducers.reducer import Reducer, as_reducer
from refold.testing.action_plans import ActionPlan, ActionSketches, sketches_for
from refold.testing.reducer_code import read_reducer
from refold.testing.small_values import START_MS
from refold.testing.value_pool import ValuePool

__all__ = ["STYLES", "FoldedRun", "folded_runs", "runs_for"]

STYLES: Final = 8
"""How many styles of runs there are."""

_STYLES: Final = st.integers(0, STYLES - 1)
_MIXES: Final = st.integers(0, 2**16)
_STOPS: Final = (3, 1, 1, 1, 0, 0, 0, 0)
"""By the style of a run, how many more numbers than 0 of the 33 end it: it has about 8, 16 or 32
actions."""

_NEW_FROM: Final = 5
"""The styles of runs that mostly add things: bounds on how many there are would be met by few."""

_EARLY: Final = 3
"""Actions that hardly any run ends before."""

_LAST: Final = 32
_GO_ON: Final = st.integers(0, _LAST)
_CROSSED_OUT: Final = object()


@attrs.frozen
class FoldedRun:
    """A run, and what it led to."""

    actions: tuple[Action, ...]
    """From the first; if one raised, it is the last."""

    state: Any
    """After the last action that did not raise."""


def runs_for(
    reducer: Callable[[Any, Any], Any],
    /,
    *,
    actions: Iterable[type[Action]] | None = None,
    max_size: int = 50,
    backwards: bool = False,
) -> st.SearchStrategy[tuple[Action, ...]]:
    """Return a strategy of runs: actions that follow each other from the reducer's first state.

    Each action takes ids, texts and numbers often from the state that the actions before it lead
    to.  Many runs leave out some classes, so that states are reached which mixtures rarely reach.
    If the reducer raises, the run ends with the action that it raised for.

    Args:
        reducer: a Reducer or a plain ``(state, action) -> state`` function.
        actions: the classes to draw; None for all that the reducer handles.
        max_size: the most actions of a run.
        backwards: whether the time may be set back; otherwise ``at_ms`` never decreases.

    Raises:
        StrategyError: no action class is known, or a field's type has no strategy.
    """
    folded = folded_runs(reducer, actions=actions, max_size=max_size, backwards=backwards)
    return folded.map(lambda run: run.actions)


def folded_runs(
    reducer: Callable[[Any, Any], Any],
    *,
    actions: Iterable[type[Action]] | None = None,
    max_size: int = 50,
    backwards: bool = False,
    leaning: int = 0,
) -> st.SearchStrategy[FoldedRun]:
    """Return a strategy of runs with the states that they lead to; see `runs_for`.

    Args:
        reducer: as `runs_for` takes it, and the others too.
        actions: likewise.
        max_size: likewise.
        backwards: likewise.
        leaning: which style of runs, and which mixture of classes, is the one drawn most.
            Hypothesis draws few different ones: of 200 runs 120 had the first.
    """
    root = as_reducer(reducer)
    sketches = sketches_for(root, actions, backwards=backwards)
    return _folded(_Fold(root, read_reducer(root).constants), sketches, max_size, leaning)


@st.composite
def _folded(
    draw: st.DrawFn, fold: _Fold, sketches: ActionSketches, max_size: int, leaning: int
) -> FoldedRun:
    style = (draw(_STYLES) + leaning) % STYLES
    run = _Run(fold, prefers_new=style >= _NEW_FROM)
    mix = sketches.mix(draw(_MIXES) + leaning if style % 2 else 0)
    early, later = (_step(sketches, mix, stop).filter(_is_kept) for stop in (0, _STOPS[style]))
    for count in range(max_size + 1):  # the last one ends the run, as a shorter run's does
        plan = draw(early if count < _EARLY else later)
        if not isinstance(plan, ActionPlan) or count == max_size or not run.follow(plan):
            break
    return FoldedRun(tuple(run.actions), run.state)


class _Fold(NamedTuple):
    """What folds a run."""

    reducer: Reducer[Any]
    constants: Mapping[type, Sequence[Any]]


class _Run:
    """A run while it is drawn."""

    def __init__(self, fold: _Fold, *, prefers_new: bool) -> None:
        self._fold = fold
        self._prefers_new = prefers_new
        self._said: list[tuple[Any, Any]] = []
        self._recent: list[Any] = []
        self._now_ms = START_MS
        self.actions: list[Action] = []
        self.state: Any = fold.reducer.initial

    def follow(self, plan: ActionPlan) -> bool:
        """Fold the action of a plan; tell whether the run can go on."""
        pool = ValuePool(
            self.state,
            constants=self._fold.constants,
            now_ms=self._now_ms,
            said=self._said,
            prefers_new=self._prefers_new,
            recent=self._recent,
        )
        action = plan.meet(pool, self.actions[-1] if self.actions else None)
        if action is None:
            return True
        self.actions.append(action)
        cls: Any = type(action)
        fields = (field.name for field in attrs.fields(cls) if field.name != "at_ms")
        self._recent = [getattr(action, name) for name in fields]
        self._now_ms = action.at_ms if action.at_ms is not None else self._now_ms
        try:
            # a reducer that changes its action shall be seen to do so by whoever folds the run
            self.state = self._fold.reducer(self.state, copy.copy(action))
        except Exception:  # noqa: BLE001  # the run shows it to whoever folds it again
            return False
        return True


@st.composite
def _step(
    draw: st.DrawFn, sketches: ActionSketches, mix: Sequence[type[Action]], stop: int
) -> ActionPlan | object | None:
    """Draw a plan; None ends the run.

    A step that is crossed out is filtered away.  Whoever shrinks a run tries the two least numbers
    for every choice first, and removes what was filtered: so each step is left out in one try.
    """
    number = draw(_GO_ON)
    if number == 0 or number > _LAST - stop:
        return None
    plan = sketches.draw(draw, mix)
    return _CROSSED_OUT if number == 1 else plan


def _is_kept(plan: ActionPlan | object | None) -> bool:
    return plan is not _CROSSED_OUT
