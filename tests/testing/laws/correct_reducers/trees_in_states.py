"""Reducers of states that hold themselves."""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs
from pyrsistent import PMap, PVector, pmap, pvector

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]

# --- folders in folders -----------------------------------------------------------------


@attrs.frozen
class Folder:
    """Folders by name."""

    children: PMap[str, Folder] = pmap()  # noqa: RUF009  # immutable
    size: int = 0


@action("correct_trees/folder_made")
class FolderMade(Action):
    """A folder at a path, and those above it."""

    path: tuple[str, ...] = attrs.field(validator=attrs.validators.max_len(4))
    size: int = attrs.field(default=1, validator=attrs.validators.ge(0))


@action("correct_trees/folder_removed")
class FolderRemoved(Action):
    """A folder with all that is in it; the root stays."""

    path: tuple[str, ...]


disk = Reducer(Folder())


@disk.on(FolderMade)
def _(state: Folder, action: FolderMade) -> Folder:
    return _made(state, action.path, action.size)


@disk.on(FolderRemoved)
def _(state: Folder, action: FolderRemoved) -> Folder:
    return _removed(state, action.path) if action.path else state


def _made(folder: Folder, path: tuple[str, ...], size: int) -> Folder:
    if not path:
        return folder if folder.size == size else evolve(folder, size=size)
    child = folder.children.get(path[0], Folder())
    return evolve(folder, children=folder.children.set(path[0], _made(child, path[1:], size)))


def _removed(folder: Folder, path: tuple[str, ...]) -> Folder:
    name, *rest = path
    child = folder.children.get(name)
    if child is None:
        return folder
    if not rest:
        return evolve(folder, children=folder.children.remove(name))
    left = _removed(child, tuple(rest))
    return folder if left is child else evolve(folder, children=folder.children.set(name, left))


def no_size_is_below_zero(state: Folder) -> bool:
    """Neither here nor in any folder below."""
    return state.size >= 0 and all(map(no_size_is_below_zero, state.children.values()))


# --- an expression ----------------------------------------------------------------------


@attrs.frozen
class Number:
    """A leaf."""

    value: int


@attrs.frozen
class Sum:
    """Two expressions."""

    left: Number | Sum | Negative
    right: Number | Sum | Negative


@attrs.frozen
class Negative:
    """One expression."""

    of: Number | Sum | Negative


Expression: TypeAlias = Number | Sum | Negative


@attrs.frozen
class Calculator:
    """What was typed, and what it gives."""

    expression: Number | Sum | Negative = Number(0)
    value: int = 0


@action("correct_trees/added")
class Added(Action):
    """Plus another expression."""

    term: Number | Sum | Negative


@action("correct_trees/negated")
class Negated(Action):
    """The other sign."""


calculator = Reducer(Calculator())


@calculator.on(Added)
def _(state: Calculator, action: Added) -> Calculator:
    return _with_value(Sum(state.expression, action.term))


@calculator.on(Negated)
def _(state: Calculator, _action: Negated) -> Calculator:
    if isinstance(state.expression, Negative):
        return _with_value(state.expression.of)
    return _with_value(Negative(state.expression))


def _with_value(expression: Expression) -> Calculator:
    return Calculator(expression, _value_of(expression))


def _value_of(expression: Expression) -> int:
    match expression:
        case Number(value):
            return value
        case Sum(left, right):
            return _value_of(left) + _value_of(right)
        case Negative(of):
            return -_value_of(of)


# --- answers to answers -----------------------------------------------------------------


@attrs.frozen
class Comment:
    """What somebody said, and what was said to it."""

    number: int
    text: str
    answers: PVector[Comment] = pvector()  # noqa: RUF009  # immutable


@attrs.frozen
class Thread:
    """All comments."""

    top: Comment = Comment(0, "")
    next_number: int = 1


@action("correct_trees/answered")
class Answered(Action):
    """Something was said to a comment."""

    number: int
    text: str


thread = Reducer(Thread())


@thread.on(Answered)
def _(state: Thread, action: Answered) -> Thread:
    answer = Comment(state.next_number, action.text)
    top = _with_answer(state.top, action.number, answer)
    return state if top is state.top else Thread(top, state.next_number + 1)


def _with_answer(comment: Comment, number: int, answer: Comment) -> Comment:
    if comment.number == number:
        return evolve(comment, answers=comment.answers.append(answer))
    for index, one in enumerate(comment.answers):
        following = _with_answer(one, number, answer)
        if following is not one:
            return evolve(comment, answers=comment.answers.set(index, following))
    return comment


def _numbers(comment: Comment) -> list[int]:
    return [comment.number, *(number for one in comment.answers for number in _numbers(one))]


def each_comment_is_there_once(state: Thread) -> bool:
    """None is lost, and none is there twice."""
    return sorted(_numbers(state.top)) == list(range(state.next_number))


# --- a chain ----------------------------------------------------------------------------


@attrs.frozen
class Link:
    """A page, and the one before it."""

    page: str
    before: Link | None = None


@action("correct_trees/page_opened")
class PageOpened(Action):
    """Another page."""

    page: str


@action("correct_trees/went_back")
class WentBack(Action):
    """The page before, if there is one."""


browser = Reducer(Link("home"))


@browser.on(PageOpened)
def _(state: Link, action: PageOpened) -> Link:
    return state if action.page == state.page else Link(action.page, state)


@browser.on(WentBack)
def _(state: Link, _action: WentBack) -> Link:
    return state if state.before is None else state.before


CASES: Final = (
    CorrectReducer("folders in folders", disk, (no_size_is_below_zero,)),
    CorrectReducer("an expression of unions that hold themselves", calculator),
    CorrectReducer("answers in a vector of themselves", thread, (each_comment_is_there_once,)),
    CorrectReducer("a chain of optional links", browser),
)
"""The reducers of this file."""
