"""`shrink_failing_run`: the shortest run found that makes a test fail as a long one does.

What belongs here: what counts as the same failure, and showing the run.  What does not: which runs
are tried, which `shrink_actions` knows.
"""

from __future__ import annotations

import contextlib
import operator
import sys
import traceback
import unittest
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
from hypothesis.errors import UnsatisfiedAssumption

from refold.errors import LogError, PayloadError
from refold.replay.regression_source import SourceWriter
from refold.replay.shrink_actions import shrink_actions

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["failures", "shrink_failing_run"]

_MOST_FOLDS: Final = 500_000
"""Actions of all runs that are tried: a few seconds of a test that takes 5 µs for each."""

_Link = tuple[Any, "Action"] | None
"""A run as it grows, action by action, behind what was there before."""

_Origin = tuple[type[BaseException], str, int | None]
"""What was raised, and where: what Hypothesis, too, tells failures apart by."""


@attrs.frozen
class _End:
    """Stands behind the last action of a run; folding it calls the test."""


_END: Final[Any] = _End()


class _StillFailsError(Exception):
    """A shorter or simpler run fails in the same way."""


def failures() -> tuple[type[BaseException], ...]:
    """Return what a test raises when it fails; what `pytest.fail` raises is no Exception."""
    pytest: Any = sys.modules.get("pytest")
    return (Exception,) if pytest is None else (Exception, pytest.fail.Exception)


def shrink_failing_run(
    source: str,
    parameter: str,
    run: Sequence[Action],
    call: Callable[[tuple[Action, ...]], object],
    error: BaseException,
) -> BaseException:
    """Return what the shortest run raises, with a note that has the run as an ``@example``.

    Args:
        source: where the run is from.
        parameter: the test's parameter for runs.
        run: makes the test fail.
        call: the test.
        error: what it raised.  It goes back as it is if the test gave up, or if its next call with
            the same run does not fail.
    """
    if isinstance(error, UnsatisfiedAssumption | unittest.SkipTest):
        return error
    attempts = _Attempts(call, error)
    with contextlib.suppress(LogError):  # it does not fail each time
        shrink_actions(
            [*run, _END],
            _StillFailsError,
            start=cast("_Link", None),
            reducer=attempts.follow,
            most_folds=_MOST_FOLDS,
        )
        attempts.error.add_note(_note(source, parameter, len(run), attempts.run))
    return attempts.error


class _Attempts:
    """Calls a test for one run after the other, and keeps the last that failed as the first did."""

    def __init__(self, call: Callable[[tuple[Action, ...]], object], error: BaseException) -> None:
        self._call = call
        self._origin = _origin_of(error)
        self.run: tuple[Action, ...] = ()
        self.error = error

    def follow(self, link: _Link, action: Action) -> _Link:
        """Take a run for a state; call the test once it is whole."""
        __tracebackhide__ = True
        if action is not _END:
            return (link, action)
        run = tuple(_unlinked(link))[::-1]
        if len(run) == len(self.run) and all(map(operator.is_, run, self.run)):
            return link  # a class refused what is simpler, so nothing was gained
        try:
            self._call(run)
        except failures() as error:
            if _origin_of(error) == self._origin:
                self.run, self.error = run, error
                raise _StillFailsError from error
        return link


def _unlinked(link: _Link) -> Iterator[Action]:
    while link is not None:
        link, action = link
        yield action


def _origin_of(error: BaseException) -> _Origin:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return type(error), frame.filename, frame.lineno


def _note(source: str, parameter: str, count: int, run: tuple[Action, ...]) -> str:
    shorter = f"{len(run)} action{'' if len(run) == 1 else 's'}"
    lines = [f"The {count:,} actions of {source} fail; so does this run of {shorter}:", ""]
    return "\n".join([*lines, *(f"    {line}".rstrip() for line in _example(parameter, run))])


def _example(parameter: str, run: tuple[Action, ...]) -> Iterator[str]:
    writer = SourceWriter()
    try:
        actions = [writer.source(action) for action in run]
    except PayloadError as error:
        yield f"# {error}"
        actions = [repr(action) for action in run]
    else:
        writer.name_in("hypothesis", "example")
        yield from writer.imports()
        yield ""
    yield "@example("
    yield f"    {parameter}=("
    yield from (f"        {action}," for action in actions)
    yield "    )"
    yield ")"
