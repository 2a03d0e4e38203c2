"""`LawChecker`: all laws and invariants over whole runs of one reducer.

What belongs here: what is tested when.  What does not: the single laws, which `reducer_laws` has,
and where runs come from.

After every step: that the reducer did not raise and left its input untouched, that the result is
immutable, that an unknown action leaves it, and the invariants.  The laws that cost more (calling
again at other times and in other orders, a log there and back) are tested at the first three steps,
at every fifth and at the last: since each part of a failing run is one too, the search comes to a
run in which it is the last.  After a run the states on the way are looked at again, and the run is
folded as a log is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.errors import PayloadError
from refold.middleware.ignored_parts import IgnoredParts
from refold.middleware.known_parts import KnownParts
from refold.replay.action_codec import encode_state
from refold.replay.canonical_digest import canonical_digest
from refold.replay.cell_fold import CellFold
from refold.testing.exact_difference import Difference, first_difference
from refold.testing.invariants import as_invariants
from refold.testing.laws import INPUT_UNTOUCHED
from refold.testing.other_clock import unchanged_chance
from refold.testing.reducer_laws import (
    Step,
    fold_without_raising,
    law_deeply_immutable,
    law_fold_equals_live,
    law_input_untouched,
    law_invariant,
    law_log_round_trip,
    law_same_input_same_output,
    law_same_output_in_another_order,
    law_unknown_action_keeps_identity,
)

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer

__all__ = ["CheckedRun", "LawChecker"]

_NOTHING_IGNORED: Final = IgnoredParts()

_FIRST_STEPS: Final = 3
_EVERY: Final = 5
"""Where the laws that cost more are tested.  At every step, a to-do list with 15 steps to undo took
four times as long."""


class LawChecker:
    """One reducer with its laws and invariants."""

    def __init__(
        self, reducer: Reducer[Any], invariants: Iterable[Callable[..., object]] = ()
    ) -> None:
        """Test the initial state.

        Args:
            reducer: what is tested.
            invariants: see `refold.testing.check_laws`.

        Raises:
            BrokenLawError: it breaks a law or an invariant.
            ReducerDeclarationError: an invariant takes neither one argument nor three.
            ValueTypeError: a field of an action is mutable or cannot be serialised.
        """
        self.reducer = reducer
        self.invariants = as_invariants(invariants)
        reducer.check_action_types()
        initial = reducer.initial
        step = Step(reducer, (), initial, initial)
        law_deeply_immutable(step, KnownParts(_NOTHING_IGNORED))
        # a reducer that changes its input would change this one for every run to come
        self._initial = copy.deepcopy(initial)
        self.with_state = _tells_its_types(initial)
        law_log_round_trip(step, with_state=self.with_state)
        law_unknown_action_keeps_identity(step)
        for invariant in self.invariants:
            if invariant.of == "state":
                law_invariant(step, invariant)
        self._cells = CellFold(reducer)

    def fresh_initial(self) -> Any:
        """Return a copy of the initial state that nothing has touched."""
        return copy.deepcopy(self._initial)

    def check_run(self, actions: Iterable[Action]) -> None:
        """Fold a run from the initial state, and test all laws.

        Raises:
            BrokenLawError: the first one that is broken.
        """
        run = CheckedRun(self)
        for action in actions:
            run.take(action)
        run.finish()

    def check_fold(self, run: CheckedRun) -> None:
        """Fold a run as a log is folded; see `law_fold_equals_live`."""
        step = Step(self.reducer, tuple(run.actions), run.states[-1], run.states[-1])
        law_fold_equals_live(step, self.fresh_initial, run.states, self._cells)


class CheckedRun:
    """A run that is folded action by action."""

    def __init__(self, checker: LawChecker) -> None:
        """Stand at the initial state."""
        self._checker = checker
        self._known = KnownParts(_NOTHING_IGNORED)
        self.actions: list[Action] = []
        """What was folded."""
        self.states: list[Any] = [checker.fresh_initial()]
        """The initial state, and that after each action."""
        self._digests = [canonical_digest(self.states[0])]
        self._is_broken = False

    @property
    def state(self) -> Any:
        """The state at present."""
        return self.states[-1]

    def take(self, action: Action) -> None:
        """Fold an action, and test the laws of a step.

        Raises:
            BrokenLawError: the first one that is broken.
        """
        self._is_broken = True  # unless it gets to the end
        with unchanged_chance():
            self._take(action)
        self._is_broken = False

    def _take(self, action: Action) -> None:
        reducer, before = self._checker.reducer, self.state
        self.actions.append(action)
        actions = tuple(self.actions)
        action_digest = canonical_digest(action)
        step = Step(reducer, actions, before, fold_without_raising(reducer, actions, before))
        law_input_untouched(step, self._digests[-1], action_digest, self._checker.fresh_initial)
        law_deeply_immutable(step, self._known)
        self.states.append(step.after)
        is_same = step.after is before
        self._digests.append(self._digests[-1] if is_same else canonical_digest(step.after))
        law_unknown_action_keeps_identity(step)
        for invariant in self._checker.invariants:
            law_invariant(step, invariant)
        if _costs_are_borne(step.index):
            self._test_more(step)

    def _test_more(self, step: Step) -> None:
        law_same_input_same_output(step)
        law_same_output_in_another_order(step)
        law_log_round_trip(step, with_state=self._checker.with_state)

    def finish(self) -> None:
        """Test the laws of a whole run, unless a step broke one already.

        Raises:
            BrokenLawError: the first one that is broken.
        """
        if not self.actions or self._is_broken:
            return
        step = Step(self._checker.reducer, tuple(self.actions), self.states[-2], self.state)
        if not _costs_are_borne(step.index):
            with unchanged_chance():
                self._test_more(step)
        for place, digest in enumerate(self._digests):
            if canonical_digest(self.states[place]) != digest:
                difference = self._changed_part(place)
                what = f"the state after {place} actions was changed later in the run"
                step.breaks(INPUT_UNTOUCHED, what, difference)
        self._checker.check_fold(self)

    def _changed_part(self, place: int) -> Difference:
        state = self._checker.fresh_initial()
        for action in self.actions[:place]:
            state = self._checker.reducer(state, action)
        found = self.states[place]
        return first_difference(state, found) or Difference(
            type(found).__name__, "what it was", found
        )


def _costs_are_borne(index: int) -> bool:
    return index < _FIRST_STEPS or index % _EVERY == _EVERY - 1


def _tells_its_types(state: Any) -> bool:
    """Tell whether a state can be read again by its class alone."""
    cls: Any = state.__class__
    parameters: tuple[Any, ...] = getattr(cls, "__parameters__", ())
    if not attrs.has(cls) or parameters:
        return False
    try:
        encode_state(state)
    except PayloadError as error:
        return not isinstance(error.__cause__, NameError)
    return True
