"""`refold shrink`: the few actions of a long run that are enough to make it fail.

What belongs here: the command and its two forms of output.  What does not: shrinking, and writing
a test, which `refold.replay` does; where the run fails, which `named_failure` finds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from refold.actions.action import Action
from refold.commands.fold_log import fold_log
from refold.commands.named_failure import (
    NamedFailure,
    find_invariant,
    find_raised_class,
    find_raising,
    find_violation,
)
from refold.commands.printable import printable
from refold.commands.report_error import DID_NOT_HOLD, CommandError, report_error
from refold.errors import LogDamagedError, PayloadError
from refold.replay.action_codec import encode_payload
from refold.replay.regression_source import SourceWriter
from refold.replay.regression_test_file import write_regression_test
from refold.replay.shrink_actions import MOST_FOLDS, shrink_actions
from refold.replay.timeline import Timeline

if TYPE_CHECKING:
    from refold.commands.application import Application

__all__ = ["shrink"]

_STEP: Final = 10_000
"""Folds between two updates of the bar, so that it costs nothing."""


def shrink(  # noqa: PLR0913  # the options of a command
    log: Path,
    /,
    *,
    app: str | None = None,
    invariant: str | None = None,
    raises: str | None = None,
    write_test: Path | None = None,
    json: bool = False,
) -> int:
    """Find the few actions of a recorded run that are enough to make it fail.

    Give either --invariant, a function of the state that returns False, or
    --raises, what the reducer raises. Actions are left out, and their values
    made simpler, as long as what is left still fails in the same way.

    Example: refold shrink run.jsonl --app shop:root --invariant shop:holds

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        app: The root reducer with the bug, module:attribute.
        invariant: What does not hold, module:function.
        raises: What is raised, the name of the exception or module:Class.
        write_test: Also write a pytest file here that fails until the bug is mended.
        json: Print one JSON object.

    Returns:
        0 if the run does not fail, 1 if it does and was shrunken, 2 if it cannot be looked for.
    """
    find = _how_to_find(invariant, raises)
    if write_test is not None and write_test.exists():
        message = f"{write_test} is there already, and nothing is overwritten; choose another path"
        raise CommandError(message)
    with fold_log(log, app) as folded:
        failure = find(folded.timeline)
    timeline = folded.timeline
    if failure is None:
        _print_sound(timeline, invariant or raises or "", json=json)
        return _report(folded.problem)
    actions = _shrunken(timeline, failure)
    if write_test is not None:
        actions = _write_test(write_test, timeline, actions, failure, folded.application)
    result = _Result(timeline, failure, actions, write_test)
    if json:
        sys.stdout.write(result.as_json() + "\n")
    else:
        result.print_readably()
    _report(folded.problem)
    return DID_NOT_HOLD


def _report(problem: LogDamagedError | None) -> int:
    """Say where the log is damaged, if it is; all before that was looked at."""
    if problem is None:
        return 0
    report_error(problem)
    return DID_NOT_HOLD


def _how_to_find(
    invariant: str | None, raises: str | None
) -> Callable[[Timeline[Any]], NamedFailure | None]:
    """Return what finds the failure; names that are wrong are refused before anything is folded."""
    if invariant is not None and raises is None:
        holds = find_invariant(invariant)
        return lambda timeline: find_violation(timeline, holds, invariant)
    if raises is not None and invariant is None:
        cls = find_raised_class(raises)
        return lambda timeline: find_raising(timeline, cls, raises)
    message = (
        "say how the run fails: either --invariant module:function, which returns False for a bad"
        " state, or --raises with the name of the exception"
    )
    raise CommandError(message)


def _shrunken(timeline: Timeline[Any], failure: NamedFailure) -> list[Action]:
    actions = [action for seq, action in timeline.actions() if seq <= failure.seq]
    reducer, holds = timeline.reducer, failure.invariant
    with _shrink_progress() as count_fold:

        def fold(state: Any, action: Action) -> Any:
            count_fold()
            return reducer(state, action)

        def fails(state: Any) -> bool:
            return holds is not None and not holds(state)

        goal = failure.raises or fails
        return shrink_actions(actions, goal, start=timeline.start, reducer=fold)


@contextmanager
def _shrink_progress() -> Generator[Callable[[], None]]:
    """Show on a terminal how many folds were made; give a function to call for each."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    told = TextColumn("{task.completed:,} actions folded, {task.total:,} at most")
    with Progress(
        TextColumn("shrinking"), BarColumn(), told, console=console, transient=True
    ) as progress:
        task = progress.add_task("shrinking", total=MOST_FOLDS)
        done = 0

        def count_fold() -> None:
            nonlocal done
            done += 1
            if done % _STEP == 0:
                progress.update(task, completed=done)

        yield count_fold


def _write_test(
    path: Path,
    timeline: Timeline[Any],
    actions: list[Action],
    failure: NamedFailure,
    application: Application,
) -> list[Action]:
    """Write the test, from the start that the run had; return the actions in it."""
    short = timeline.fork(timeline.header.first_seq - 1)
    for action in actions:
        short.append(action)
    try:
        return write_regression_test(
            path,
            short,
            reducer=application.name,
            invariant=failure.invariant,
            raises=failure.raises,
        )
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}; choose another --write-test"
        raise CommandError(message) from error


@attrs.frozen
class _Result:
    """A run that fails, and how short it became."""

    timeline: Timeline[Any]
    failure: NamedFailure
    actions: list[Action]
    test: Path | None

    @property
    def count_before(self) -> int:
        return len(self.timeline.records)

    def as_json(self) -> str:
        value = {
            "fails": True,
            "failure": self.failure.text,
            "first_failing_seq": self.failure.seq,
            "actions_before": self.count_before,
            "actions_after": len(self.actions),
            "actions": [
                {"name": one.wire_name, "version": one.wire_version, "payload": encode_payload(one)}
                for one in self.actions
            ],
            "source": self._source(),
            "test": None if self.test is None else str(self.test),
        }
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()

    def print_readably(self) -> None:
        console = Console(highlight=False)
        first = self.timeline.header.first_seq
        where = f"after seq {self.failure.seq}" if self.failure.seq >= first else "in the start"
        console.print(Text(f"{self.failure.text}, for the first time {where}", style="bold red"))
        plural = "" if self.count_before == 1 else "s"
        counts = f"{self.count_before:,} action{plural} -> {len(self.actions):,}"
        console.print(Text(counts, style="bold"))
        for line in self._source().splitlines():
            console.print(Text(printable(line)), soft_wrap=True)
        if self.test is not None:
            console.print(
                Text(f"written: {self.test}; run it by pytest {self.test}"), soft_wrap=True
            )

    def _source(self) -> str:
        """Return the actions as Python that can be pasted; as they print if there is none."""
        writer = SourceWriter()
        try:
            made = [writer.source(action) for action in self.actions]
            imports = [*writer.imports(), ""]
        except PayloadError:
            made, imports = [repr(action) for action in self.actions], []
        if not made:
            return "actions = []"
        return "\n".join([*imports, "actions = [", *(f"    {one}," for one in made), "]"])


def _print_sound(timeline: Timeline[Any], name: str, *, json: bool) -> None:
    count = len(timeline.records)
    actions = "1 action" if count == 1 else f"{count:,} actions"
    if json:
        value = {"fails": False, "actions_before": count}
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    text = f"this run of {actions} does not fail: {name}, from the start to the end"
    Console(highlight=False).print(Text(printable(text)), soft_wrap=True)
