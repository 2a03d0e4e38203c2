"""Behaviour 196: a slow check says so; who does not ask for checks pays nothing.

What belongs here: the threshold, and when there are no checks at all.  What does not: the checks.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from refold.errors import RefoldWarning
from refold.middleware.default_middleware import default_middleware
from refold.middleware.state_checks import state_checks
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.behaviours.check_scene import (
    START,
    Counted,
    Done,
    FakeClock,
    Root,
    make_store,
    reduce_as,
    reports_of,
)

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, Middleware, StoreAPI


def test_196_a_slow_check_says_so_once() -> None:
    """Behaviour 196: what was slow, how slow, and what to do; one warning for each check."""
    store = make_store(clock=FakeClock(per_reading=0.05))
    texts = reports_of(lambda: store.dispatch(Counted()))
    assert [text.split(";")[0] for text in texts] == [
        "the check for unserialisable took 50 ms, more than 32 ms",
        "the check for mutations took 50 ms, more than 32 ms",
    ]
    assert "ignored_slices" in texts[0]
    assert reports_of(lambda: store.dispatch(Counted())) == []


@pytest.mark.parametrize(("per_reading", "count"), [(0.031, 0), (0.033, 2)])
def test_196_the_threshold_is_32_ms(per_reading: float, count: int) -> None:
    """Behaviour 196: a check that takes 31 ms is not slow, one that takes 33 ms is."""
    store = make_store(clock=FakeClock(per_reading))
    assert len(reports_of(lambda: store.dispatch(Counted()))) == count


def test_196_the_threshold_can_be_chosen() -> None:
    """Behaviour 196: in seconds."""
    store = make_store(clock=FakeClock(0.05), slow_seconds=0.06)
    assert reports_of(lambda: store.dispatch(Counted())) == []


def test_196_time_spent_in_reducers_is_not_counted() -> None:
    """Behaviour 196: nor that of subscribers and of what stands behind the check."""
    clock = FakeClock()

    def take_long(state: Root, _action: Action) -> Root:
        clock.now += 10
        return state

    store = make_store(take_long, clock=clock)
    store.subscribe(lambda: setattr(clock, "now", clock.now + 10))
    assert reports_of(lambda: store.dispatch(Done())) == []


def test_196_a_slow_check_does_not_keep_an_action_from_those_who_record() -> None:
    """Behaviour 196: where warnings are errors, the action is committed and told all the same."""
    store = make_store(clock=FakeClock(0.05), unserialisable=False)
    told: list[int] = []
    store.subscribe(lambda: told.append(store.state.count))
    with pytest.raises(RefoldWarning):
        store.dispatch(Counted())
    assert told == [1]


def test_a_store_without_the_checks_has_nothing_of_them_in_its_dispatch() -> None:
    """No line of the checks' files runs in a dispatch, and importing refold loads none of them."""
    store = Store(Reducer.of(reduce_as(lambda state, _: state), START))
    store.dispatch(Counted())
    files: set[str] = set()
    sys.setprofile(lambda frame, _event, _arg: files.add(frame.f_code.co_filename))
    try:
        store.dispatch(Counted())
    finally:
        sys.setprofile(None)
    assert not [file for file in files if "/middleware/" in file]

    program = (
        "import refold, sys; refold.Store, refold.Reducer;"
        "print([name for name in sys.modules if 'state_checks' in name or 'find_' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_default_middleware_has_the_checks_only_when_asked() -> None:
    """`default_middleware(state_checks=True)` adds them, at the end; nothing else does."""

    def kinds(middleware: list[Any]) -> list[str]:
        return [type(each).__name__ for each in middleware]

    assert "_StateChecks" not in kinds(default_middleware())
    assert kinds(default_middleware(state_checks=True)) == [
        *kinds(default_middleware()),
        "_StateChecks",
    ]


def test_an_optimised_program_has_no_checks() -> None:
    """Under ``python -O`` the default list has none, and one that is listed is not in the chain."""
    program = """
from refold.middleware.default_middleware import default_middleware
from refold.middleware.state_checks import state_checks
print(len(default_middleware(state_checks=True)), len(default_middleware()))
print(state_checks()(None, print) is print, hasattr(state_checks(), "committed"))
"""
    done = subprocess.run(
        [sys.executable, "-O", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1 1\nTrue False\n"


def test_what_is_no_action_goes_on() -> None:
    """A function for `thunks`, listed behind the checks, is none of their business."""

    def take_all(_store: StoreAPI[Root], _next: Dispatch) -> Any:
        def take(candidate: object) -> tuple[str, object]:
            return "taken", candidate

        return take

    middleware: list[Middleware[Root]] = [state_checks(), take_all]
    store = Store(Reducer.of(reduce_as(lambda state, _: state), START), middleware=middleware)
    dispatch: Any = store.dispatch
    assert dispatch(print) == ("taken", print)


def test_the_parts_per_look_are_at_least_one() -> None:
    """Anything less would never look."""
    with pytest.raises(ValueError, match="1 or more, got 0"):
        state_checks(parts_per_look=0)
