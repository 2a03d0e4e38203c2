"""Behaviours 202 and 203: undo, redo, jumps, groups and what makes a step.

What belongs here: `undoable`.  What does not: time travel over a log, which `Timeline` offers.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pdeque

from refold.actions.action import Action, action
from refold.actions.undo import (
    ClearUndoHistory,
    Jump,
    Redo,
    Undo,
    UndoGroupBegan,
    UndoGroupEnded,
    undo_group,
)
from refold.errors import ReducerDeclarationError, ValueTypeError
from refold.middleware.listeners import Listeners
from refold.middleware.record import record
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.reducers.undo_history import UndoHistory
from refold.reducers.undoable import undoable
from refold.replay.replay import replay
from refold.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from refold.middleware.effect import Effect

S = TypeVar("S")


@attrs.frozen
class Text:
    """A text somebody writes."""

    written: str = ""


@action("undo_behaviours/typed")
class Typed(Action):
    """Somebody typed."""

    letters: str


@action("undo_behaviours/cursor_moved")
class CursorMoved(Action):
    """Somebody looked elsewhere."""


@attrs.frozen
class Marks:
    """How many marks there are."""

    count: int = 0


@action("undo_behaviours/marked")
class Marked(Action):
    """Somebody made a mark."""


text = Reducer(Text())


@text.on(Typed)
def _(state: Text, action: Typed) -> Text:
    return Text(state.written + action.letters) if action.letters else state


marks = Reducer(Marks())


@marks.on(Marked)
def _(state: Marks, _action: Marked) -> Marks:
    return Marks(state.count + 1)


@action("undo_behaviours/named")
class Named(Action):
    """Somebody chose a title."""

    title: str


title = Reducer("")


@title.on(Named)
def _(_state: str, action: Named) -> str:
    return action.title


@attrs.frozen
class Titled:
    """A title in a slice of its own, which is the very text of the action."""

    title: str


@attrs.frozen
class Document:
    """Two slices that are undone together."""

    text: Text
    marks: Marks


@attrs.frozen
class Root:
    """A document and what is no part of it."""

    document: UndoHistory[Document]
    shown: Marks


document = combine_reducers(Document, text=text, marks=marks)


def fold(reducer: Reducer[UndoHistory[S]], *actions: Action) -> UndoHistory[S]:
    """Return the history after some actions."""
    history = reducer.initial
    for each in actions:
        history = reducer(history, each)
    return history


ABC = (Typed("a"), Typed("b"), Typed("c"))


def test_202_undo_and_redo_walk_over_the_steps() -> None:
    """Behaviour 202: undo gives the state before, redo the one that was undone."""
    reducer = undoable(text)
    history = fold(reducer, *ABC, Undo())
    assert (history.present, history.can_undo, history.can_redo) == (Text("ab"), True, True)
    assert fold(reducer, *ABC, Undo(), Undo(), Redo()).present == Text("ab")


def test_202_undo_and_redo_at_the_ends_do_nothing() -> None:
    """Behaviour 202: there the very same history comes back."""
    reducer = undoable(text)
    start = reducer.initial
    assert reducer(start, Undo()) is start
    end = fold(reducer, *ABC)
    assert reducer(end, Redo()) is end


def test_202_a_new_action_clears_the_future() -> None:
    """Behaviour 202: what was undone cannot come back after something new."""
    history = fold(undoable(text), *ABC, Undo(), Typed("x"))
    assert (history.present, history.can_redo) == (Text("abx"), False)


@pytest.mark.parametrize("steps", [-4, 1, 100, 0])
def test_202_jumps_out_of_range_do_nothing(steps: int) -> None:
    """Behaviour 202: a jump beyond either end, or of no step, changes nothing."""
    reducer = undoable(text)
    history = fold(reducer, *ABC)
    assert reducer(history, Jump(steps)) is history


@given(st.lists(st.sampled_from([Typed("a"), Undo(), Redo()])), st.integers(-5, 5))
def test_202_a_jump_equals_so_many_undos_or_redos(before: list[Action], steps: int) -> None:
    """Behaviour 202: jump(-2) equals two undos, jump(2) two redos, wherever that is in range."""
    reducer = undoable(text)
    history = fold(reducer, *before)
    if -len(history.past) <= steps <= len(history.future):
        single = Undo() if steps < 0 else Redo()
        expected = history
        for _ in range(abs(steps)):
            expected = reducer(expected, single)
        assert reducer(history, Jump(steps)) == expected


def test_203_actions_that_change_nothing_add_no_step() -> None:
    """Behaviour 203: the identical history comes back, also for an action nobody handles."""
    reducer = undoable(text)
    history = fold(reducer, *ABC)
    assert reducer(history, Typed("")) is history
    assert reducer(history, CursorMoved()) is history


def test_203_filtered_actions_change_the_present_without_a_step() -> None:
    """Behaviour 203: what `include` refuses is part of the present and of no step."""
    reducer = undoable(text, include=lambda action: action != Typed("b"))
    history = fold(reducer, *ABC)
    assert history.present == Text("abc")
    assert fold(reducer, *ABC, Undo()).present == Text("ab")
    assert len(history.past) == 2


def test_203_grouped_consecutive_actions_add_one_step() -> None:
    """Behaviour 203: changes of one group one after another are undone together."""

    def by_letter(action: Action, _state: Text) -> str | None:
        return action.letters if isinstance(action, Typed) else None

    reducer = undoable(text, group_by=by_letter)
    typed = [Typed("a"), Typed("a"), Typed("b"), Typed("b"), Typed("a")]
    history = fold(reducer, *typed)
    assert [each.written for each in history.past] == ["", "aa", "aabb"]


def test_203_undo_and_redo_end_a_group() -> None:
    """Behaviour 203: after them the next change of the same group is a step of its own."""
    reducer = undoable(text, group_by=lambda _action, _state: "always")
    for move in ([Undo(), Redo()], [Jump(-1), Jump(1)]):
        history = fold(reducer, Typed("a"), Typed("b"), *move, Typed("c"))
        assert [each.written for each in history.past] == ["", "ab"]


def test_203_a_limit_drops_the_oldest() -> None:
    """Behaviour 203: no more than so many steps back are kept."""
    reducer = undoable(text, limit=2)
    history = fold(reducer, *ABC, Typed("d"))
    assert [each.written for each in history.past] == ["ab", "abc"]


def test_203_clearing_keeps_the_present() -> None:
    """Behaviour 203: the steps are gone, the state stays; with nothing to clear nothing changes."""
    reducer = undoable(text)
    history = fold(reducer, *ABC, Undo(), ClearUndoHistory())
    assert history == UndoHistory(Text("ab"))
    assert reducer(history, ClearUndoHistory()) is history


@pytest.mark.parametrize("limit", [0, -1])
def test_203_a_limit_is_at_least_one_step(limit: int) -> None:
    """Behaviour 203: less is refused."""
    with pytest.raises(ReducerDeclarationError, match="1 step or more"):
        undoable(text, limit=limit)


def test_several_slices_are_undone_together() -> None:
    """An undoable of combined slices takes one step back over whichever slice changed."""
    root = combine_reducers(Root, document=undoable(document), shown=marks)
    store = Store(root)
    for each in (Typed("a"), Marked(), Typed("b")):
        store.dispatch(each)
    store.dispatch(Jump(-2))
    assert store.state.document.present == Document(Text("a"), Marks(0))
    assert store.state.shown == Marks(1)
    store.dispatch(Redo())
    assert store.state.document.present == Document(Text("a"), Marks(1))


def test_scopes_keep_undoable_states_apart() -> None:
    """An undo of one scope leaves the states of another as they are."""

    @attrs.frozen
    class Two:
        left: UndoHistory[Text]
        right: UndoHistory[Text]

    root = combine_reducers(
        Two, left=undoable(text, scope="left"), right=undoable(text, scope="right")
    )
    store = Store(root)
    store.dispatch(Typed("a"))
    store.dispatch(Undo("left"))
    assert (store.state.left.present, store.state.right.present) == (Text(""), Text("a"))


async def test_a_listeners_actions_are_grouped_into_one_step() -> None:
    """What a listener dispatches in an `undo_group`, also across awaits, is undone at once."""
    root = combine_reducers(Root, document=undoable(document), shown=marks)
    listeners = Listeners(Root)
    done = asyncio.Event()

    @listeners.on(CursorMoved)
    async def write(_action: CursorMoved, fx: Effect[Root]) -> None:
        with undo_group(fx.dispatch):
            for letter in "xyz":
                fx.dispatch(Typed(letter))
                await asyncio.sleep(0)
        done.set()

    async with Store(root, listeners=[listeners]) as store:
        store.dispatch(Typed("a"))
        store.dispatch(CursorMoved())
        await done.wait()
        store.dispatch(Typed("b"))
        store.dispatch(Undo())
        assert store.state.document.present.text == Text("axyz")
        store.dispatch(Undo())
        assert store.state.document.present.text == Text("a")


def test_a_group_without_a_change_is_no_step() -> None:
    """Beginning and ending a group alone leaves nothing to undo."""
    history = fold(undoable(text), UndoGroupBegan(), UndoGroupEnded(), UndoGroupEnded())
    assert history == UndoHistory(Text())


MOVES = st.sampled_from(
    [
        Typed("a"),
        Typed("b"),
        Typed(""),
        Marked(),
        Undo(),
        Redo(),
        Jump(-2),
        Jump(2),
        ClearUndoHistory(),
        UndoGroupBegan(),
        UndoGroupEnded(),
    ]
)


@given(st.lists(MOVES), st.sampled_from([1, 3, None]))
def test_undo_then_redo_is_where_it_was(actions: list[Action], limit: int | None) -> None:
    """From any history an undo that moves is taken back by a redo, and the steps stay in bounds."""
    reducer = undoable(text, limit=limit)
    history = fold(reducer, *actions)
    back = reducer(history, Undo())
    if back is not history:
        assert attrs.evolve(reducer(back, Redo()), group=None) == attrs.evolve(history, group=None)
    assert limit is None or len(history.past) <= limit
    line = [*history.past, history.present, *history.future]
    assert all(a is not b for a, b in itertools.pairwise(line))


def test_a_recorded_run_with_undo_replays(tmp_path: Path) -> None:
    """The log holds the undo actions, and folding them again gives the live history."""
    root = combine_reducers(Root, document=undoable(document), shown=marks)
    recorder = record(tmp_path / "run.jsonl")
    store = Store(root, middleware=[recorder])
    for each in (*ABC, Undo(), Marked(), Undo(), Redo(), Jump(-1)):
        store.dispatch(each)
    recorder.close()
    timeline = replay(tmp_path / "run.jsonl", root)
    timeline.verify()
    assert timeline.at(timeline.head) == store.state


def test_an_equal_state_is_no_step_live_or_replayed(tmp_path: Path) -> None:
    """A text from a log is another object than the one before it, and makes no step for that."""
    root = undoable(combine_reducers(Titled, title=title))
    recorder = record(tmp_path / "run.jsonl")
    store = Store(root, middleware=[recorder])
    for name in ("abc", "abc", str(b"abc", "ascii"), "d"):
        store.dispatch(Named(name))
    recorder.close()
    assert len(store.state.past) == 2
    timeline = replay(tmp_path / "run.jsonl", root)
    timeline.verify()
    assert timeline.at(timeline.head) == store.state


def test_an_equal_state_of_another_type_is_kept() -> None:
    """What the reducer gave is the present state, though it is no step."""
    letters: Reducer[Any] = Reducer("x")
    letters.on(Typed)(lambda _, action: action.letters)
    reducer = undoable(letters)
    history = fold(reducer, Typed(cast("str", 1)), Typed(cast("str", 1.0)))
    assert len(history.past) == 1
    assert type(history.present) is float


def test_a_state_of_the_inner_reducer_may_be_given() -> None:
    """A store that starts from a document begins a history with it."""
    store = Store(undoable(text), state=Text("old"))
    assert store.state == UndoHistory(Text("old"), pdeque(), pdeque())
    store.dispatch(Typed("!"))
    store.dispatch(Undo())
    assert store.state.present == Text("old")


def test_a_mutable_inner_state_is_refused() -> None:
    """The inner state's type is checked as any other, with its path."""
    with pytest.raises(ValueTypeError, match="present"):
        Store(undoable(Reducer([1, 2])))


def test_handlers_added_later_are_undoable_too() -> None:
    """A handler declared on the inner reducer after wrapping it makes steps."""
    late = Reducer(Marks())
    wrapped = undoable(late)
    store = Store(wrapped)
    store.dispatch(Marked())
    assert store.state.present == Marks(0)

    @late.on(Marked)
    def _(state: Marks, _action: Marked) -> Marks:
        return Marks(state.count + 1)

    store.dispatch(Marked())
    assert (store.state.present, len(store.state.past)) == (Marks(1), 1)
    assert Marked in wrapped.handles
