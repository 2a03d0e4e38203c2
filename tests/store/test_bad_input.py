"""Bad input to a store: every error says what was expected, what came, where, and what to do.

What belongs here: the words of the errors and that nothing is lost.  What does not: the refusals
themselves, which the behaviours pin.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.errors import (
    InsideReducerError,
    NotAnActionError,
    ReducerReturnedNoneError,
    RefoldError,
    StateShapeError,
    StoreClosedError,
    WireNameTakenError,
    WrongThreadError,
)
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen
class Counter:
    """A state with one number."""

    value: int = 0


@attrs.frozen
class Root:
    """A root of two counters."""

    tame: Counter
    wild: Counter


@action("bad_input/increased")
class Increased(Action):
    """Both counters went up."""


@action("bad_input/provoked")
class Provoked(Action):
    """The tame counter counts it; the wild one does what the test tells it to."""


class WildError(Exception):
    """What a reducer or a subscriber raises."""


async def fetch_the_news() -> None:
    """Do nothing; its coroutine is dispatched by mistake."""


def increase(state: Counter, _action: Action) -> Counter:
    """Count one more."""
    return Counter(state.value + 1)


def make_store(provoke: Callable[[], object] = lambda: None) -> Store[Root]:
    """Return a store of two slices, one of which calls the function when provoked."""
    tame, wild = Reducer(Counter()), Reducer(Counter())
    tame.on(Increased, Provoked)(increase)
    wild.on(Increased)(increase)

    @wild.on(Provoked)
    def _(_state: Counter, _action: Provoked) -> Counter:
        return cast("Counter", provoke())

    return Store(combine_reducers(Root, tame=tame, wild=wild))


def dispatch_one(store: Store[Root]) -> None:
    """Dispatch."""
    store.dispatch(Increased())


def read_state(store: Store[Root]) -> Root:
    """Read the state."""
    return store.state


def subscribe_nothing(store: Store[Root]) -> None:
    """Subscribe a function that does nothing."""
    store.subscribe(lambda: None)


def names_provoked(message: str) -> bool:
    """Return whether a message names the action that went wrong."""
    return "Provoked" in message or Provoked.wire_name in message


def check_still_works(store: Store[Root], before: Root) -> None:
    """Check that the state is the one before and that the next dispatch works."""
    assert store.state is before
    store.dispatch(Increased())
    assert store.state == Root(Counter(before.tame.value + 1), Counter(before.wild.value + 1))


def in_another_thread(act: Callable[[], object]) -> BaseException | None:
    """Call the function in another thread and return what it raised, if anything."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  # handed to the test, which looks at it
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


@pytest.mark.parametrize("value", [None, 42, "increased", {"type": "bad_input/increased"}, b"x"])
def test_what_is_no_action_is_refused_with_what_was_expected(value: object) -> None:
    """The refusal of a non-action says that an action was expected, what came, what to write."""
    store = make_store()
    before = store.state
    with pytest.raises(NotAnActionError) as caught:
        store.dispatch(cast("Any", value))
    message = str(caught.value)
    assert "action" in message
    assert ("None" if value is None else type(value).__name__) in message
    assert "dispatch" in message
    assert "@action" in message
    check_still_works(store, before)


def test_a_coroutine_is_refused_and_the_advice_is_to_await() -> None:
    """The refusal of a coroutine says what it is and what to do with it."""
    store = make_store()
    before = store.state
    coroutine = fetch_the_news()
    with pytest.raises(NotAnActionError) as caught:
        store.dispatch(cast("Any", coroutine))
    coroutine.close()
    message = str(caught.value)
    assert "coroutine" in message
    assert "await" in message
    check_still_works(store, before)


def test_a_function_is_refused_and_the_advice_is_the_thunks_middleware() -> None:
    """The refusal of a function names it and the middleware that would call it."""
    store = make_store()
    before = store.state
    with pytest.raises(NotAnActionError) as caught:
        store.dispatch(cast("Any", increase))
    assert "function" in str(caught.value)
    assert "thunks" in str(caught.value)
    check_still_works(store, before)


def test_a_class_instead_of_an_instance_is_refused_and_the_advice_is_to_call_it() -> None:
    """The refusal of an action class names it and shows the call that was meant."""
    store = make_store()
    before = store.state
    with pytest.raises(NotAnActionError) as caught:
        store.dispatch(cast("Any", Increased))
    message = str(caught.value)
    assert "the action class itself, not an instance" in message
    assert "Increased(" in message
    check_still_works(store, before)


def test_a_taken_wire_name_names_both_classes() -> None:
    """A second class under a taken wire name is refused; the message names both classes."""
    with pytest.raises(WireNameTakenError) as caught:

        @action("bad_input/increased")
        class _IncreasedAgain(Action):  # pyright: ignore[reportUnusedClass]  # declaring it raises
            """Never declared."""

    message = str(caught.value)
    for words in ("bad_input/increased", "Increased", "_IncreasedAgain"):
        assert words in message
    store = make_store()
    check_still_works(store, store.state)


def test_a_reducer_that_returns_none_is_told_to_return_the_state() -> None:
    """A reducer that returns None is named by slice and action, and told what to return."""
    store = make_store()
    before = store.state
    with pytest.raises(ReducerReturnedNoneError) as caught:
        store.dispatch(Provoked())
    message = str(caught.value)
    assert "wild" in message
    assert "None" in message
    assert "return" in message
    assert "state" in message
    assert names_provoked(message)
    check_still_works(store, before)


def test_a_single_reducer_that_returns_none_names_the_action() -> None:
    """A reducer that is no slice and returns None is refused, naming the action."""
    reducer = Reducer(Counter())

    @reducer.on(Provoked)
    def _(_state: Counter, _action: Provoked) -> Counter:
        return cast("Counter", None)

    store = Store(reducer)
    before = store.state
    with pytest.raises(ReducerReturnedNoneError) as caught:
        store.dispatch(Provoked())
    assert names_provoked(str(caught.value))
    assert store.state is before


@pytest.mark.parametrize("error_type", [WildError, KeyError, ValueError, RuntimeError])
def test_a_reducers_exception_passes_with_a_note_of_slice_and_action(
    error_type: type[Exception],
) -> None:
    """A reducer's exception is of its own type and notes the slice and the action."""
    error = error_type("the cause")

    def fail() -> None:
        raise error

    store = make_store(fail)
    before = store.state
    with pytest.raises(error_type) as caught:
        store.dispatch(Provoked())
    assert caught.value is error
    assert caught.value.args == ("the cause",)
    notes = "\n".join(caught.value.__notes__)
    assert "wild" in notes
    assert names_provoked(notes)
    check_still_works(store, before)


def test_a_reducer_stopped_by_the_keyboard_leaves_the_state_too() -> None:
    """What is no Exception passes through a reducer as well and leaves the store usable."""

    def stop() -> None:
        raise KeyboardInterrupt

    store = make_store(stop)
    before = store.state
    with pytest.raises(KeyboardInterrupt):
        store.dispatch(Provoked())
    check_still_works(store, before)


@pytest.mark.parametrize(
    ("reach", "words"),
    [
        (dispatch_one, "dispatch"),
        (read_state, "state"),
        (subscribe_nothing, "subscribe"),
    ],
)
def test_reaching_for_the_store_in_a_reducer_says_what_to_do_instead(
    reach: Callable[[Store[Root]], object], words: str
) -> None:
    """What a reducer may not do is named, with the action it was at; and the state is intact."""
    store = make_store(lambda: reach(store))
    before = store.state
    with pytest.raises(InsideReducerError) as caught:
        store.dispatch(Provoked())
    assert words in str(caught.value)
    assert "reducer" in str(caught.value)
    told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert names_provoked(told)
    check_still_works(store, before)


def test_a_reducer_that_swallows_the_refusal_changes_nothing_else() -> None:
    """A reducer that catches the refusal of its dispatch has still dispatched nothing."""
    refused: list[RefoldError] = []

    def dispatch_quietly() -> Counter:
        with pytest.raises(InsideReducerError) as caught:
            store.dispatch(Increased())
        refused.append(caught.value)
        return Counter(7)

    store = make_store(dispatch_quietly)
    store.dispatch(Provoked())
    assert len(refused) == 1
    assert store.state == Root(Counter(1), Counter(7))


def test_a_dispatch_from_another_thread_is_refused_and_names_the_threadsafe_one() -> None:
    """A dispatch from a foreign thread raises, names `dispatch_threadsafe` and the action."""
    store, calls = make_store(lambda: Counter(5)), list[str]()
    store.subscribe(lambda: calls.append("told"))
    before = store.state
    error = in_another_thread(lambda: store.dispatch(Provoked()))
    assert isinstance(error, WrongThreadError)
    assert "dispatch_threadsafe" in str(error)
    assert "thread" in str(error)
    assert calls == []
    check_still_works(store, before)


async def test_a_dispatch_from_another_thread_is_refused_in_an_entered_store() -> None:
    """In `async with`, too, a foreign thread is refused and the state intact."""
    async with make_store(lambda: Counter(5)) as store:
        before = store.state
        error = in_another_thread(lambda: store.dispatch(Provoked()))
        assert isinstance(error, WrongThreadError)
        check_still_works(store, before)


def test_a_non_action_from_another_thread_is_refused_as_well() -> None:
    """Whatever is wrong first, a foreign thread's bad dispatch is an error of ours."""
    store = make_store()
    assert isinstance(in_another_thread(lambda: store.dispatch(cast("Any", 42))), RefoldError)


def test_a_state_of_the_wrong_kind_names_what_was_expected() -> None:
    """A start state of the wrong kind is refused with the expected class and keys."""
    reducer = combine_reducers(Root, tame=Reducer(Counter()), wild=Reducer(Counter()))
    with pytest.raises(StateShapeError) as caught:
        Store(reducer, state=[1, 2])
    for words in ("Root", "list", "tame", "wild"):
        assert words in str(caught.value)


async def test_a_dispatch_after_closing_says_that_the_store_is_closed() -> None:
    """A dispatch to a closed store raises, names the action, and leaves the state readable."""
    store = make_store(lambda: Counter(5))
    async with store:
        store.dispatch(Increased())
    before = store.state
    with pytest.raises(StoreClosedError) as caught:
        store.dispatch(Provoked())
    assert "closed" in str(caught.value)
    assert names_provoked(str(caught.value))
    assert store.state is before
