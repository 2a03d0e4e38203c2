"""Roots: combined three deep, undoable, with slices that come later."""

from __future__ import annotations

from typing import Final

import attrs
from pyrsistent import PVector, pvector

from refold.actions.action import Action, action
from refold.actions.undo import Redo, Undo
from refold.reducers.combine_reducers import CombinedReducer, combine_reducers
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.reducers.undo_history import UndoHistory
from refold.reducers.undoable import undoable
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]


@action("correct_roots/stepped")
class Stepped(Action):
    """Some steps on."""

    steps: int = 1


@action("correct_roots/named")
class Named(Action):
    """Another name."""

    name: str


@action("correct_roots/everything_reset")
class EverythingReset(Action):
    """As at first."""


def make_steps() -> Reducer[int]:
    """Return a reducer that sums steps."""
    reducer = Reducer(0)

    @reducer.on(Stepped)
    def _(state: int, action: Stepped) -> int:
        return state + action.steps

    return reducer


def make_name() -> Reducer[str]:
    """Return a reducer that keeps a name."""
    reducer = Reducer("")

    @reducer.on(Named)
    def _(state: str, action: Named) -> str:
        return state if action.name == state else action.name  # else it were a step to undo

    return reducer


# --- three deep -------------------------------------------------------------------------


@attrs.frozen
class Inner:
    """The third level."""

    steps: int
    name: str


@attrs.frozen
class Middle:
    """The second level."""

    inner: Inner
    steps: int


@attrs.frozen
class Outer:
    """The first level, with a field that no slice folds."""

    middle: Middle
    name: str
    version: int = 3


def make_inner() -> CombinedReducer[Inner]:
    """Return a reducer of two slices."""
    return combine_reducers(Inner, steps=make_steps(), name=make_name())


outer = combine_reducers(
    Outer,
    middle=combine_reducers(Middle, inner=make_inner(), steps=make_steps()),
    name=make_name(),
)


@outer.on(EverythingReset)
def _(_state: Outer, _action: EverythingReset) -> Outer:
    return outer.initial


def all_count_the_same(state: Outer) -> bool:
    """Each level had the same steps, and the same name."""
    middle = state.middle
    return middle.steps == middle.inner.steps and state.name == middle.inner.name


# --- a handler of the root that reads all slices ----------------------------------------


@attrs.frozen
class Summary:
    """Slices, and what was made of them."""

    steps: int
    name: str
    sentence: str = ""


summary = combine_reducers(Summary, steps=make_steps(), name=make_name())


@summary.on(Stepped, Named)
def _(state: Summary, _action: Action) -> Summary:
    return evolve(state, sentence=f"{state.name} went {state.steps}")


def the_sentence_is_true(state: Summary) -> bool:
    """It says what the slices are."""
    return not state.sentence or state.sentence == f"{state.name} went {state.steps}"


# --- undoable ---------------------------------------------------------------------------


@attrs.frozen
class Document:
    """What is written, and how it is called; what is undone is undone in both."""

    lines: PVector[str]
    name: str


NO_LINES: Final[PVector[str]] = pvector()


@action("correct_roots/line_written")
class LineWritten(Action):
    """One more line."""

    text: str


def make_lines() -> Reducer[PVector[str]]:
    """Return a reducer that keeps lines."""
    reducer = Reducer(NO_LINES)

    @reducer.on(LineWritten)
    def _(state: PVector[str], action: LineWritten) -> PVector[str]:
        return state.append(action.text)

    return reducer


@attrs.frozen
class Editor:
    """A document with its history, and what has none."""

    document: UndoHistory[Document]
    steps: int


editor = combine_reducers(
    Editor,
    document=undoable(combine_reducers(Document, lines=make_lines(), name=make_name()), limit=3),
    steps=make_steps(),
)


def three_steps_are_kept(state: Editor) -> bool:
    """The history has its limit."""
    return len(state.document.past) <= 3


def _by_kind(action: Action, _before: int) -> str | None:
    return "steps" if isinstance(action, Stepped) and abs(action.steps) == 1 else None


def _is_a_step(action: Action) -> bool:
    return not (isinstance(action, Stepped) and action.steps == 0)


grouped = undoable(make_steps(), group_by=_by_kind, include=_is_a_step, scope="steps")


def an_undo_of_another_scope_changes_nothing(
    before: UndoHistory[int], action: Action, after: UndoHistory[int]
) -> bool:
    """Each history has its own."""
    is_other = isinstance(action, Undo | Redo) and action.scope != "steps"
    return not is_other or before is after


# --- slices that come later, and one that may be None -----------------------------------


@attrs.frozen
class Plugins:
    """What is always there, and what was added."""

    steps: int
    name: str
    selected: str | None = None


plugins = combine_reducers(Plugins, steps=make_steps())
plugins.inject("name", make_name())


def _select(state: str | None, action: Action) -> str | None:
    if isinstance(action, Named):
        return action.name or None
    return state


plugins.inject("selected", _select)


def nobody_is_selected_by_no_name(state: Plugins) -> bool:
    """An empty name selects nothing."""
    return state.selected != ""


CASES: Final = (
    CorrectReducer("combined three deep", outer, (all_count_the_same,)),
    CorrectReducer("a root that reads its slices", summary, (the_sentence_is_true,)),
    CorrectReducer("a root with an undoable slice", editor, (three_steps_are_kept,)),
    CorrectReducer(
        "undoable with groups and a scope", grouped, (an_undo_of_another_scope_changes_nothing,)
    ),
    CorrectReducer("injected slices", plugins, (nobody_is_selected_by_no_name,)),
)
"""The reducers of this file."""
