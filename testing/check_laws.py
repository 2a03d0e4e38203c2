"""`check_reducer_laws`: one line that tests a reducer over the runs that it can have.

What belongs here: the search.  What does not: the laws, which `reducer_laws` has, and the runs,
which `run_strategies` draws.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.errors import Flaky

from refold.errors import BrokenLawError, LogError
from refold.reducers.reducer import as_reducer
from refold.replay.shrink_actions import shrink_actions
from refold.testing.broken_law_message import explain_broken_law
from refold.testing.law_checker import LawChecker
from refold.testing.run_strategies import STYLES, FoldedRun, folded_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer
    from refold.testing.invariants import InvariantFunction

__all__ = ["MOST_RUNS", "UNWATCHED", "check_reducer_laws"]

S = TypeVar("S")

MOST_RUNS: Final = 320
"""Runs that are tried unless the user's profile of Hypothesis says a number."""

_LEAST_RUNS: Final = 10
"""Runs of one leaning; there are as many leanings as styles, if all runs suffice."""

_LONGEST_RUN: Final = 50
"""Actions of a run; the average is about 20.  With 15 and 8 a sixth player in a lobby of five was
found in three searches of ten, with these in every one."""

_MOST_STEPS: Final = 2000
"""Actions by which Hypothesis may make a failing run shorter: a few seconds.  It is a number of
actions, not of seconds, so that a slow machine shows the same run.  What it has not left out by
then is left out action by action."""

_MOST_FOLDS: Final = 150
"""Runs that are tried at a time to make a failing one simpler than Hypothesis did: a second at
most."""

UNWATCHED: Final = (
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
    HealthCheck.too_slow,
)
"""A slow machine, or an application with large actions, is no bug of its reducer."""


def check_reducer_laws(  # noqa: PLR0913  # all but two by keyword
    reducer: Callable[[Any, Any], S],
    /,
    invariants: Iterable[InvariantFunction[S]] = (),
    *,
    actions: Iterable[type[Action]] | None = None,
    examples: Iterable[Sequence[Action]] = (),
    settings: hypothesis.settings | None = None,
    seed: int | None = None,
) -> None:
    """Test that a reducer keeps the laws, and the invariants, over runs from its initial state.

    The laws: it never raises; the same input gives the same output, at any time of the clock, with
    any chance and in whatever order maps and sets are walked through; its input stays untouched; an
    unknown action leaves the identical state; results are deeply immutable; a log gives back what
    was written to it; a recorded run folds to the live state.

    The clock and the random numbers of the whole process are others for the moments of some calls.

    Args:
        reducer: a Reducer, of a slice or of the root, or a plain function.
        invariants: functions ``(state) -> bool`` or ``(before, action, after) -> bool``.  One that
            returns False or raises is broken; None counts as True.  Those of a state are asked for
            the initial one, too.
        actions: the action classes to make runs of; those that the reducer handles by default.
        examples: runs that are tried first, such as those of recorded sessions.
        settings: of Hypothesis; the profile that is loaded by default, with 320 runs where that
            leaves the number open.  There is never a deadline for one run.
        seed: the same number tries the same runs.

    Raises:
        BrokenLawError: a law is broken, which is an AssertionError; it has the shortest run found.
        ReducerDeclarationError: an invariant takes neither one argument nor three.
    """
    __tracebackhide__ = True
    fold = as_reducer(reducer)
    chosen = _chosen(settings)
    broken = _search(fold, tuple(invariants), actions, map(tuple, examples), chosen, seed)
    if broken is not None:
        raise explain_broken_law(broken) from broken.__cause__


def _search(  # noqa: PLR0913, PLR0917  # what the user says, checked
    reducer: Reducer[Any],
    invariants: tuple[Callable[..., object], ...],
    actions: Iterable[type[Action]] | None,
    examples: Iterable[tuple[Action, ...]],
    settings: hypothesis.settings,
    seed: int | None,
) -> BrokenLawError | None:
    try:
        checker = LawChecker(reducer, invariants)
    except BrokenLawError as error:
        return error
    for run in examples:
        try:
            checker.check_run(run)
        except BrokenLawError as error:
            return _shorter(error, checker)
    search = _Search(checker)
    parts = min(STYLES, max(1, settings.max_examples // _LEAST_RUNS))
    part = hypothesis.settings(settings, max_examples=settings.max_examples // parts)
    for leaning in range(parts):
        runs = folded_runs(reducer, actions=actions, max_size=_LONGEST_RUN, leaning=leaning)
        search.try_runs(runs, part, None if seed is None else seed * STYLES + leaning)
        if search.found:
            return _shorter(min(search.found, key=_length), checker)
    return None


class _Search:
    """The runs that were tried, as far as they fail."""

    def __init__(self, checker: LawChecker) -> None:
        self._checker = checker
        self._steps_left = _MOST_STEPS
        self.found: list[BrokenLawError] = []

    def try_runs(
        self,
        runs: SearchStrategy[FoldedRun],
        settings: hypothesis.settings,
        seed: int | None,
    ) -> None:
        """Let Hypothesis draw runs until one fails, and make it shorter."""

        @settings
        @given(runs)
        def every_run_keeps_the_laws(run: FoldedRun) -> None:
            self._try_run(run.actions)

        _tell_apart(every_run_keeps_the_laws, self._checker.reducer)
        if seed is not None:
            hypothesis.seed(seed)(every_run_keeps_the_laws)
        try:
            with warnings.catch_warnings():  # a law says so, where the reducer draws by chance
                warnings.filterwarnings(
                    "ignore", "Do not use the `random` module inside strategies"
                )
                every_run_keeps_the_laws()
        except (BrokenLawError, _EnoughError):
            pass  # what is broken is among those found
        except Flaky:  # a reducer that keeps something to itself does not fail each time
            if not self.found:
                raise

    def _try_run(self, run: tuple[Action, ...]) -> None:
        """Raise if a run fails, or if enough was tried to make one that failed shorter."""
        if self.found:
            self._steps_left -= len(run)
            if self._steps_left < 0:
                raise _EnoughError
        try:
            self._checker.check_run(run)
        except BrokenLawError as error:
            self.found.append(error)
            raise


class _EnoughError(BaseException):
    """Ends a search of Hypothesis at once, as Ctrl-C does: no Exception, which were a finding."""


def _chosen(settings: hypothesis.settings | None) -> hypothesis.settings:
    """Return the settings of a search: the user's, as far as they make sense for runs."""
    base = hypothesis.settings() if settings is None else settings
    unchosen = hypothesis.settings.get_profile("default").max_examples
    is_open = settings is None and base.max_examples == unchosen
    return hypothesis.settings(
        base,
        max_examples=MOST_RUNS if is_open else base.max_examples,
        deadline=None,
        suppress_health_check=tuple({*base.suppress_health_check, *UNWATCHED}),
        report_multiple_bugs=False,
        print_blob=False,  # the message has the run itself
        phases=tuple(phase for phase in base.phases if phase is not Phase.explain),
    )


def _tell_apart(test: Any, reducer: Reducer[Any]) -> None:
    """Let Hypothesis keep the failing examples of each reducer by themselves."""
    names = [type(reducer.initial).__name__, *sorted(cls.wire_name for cls in reducer.handles)]
    test.hypothesis.inner_test._hypothesis_internal_add_digest = "|".join(names).encode()  # noqa: SLF001  # as its plugin for pytest does for each parameter


def _length(broken: BrokenLawError) -> tuple[int, int]:
    return len(broken.actions), len(repr(broken.actions))


class _StillBrokenError(Exception):
    """A shorter run breaks the same law."""


def _shorter(broken: BrokenLawError, checker: LawChecker) -> BrokenLawError:
    """Return the finding with fewer and simpler actions, if they break the same law.

    Simpler actions often let others be left out, so that both are done again while it helps.
    """
    while True:
        before = _length(broken)
        broken = _with_simpler_actions(_with_actions_left_out(broken, checker), checker)
        if _length(broken) >= before:
            return broken


def _with_simpler_actions(broken: BrokenLawError, checker: LawChecker) -> BrokenLawError:
    """Return the finding with simpler actions, as far as `_MOST_FOLDS` allow."""
    found = broken

    def break_law(run: tuple[Action, ...], action: Action) -> tuple[Action, ...]:
        """Take a run for a state, because a reducer that is broken may change what it is given."""
        nonlocal found
        longer = (*run, action)
        try:
            checker.check_run(longer)
        except BrokenLawError as error:
            if error.law == broken.law:
                found = min(error, found, key=_length)
                raise _StillBrokenError from error
        return longer

    start: tuple[Action, ...] = ()
    with contextlib.suppress(LogError):  # it does not fail each time
        shrink_actions(
            found.actions,
            _StillBrokenError,
            start=start,
            reducer=break_law,
            most_folds=_MOST_FOLDS,
        )
    return found


def _with_actions_left_out(broken: BrokenLawError, checker: LawChecker) -> BrokenLawError:
    """Return the finding with the pieces left out that it does without, halves first."""
    size = len(broken.actions) // 2
    while size > 0:
        end = len(broken.actions)
        while end > 0:
            rest = broken.actions[: max(end - size, 0)] + broken.actions[end:]
            try:
                checker.check_run(rest)
            except BrokenLawError as error:
                if error.law == broken.law:
                    broken = error
            end = min(end - size, len(broken.actions))
        size //= 2
    return broken
