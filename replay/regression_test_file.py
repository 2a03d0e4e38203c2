"""`write_regression_test`: a failing run as a pytest file that passes once the bug is mended."""

from __future__ import annotations

import importlib
import operator
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from refold.errors import LogError
from refold.reducers.reducer import as_reducer
from refold.replay.canonical_digest import state_digest
from refold.replay.regression_source import SourceWriter
from refold.replay.shrink_actions import shrink_actions
from refold.replay.timeline import Timeline

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer
    from refold.replay.shrink_actions import Goal

__all__ = ["write_regression_test"]

_MOST_WORDS: Final = 3
"""Kinds of actions that the test's name tells."""

_NAME: Final = re.compile(r"(?P<module>[^\W\d][\w.]*):(?P<name>[^\W\d][\w.]*)")


def write_regression_test(
    path: Path | str,
    run: Timeline[Any] | Iterable[Action],
    /,
    *,
    reducer: str,
    invariant: Callable[[Any], bool] | None = None,
    raises: type[Exception] | None = None,
) -> list[Action]:
    """Write a failing run, shrunken, as a test that fails until the bug is mended.

    Args:
        path: the file; one that is there is not touched.
        run: a timeline, or actions that begin in the reducer's initial state.
        reducer: where the application's reducer is, as ``module:name``; the test imports it.
        invariant: a function that the run breaks; the test imports it by its name.
        raises: instead of an invariant, what a reducer raises during the run.

    Returns:
        The actions that were written.

    Raises:
        LogError: the run does not fail in this way, or the reducer's name is none.
        PayloadError: something in it cannot be imported, such as a lambda for an invariant.
        FileExistsError: there is such a file.
    """
    fails = _goal(invariant, raises)
    module, name = _split(reducer)
    named = operator.attrgetter(name)(importlib.import_module(module))
    fold = as_reducer(named)
    start, actions = _start_and_actions(run, fold)
    found = shrink_actions(actions, fails, start=start, reducer=fold)
    writer = SourceWriter()
    root = writer.name_in(module, name)
    is_initial = named is fold and state_digest(start) == state_digest(fold.initial)
    first = f"{root}.initial" if is_initial else writer.source(start)
    text = _text(writer, root, first, found, invariant)
    with Path(path).open("x", encoding="utf-8") as file:
        file.write(text)
    return found


def _goal(invariant: Callable[[Any], bool] | None, raises: type[Exception] | None) -> Goal[Any]:
    if invariant is not None and raises is None:
        return lambda state: not invariant(state)
    if raises is not None and invariant is None:
        return raises
    message = "give either the invariant that the run breaks, or what a reducer raises in it"
    raise LogError(message)


def _split(reducer: str) -> tuple[str, str]:
    found = _NAME.fullmatch(reducer)
    if found is None:
        message = f"{reducer!r} names no reducer; write it as module:name, such as shop.main:root"
        raise LogError(message)
    return found["module"], found["name"]


def _start_and_actions(
    run: Timeline[Any] | Iterable[Action], fold: Reducer[Any]
) -> tuple[Any, list[Action]]:
    if not isinstance(run, Timeline):
        return fold.initial, list(run)
    timeline: Timeline[Any] = run
    return timeline.start, [action for _, action in timeline.actions()]


def _text(
    writer: SourceWriter,
    root: str,
    first: str,
    actions: list[Action],
    invariant: Callable[[Any], bool] | None,
) -> str:
    lines = [f"        {writer.source(action)}," for action in actions]
    count = f"{len(actions)} action{'' if len(actions) == 1 else 's'}"
    if invariant is None:
        name, claim, asserts = root.rpartition(".")[2], "No reducer raises", []
    else:
        holds = writer.name_of(invariant)
        name, claim = holds.rpartition(".")[2], f"`{holds}` holds after each action"
        indent, told = ("        ", ", action") if actions else ("    ", "")
        asserts = [f"{indent}assert {holds}(state){told}"]
    return "\n".join(
        [
            f'"""A run of {count} that once failed; found and shrunken by refold."""',
            "",
            "from __future__ import annotations",
            "",
            *writer.imports(),
            "",
            "",
            f"def test_{name.strip('_')}_after_{'_'.join(_words(actions))}() -> None:",
            f'    """{claim} of a run that once failed."""',
            f"    state = {first}",
            "    for action in [",
            *lines,
            "    ]:",
            f"        state = {root}(state, action)",
            *asserts,
            "",
        ]
    )


def _words(actions: list[Action]) -> list[str]:
    names = dict.fromkeys(re.sub(r"\W", "_", one.wire_name.split("/")[-1]) for one in actions)
    return list(names)[:_MOST_WORDS] or ["the_start"]
