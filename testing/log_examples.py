"""`example_from_log`: a recorded session as an example of Hypothesis, shrunken if it fails.

What belongs here: reading the run, and trying it first.  What does not: making a run shorter, which
`failing_run_shrinker` does.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
from hypothesis import example

from refold.actions.action import Action
from refold.errors import LogError
from refold.reducers.reducer import as_reducer
from refold.replay.forkable_records import RecordSequence
from refold.replay.log_reader import LogReader
from refold.replay.replay import replay
from refold.testing.failing_run_shrinker import failures, shrink_failing_run

__all__ = ["LogExample", "example_from_log"]

T = TypeVar("T")


def example_from_log(
    path: Path | str, reducer: Callable[[Any, Any], Any] | None = None, /
) -> LogExample:
    """Return a recorded session to decorate a test with, beside ``given`` of Hypothesis.

    ::

        @example_from_log("sessions/monday.jsonl", root)
        @given(runs_for(root))
        def test_orders_are_paid(run): ...

    The test is called with the session's actions before anything is drawn.  If it fails, it is
    called with ever shorter and simpler runs as long as they fail in the same way; the failure
    that is shown is that of the last one, with an ``@example`` to paste.

    Args:
        path: the path that ``record`` was given.
        reducer: the root that was recorded; it is asked whether the log begins in its initial
            state, where runs begin.  None to leave that to you.

    Raises:
        LogFormatError: there is no refold log, or a newer refold wrote it.
        LogDamagedError: a line is not what was written.
        UnknownActionError: an action's class is not imported.
        LogError: the log has no record, or does not begin where runs begin.
    """
    log = Path(path)
    actions = _actions_alone(log) if reducer is None else _actions_from_start(log, reducer)
    if not actions:
        message = f"{log} has no record, so it is no example of anything; record a session first"
        raise LogError(message)
    return LogExample(log, actions)


@attrs.frozen
class LogExample:
    """A recorded run: a decorator of tests, and the actions themselves."""

    path: Path
    """Where it was recorded."""

    actions: tuple[Action, ...]
    """What was recorded, for ``@example(run=session.actions)`` and whatever else takes a run."""

    def __call__(self, test: Callable[..., T], /) -> Callable[..., T]:
        """Return a test that tries the recorded run first; `given` may stand above or below.

        Raises:
            TypeError: the test is a coroutine, which could not be called again and again.
        """
        given: Any = getattr(test, "hypothesis", None)
        inner: Callable[..., Any] = test if given is None else given.inner_test
        if inspect.iscoroutinefunction(inner):
            message = (
                f"example_from_log expects a plain function, but {test.__name__} is a coroutine,"
                f" which cannot be called for ever shorter runs; write"
                f" @example(run=example_from_log(...).actions) instead"
            )
            raise TypeError(message)
        recorded = _RecordedRun(self.actions)
        recorded.name = self.path.name
        trying = _shrinking(inner, recorded)
        if given is None:
            return example(recorded)(trying)
        given.inner_test = trying  # as plugins for event loops do
        return example(recorded)(test)


class _RecordedRun(tuple[Action, ...]):  # noqa: SLOT001  # a tuple's subclass cannot have slots
    """The run as a test gets it."""

    name: str

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001  # as Hypothesis calls it
        """Say where the run is from: Hypothesis would show all of its actions."""
        printer.text(f"<{len(self)} actions of {self.name}>")


def _shrinking(test: Callable[..., T], recorded: _RecordedRun) -> Callable[..., T]:
    @functools.wraps(test)
    def try_run(*args: Any, **kwargs: Any) -> T:
        __tracebackhide__ = True
        name = next((key for key, value in kwargs.items() if value is recorded), None)
        if name is None:
            return test(*args, **kwargs)
        try:
            return test(*args, **kwargs)
        except failures() as error:
            found = error

        def call(run: tuple[Action, ...]) -> object:
            __tracebackhide__ = True
            return test(*args, **{**kwargs, name: run})

        raise shrink_failing_run(recorded.name, name, recorded, call, found)

    return try_run


def _actions_from_start(log: Path, reducer: Callable[[Any, Any], Any]) -> tuple[Action, ...]:
    fold = as_reducer(reducer)
    timeline = replay(log, fold)
    if timeline.start is not fold.initial:
        message = (
            f"{log} does not begin in the reducer's initial state, where runs begin: the store was"
            f" given a state, or the log's beginning was trimmed; record a session from the start"
        )
        raise LogError(message)
    return tuple(action for _, action in timeline.actions())


def _actions_alone(log: Path) -> tuple[Action, ...]:
    with contextlib.closing(LogReader(log, from_seq=None)) as reader:
        if reader.header.first_seq > 1:
            message = (
                f"{log} begins with seq {reader.header.first_seq}, because its beginning was"
                f" trimmed, but runs begin in a reducer's initial state; record a session from the"
                f" start"
            )
            raise LogError(message)
        records = RecordSequence(reader)
        return tuple(records.actions(range(len(records))))
