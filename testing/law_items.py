"""The laws of reducers as tests of pytest, one for each slice and one for the root.

What belongs here: collecting them, and showing what broke.  What does not: the laws, which
`check_laws` tests, and importing what a person named, which `named_reducer` does.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import pytest

from refold.errors import BrokenLawError, LogError, RefoldError
from refold.reducers.combine_reducers import CombinedReducer
from refold.reducers.reducer import Reducer
from refold.testing.check_laws import check_reducer_laws
from refold.testing.failing_run_log import write_failing_run
from refold.testing.named_reducer import (
    InvariantTable,
    import_invariants,
    import_reducer,
    name_in_project,
)
from refold.testing.reducer_code import read_reducer

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

__all__ = ["ChosenLaws", "LawsOfReducer", "RootReducer", "choose_laws"]

_WHOLE_TRACEBACKS: Final = frozenset({"long", "native"})
"""Styles of `--tb` that show more than the message."""


@attrs.frozen
class _Slice:
    """A reducer in the tree of reducers."""

    root_name: str
    """``module:attribute`` of the root."""

    root: Reducer[Any]

    path: tuple[str, ...]
    """The names of the slices that lead to it; none for the root itself."""

    reducer: Reducer[Any]

    @property
    def name(self) -> str:
        """Its name in a tree of tests."""
        return "::".join(self.path) or self.root_name

    @property
    def id(self) -> str:
        """Its name among all tests."""
        return "::".join(["refold", self.root_name, *self.path])

    @property
    def keys(self) -> tuple[str, str]:
        """How a table of invariants may name it."""
        return "::".join(self.path), self.id.removeprefix("refold::")


@attrs.frozen
class ChosenLaws:
    """What a person asked for."""

    slices: tuple[_Slice, ...]
    invariants: tuple[InvariantTable, ...]

    def items(self, session: pytest.Session) -> Iterator[pytest.Item]:
        """Yield the tests, in the order of the names and of the slices' declaration."""
        node = cast("Any", RootReducer)  # what from_parent takes has no types
        for name in dict.fromkeys(each.root_name for each in self.slices):
            chosen = [each for each in self.slices if each.root_name == name]
            tests = [(each, self._invariants_of(each)) for each in chosen]
            # its id must be none of a test's: --lf would take a failing one for all
            yield from session.genitems(
                node.from_parent(session, name=name, nodeid="refold", tests=tests)
            )

    def _invariants_of(self, one: _Slice) -> list[Any]:
        keys = dict.fromkeys(one.keys)
        return [each for table in self.invariants for key in keys for each in table.get(key, ())]


def choose_laws(config: pytest.Config, ids: Iterable[str]) -> ChosenLaws:
    """Import what the command line, the ini-file and ids of tests name.

    Raises:
        UsageError: something named is not there.
    """
    folders = (config.rootpath, config.invocation_params.dir)
    wanted = tuple(ids)
    asked: list[str] = [each or name_in_project(config.rootpath) for each in _given(config)]
    named = [*asked, *(each.split("::")[1] for each in wanted)]
    reducers = {name: import_reducer(name, folders) for name in named}
    every = [each for name, root in reducers.items() for each in _slices(name, root, (), root)]
    for one in wanted:
        if not any(_is_below(each.id, one) for each in every):
            message = f"{one} is no law; there are {', '.join(each.id for each in every)}"
            raise pytest.UsageError(message)
    options = cast("list[str]", config.getoption("--refold-invariants"))
    names = [*config.getini("refold_invariants"), *options]
    tables = tuple(import_invariants(name, folders) for name in names)
    _check_keys(tables, every)
    chosen = [e for e in every if not wanted or any(_is_below(e.id, one) for one in wanted)]
    return ChosenLaws(tuple(chosen), tables)


def _given(config: pytest.Config) -> list[str]:
    """Return the names given; those of the ini-file if no file or single test is asked for."""
    names = cast("list[str]", config.getoption("--refold"))
    if all(Path(config.invocation_params.dir, arg).is_dir() for arg in config.args):
        return [*config.getini("refold"), *names]
    return names


def _slices(
    name: str, root: Reducer[Any], path: tuple[str, ...], reducer: Reducer[Any]
) -> Iterator[_Slice]:
    yield _Slice(name, root, path, reducer)
    if isinstance(reducer, CombinedReducer):
        for key, child in reducer.slices.items():
            yield from _slices(name, root, (*path, key), child)


def _is_below(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}::")


def _check_keys(tables: Iterable[InvariantTable], every: Iterable[_Slice]) -> None:
    known = dict.fromkeys(key for each in every for key in each.keys)
    for key in (key for table in tables for key in table):
        if key not in known:
            message = (
                f"--refold-invariants has invariants of {key!r}, which is no slice; there are"
                f" {', '.join(map(repr, known))}"
            )
            raise pytest.UsageError(message)


class RootReducer(pytest.Collector):
    """A root reducer in the tree of tests."""

    def __init__(self, *, tests: list[tuple[_Slice, list[Any]]], **options: Any) -> None:
        """Take its tests."""
        super().__init__(**options)
        self._tests = tests

    def collect(self) -> Iterator[LawsOfReducer]:
        """Yield a test for it and for each of its slices."""
        node = cast("Any", LawsOfReducer)
        for one, invariants in self._tests:
            yield node.from_parent(
                self, name=one.name, nodeid=one.id, one=one, invariants=invariants
            )


class LawsOfReducer(pytest.Item):
    """The test of one reducer."""

    def __init__(self, *, one: _Slice, invariants: list[Any], **options: Any) -> None:
        """Take what is tested."""
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType]  # untyped there
        self._slice = one
        self._invariants = invariants
        self.add_marker("refold")

    def runtest(self) -> None:
        """Search for a run that breaks a law; write it as a log if there is one.

        Raises:
            BrokenLawError: there is.
        """
        if self._slice.path and not read_reducer(self._slice.reducer).action_classes:
            pytest.skip("this slice handles no action; what the root does to it is tested there")
        log = self._log_path()
        if log is not None:
            with contextlib.suppress(OSError):
                log.unlink()
        try:
            check_reducer_laws(self._slice.reducer, self._invariants)
        except BrokenLawError as broken:
            if broken.actions:
                broken.add_note(self._keep(log, broken))
            raise

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """Return the message of a broken law alone, unless more is asked for."""
        wants_all = self.config.getoption("tbstyle") in _WHOLE_TRACEBACKS
        if wants_all or not isinstance(excinfo.value, RefoldError):
            return super().repr_failure(excinfo, style)
        shown = excinfo.getrepr(style="value", chain=False)
        notes = [*_place_of(excinfo.value.__cause__), *_notes(excinfo.value)]
        if notes:
            shown.addsection("refold", "\n".join(notes))
        return shown

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return where it stands, and its headline."""
        return self.path, None, f"laws of {self.nodeid.removeprefix('refold::')}"

    def _log_path(self) -> Path | None:
        cache: pytest.Cache | None = getattr(self.config, "cache", None)
        if cache is None:  # pytest runs without it
            return None
        name = re.sub(r"[^\w.]+", "-", self._slice.id.removeprefix("refold::"))
        return cache.mkdir("refold") / f"{name}.jsonl"

    def _keep(self, log: Path | None, broken: BrokenLawError) -> str:
        """Write the run, as one of the root, which the commands can import; say how to open it."""
        if log is None:
            return "the run was not kept: pytest runs without its cache"
        try:
            write_failing_run(log, self._slice.root, broken.actions)
        except (LogError, OSError) as error:
            return f"the run was not kept, because it cannot be written as a log: {error}"
        file = shlex.quote(os.path.relpath(log, self.config.invocation_params.dir))
        app = shlex.quote(self._slice.root_name)
        return f"the run as a log:\n    refold show {file}\n    refold replay {file} --app {app}"


def _place_of(cause: BaseException | None) -> Iterator[str]:
    if cause is None or cause.__traceback__ is None:
        return
    frame = traceback.extract_tb(cause.__traceback__)[-1]
    yield f"{type(cause).__name__} was raised in {frame.filename}, line {frame.lineno}"


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])
