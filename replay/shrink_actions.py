"""`shrink_actions`: the few simple actions of a long run that still make it fail.

What belongs here: leaving actions out (delta debugging) and putting simpler ones in their place.
What does not: what is simpler than a value, which `shrink_values` says.

Source: A. Zeller and R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE
Transactions on Software Engineering 28(2), 2002.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from refold.errors import LogError
from refold.replay.shrink_values import joined, replacements, simpler_records, swaps

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["MOST_FOLDS", "Goal", "shrink_actions"]

S = TypeVar("S")

Goal = Callable[[S], bool] | type[Exception]
"""What a failing run does: reach a state for which this is true, or raise this in a reducer."""

MOST_FOLDS: Final = 5_000_000
"""Actions that shrinking folds at most: some ten seconds of a reducer that takes 2 µs.  It is a
number of folds, not of seconds, so that the result is the same on every machine."""

_MOST_AT_ONCE: Final = 40
"""Actions of a run that is tried with two changes at once; 780 pairs are some 20,000 folds."""


def shrink_actions(
    actions: Iterable[Action],
    fails: Goal[S],
    /,
    *,
    start: S,
    reducer: Callable[[S, Action], S],
    most_folds: int = MOST_FOLDS,
) -> list[Action]:
    """Return a short run of simple actions that fails as the given one does.

    The last state of the result is its only one that fails.  Unless the bound was reached, leaving
    out any one of its actions makes it pass; so does, up to 40 actions, leaving out any two,
    or joining two numbers in one action, or leaving out one and exchanging two texts or numbers in
    all that follow.  The same arguments give the same result.

    Args:
        actions: a run that fails.
        fails: true for a failing state; or the class of the exception that a reducer raises, in
            which case the result's last action raises it.  A run in which a reducer raises
            something else, or raises at all although states are asked for, does not fail.
        start: the state before the first action.
        reducer: what folds the actions.
        most_folds: actions that may be folded in all; what was reached by then is returned.

    Raises:
        LogError: the run does not fail.
        Exception: what the reducer raised in the run itself, if that is not what is looked for.
    """
    run = _ShrinkingRun(start, fails, reducer, most_folds)
    if not run.begin(list(actions)):
        message = (
            "this run does not fail, so there is nothing to shrink; give a function that is true"
            " for one of its states, or the class of the exception that a reducer raises in it"
        )
        raise LogError(message)
    while run.has_folds_left:
        _leave_out(run)
        is_simpler = _simplify(run)
        is_simpler |= _simplify_everywhere(run)
        if not is_simpler and not any(map(run.try_all, _two_at_once(run))):
            break
    return run.actions


class _ShrinkingRun(Generic[S]):
    """The shortest failing run so far, with its states, so that trying folds only what changed."""

    def __init__(
        self, start: S, fails: Goal[S], reducer: Callable[[S, Action], S], most_folds: int
    ) -> None:
        self._error: tuple[type[Exception], ...] = ()
        self._is_failing: Callable[[S], bool] = _never
        if isinstance(fails, type):
            self._error = (cast("type[Exception]", fails),)
        else:
            self._is_failing = fails
        self._reducer = reducer
        self._folds_left = most_folds
        self.actions: list[Action] = []
        self._states = [start]  # one more than actions, or as many if the last one raises

    @property
    def has_folds_left(self) -> bool:
        return self._folds_left > 0

    def begin(self, actions: list[Action]) -> bool:
        """Take the given run up to where it fails; tell whether it does."""
        if self._is_failing(self._states[0]):
            return True
        bound, self._folds_left = self._folds_left, len(actions) + 1
        does_fail = self._try(0, actions, is_candidate=False)
        self._folds_left = bound
        return does_fail

    def try_instead(self, first: int, last: int, replacement: Sequence[Action]) -> bool:
        """Put other actions in the place of some; keep them if the run still fails."""
        return self._try(first, [*replacement, *self.actions[last:]], is_candidate=True)

    def try_all(self, actions: list[Action]) -> bool:
        """Put another run in the place of this one if it fails as well."""
        pairs = enumerate(zip(self.actions, actions, strict=False))  # the other one is shorter
        first = next((i for i, (old, new) in pairs if old is not new), len(actions))
        return self._try(first, actions[first:], is_candidate=True)

    def _try(self, first: int, rest: list[Action], *, is_candidate: bool) -> bool:
        state = self._states[first]
        states: list[S] = []
        for count, action in enumerate(rest, 1):
            if self._folds_left <= 0:
                return False
            self._folds_left -= 1
            try:
                following = self._reducer(state, action)
            except self._error:
                return self._keep(first, rest[:count], states)
            except Exception:
                if is_candidate:
                    return False
                raise
            states.append(following)
            if following is not state and self._is_failing(following):
                return self._keep(first, rest[:count], states)
            state = following
        return False

    def _keep(self, first: int, rest: list[Action], states: list[S]) -> bool:
        self.actions[first:] = rest
        self._states[first + 1 :] = states
        return True


def _never(_state: object) -> bool:
    return False


def _leave_out(run: _ShrinkingRun[Any]) -> None:
    """Leave out pieces, from halves down to single actions, until no single one can be."""
    size = max(len(run.actions) // 2, 1)
    while run.has_folds_left:
        left_out_any = False
        end = len(run.actions)
        while end > 0 and run.has_folds_left:
            if run.try_instead(max(end - size, 0), end, ()):
                left_out_any = True
                end = min(end, len(run.actions) + size)
            end -= size
        if size == 1 and not left_out_any:
            return
        size = min(size if left_out_any and size == 1 else size // 2, len(run.actions)) or 1


def _two_at_once(run: _ShrinkingRun[Any]) -> Iterator[list[Action]]:
    """Yield shorter runs that two changes lead to, of which each alone makes it pass.

    Two actions are left out; or they become one with the sum of their numbers; or one is left out,
    such as a renaming, and from there on two names are exchanged.
    """
    whole = run.actions
    if len(whole) > _MOST_AT_ONCE or not run.has_folds_left:
        return
    for i, j in itertools.combinations(range(len(whole)), 2):
        for last in ((), joined(whole[i], whole[j])):
            yield [*whole[:i], *whole[i + 1 : j], *last, *whole[j + 1 :]]
    for i in range(len(whole)):
        for swap in swaps(whole):
            yield [*whole[:i], *map(swap, whole[i + 1 :])]


def _simplify(run: _ShrinkingRun[Any]) -> bool:
    """Put simpler actions in the place of each until there are none; tell whether any was found."""
    found_any = False
    index = 0
    while index < len(run.actions) and run.has_folds_left:
        action = run.actions[index]
        candidates = simpler_records(action)
        if any(run.try_instead(index, index + 1, (simpler,)) for simpler in candidates):
            found_any = True
        else:
            index += 1
    return found_any


def _simplify_everywhere(run: _ShrinkingRun[Any]) -> bool:
    """Replace texts and numbers in all actions at once: a name means the same in all of them."""
    found_any = False
    while run.has_folds_left:
        old = run.actions
        candidates = (list(map(replace, old)) for replace in replacements(old))
        simpler = (
            one for one in candidates if any(a is not b for a, b in zip(one, old, strict=True))
        )
        if not any(run.try_instead(0, len(old), one) for one in simpler):
            break
        found_any = True
    return found_any
