"""Reducers with keyed and optional children."""

from __future__ import annotations

from typing import Any, Final

import attrs
from pyrsistent import PMap, pmap

from refold.actions.action import Action, action, action_base
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]

# --- one child per key ------------------------------------------------------------------


@attrs.frozen
class Counter:
    """What is counted."""

    count: int = 0


@attrs.frozen
class Counters:
    """All that are counted."""

    by_name: PMap[str, Counter] = pmap()  # noqa: RUF009  # immutable
    removed_count: int = 0


@action_base
class CounterAction(Action):
    """What concerns one counter."""

    name: str


@action("correct_children/counter_added")
class CounterAdded(CounterAction):
    """One more."""


@action("correct_children/counter_removed")
class CounterRemoved(CounterAction):
    """One less."""


@action("correct_children/counted")
class Counted(CounterAction):
    """One of them goes on."""

    by: int = 1


counter = Reducer(Counter())


@counter.on(Counted)
def _(state: Counter, action: Counted) -> Counter:
    return state if action.by == 0 else Counter(state.count + action.by)


def name_of(action: Any) -> str:
    """Return which counter an action is for."""
    name: str = action.name
    return name


counters = Reducer(Counters())


@counters.on(CounterAdded)
def _(state: Counters, action: CounterAdded) -> Counters:
    if action.name in state.by_name:
        return state
    return evolve(state, by_name=state.by_name.set(action.name, Counter()))


@counters.on(CounterRemoved)
def _(state: Counters, action: CounterRemoved) -> Counters:
    if action.name not in state.by_name:
        return state
    return Counters(state.by_name.remove(action.name), state.removed_count + 1)


counters.for_each("by_name", counter, key=name_of)


def counting_adds_no_counter(before: Counters, action: Action, after: Counters) -> bool:
    """Only what is there counts."""
    return not isinstance(action, Counted) or set(before.by_name) == set(after.by_name)


# --- a child that may not be there ------------------------------------------------------


@attrs.frozen
class Session:
    """Who is logged in."""

    user: str
    page_count: int = 0


@attrs.frozen
class Site:
    """A site with at most one session."""

    session: Session | None = None
    login_count: int = 0


@action("correct_children/logged_in")
class LoggedIn(Action):
    """Somebody is there."""

    user: str


@action("correct_children/logged_out")
class LoggedOut(Action):
    """Nobody is."""


@action("correct_children/page_seen")
class PageSeen(Action):
    """Somebody looked at a page."""


session = Reducer(Session("nobody"))


@session.on(PageSeen)
def _(state: Session, _action: PageSeen) -> Session:
    return evolve(state, page_count=state.page_count + 1)


site = Reducer(Site())


@site.on(LoggedIn)
def _(state: Site, action: LoggedIn) -> Site:
    if state.session is not None and state.session.user == action.user:
        return state
    return Site(Session(action.user), state.login_count + 1)


@site.on(LoggedOut)
def _(state: Site, _action: LoggedOut) -> Site:
    return state if state.session is None else evolve(state, session=None)


site.optional("session", session)


# --- children of children ---------------------------------------------------------------


@attrs.frozen
class Cell:
    """One of a board."""

    value: str = ""


@attrs.frozen
class Board:
    """Cells by place."""

    cells: PMap[int, Cell] = pmap({0: Cell(), 1: Cell(), 2: Cell()})  # noqa: RUF009  # immutable
    move_count: int = 0


@attrs.frozen
class Boards:
    """Boards by name, and one that is looked at."""

    boards: PMap[str, Board] = pmap({"first": Board()})  # noqa: RUF009  # immutable
    shown: Board | None = None


@action("correct_children/cell_filled")
class CellFilled(Action):
    """Somebody wrote into a cell of a board."""

    board: str
    place: int
    value: str


@action("correct_children/board_opened")
class BoardOpened(Action):
    """A board is there, and is looked at."""

    board: str


@action("correct_children/board_hidden")
class BoardHidden(Action):
    """None is looked at."""


cell = Reducer(Cell())


@cell.on(CellFilled)
def _(state: Cell, action: CellFilled) -> Cell:
    return state if state.value else Cell(action.value)


def _place_of(action: CellFilled) -> int:
    return action.place


def _board_of(action: CellFilled) -> str:
    return action.board


board = Reducer(Board())


@board.on(CellFilled)
def _(state: Board, _action: CellFilled) -> Board:
    return evolve(state, move_count=state.move_count + 1)


board.for_each("cells", cell, key=_place_of)

boards = Reducer(Boards())


@boards.on(BoardOpened)
def _(state: Boards, action: BoardOpened) -> Boards:
    opened = state.boards.get(action.board, board.initial)
    return Boards(state.boards.set(action.board, opened), opened)


@boards.on(BoardHidden)
def _(state: Boards, _action: BoardHidden) -> Boards:
    return evolve(state, shown=None)


boards.for_each("boards", board, key=_board_of).optional("shown", board)


def a_board_has_three_cells(state: Boards) -> bool:
    """No place is added or lost."""
    return all(set(one.cells) == {0, 1, 2} for one in state.boards.values())


# --- a child that is for some actions only ----------------------------------------------


@action("correct_children/lamp_switched")
class LampSwitched(Action):
    """One lamp, or none if it has no number."""

    lamp: int | None
    is_on: bool


@attrs.frozen
class House:
    """Its lamps."""

    lamps: PMap[int, bool] = pmap({1: False, 2: True})  # noqa: RUF009  # immutable


lamp = Reducer(False)  # noqa: FBT003  # a state


@lamp.on(LampSwitched)
def _(_state: bool, action: LampSwitched) -> bool:  # noqa: FBT001  # a state
    return action.is_on


def _lamp_of(action: LampSwitched) -> int | None:
    return action.lamp


house = Reducer(House()).for_each("lamps", lamp, key=_lamp_of)

CASES: Final = (
    CorrectReducer("children by key", counters, (counting_adds_no_counter,)),
    CorrectReducer("an optional child", site),
    CorrectReducer("children of children", boards, (a_board_has_three_cells,)),
    CorrectReducer("children that are scalars, with a key that may be None", house),
)
"""The reducers of this file."""
