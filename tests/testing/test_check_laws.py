"""One line that tests a reducer: what it finds, what it says, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import Phase, settings

from refold import Action, Reducer, action, evolve
from refold.errors import BrokenLawError, ReducerDeclarationError
from refold.testing.check_laws import check_reducer_laws
from tests.testing.lawless_reducers import BREAKING, Box, Drop, Put, Weigh, make_box

if TYPE_CHECKING:
    from refold.testing.invariants import InvariantFunction

SEARCH = settings(max_examples=200, database=None)


def found_in(reducer: Any, *invariants: InvariantFunction[Any], **options: Any) -> BrokenLawError:
    """Return what is found."""
    with pytest.raises(BrokenLawError) as caught:
        check_reducer_laws(reducer, invariants, settings=SEARCH, **options)
    return caught.value


@pytest.mark.parametrize("what", [what for what in BREAKING if what != "changes the action"])
def test_each_broken_law_is_found_with_a_short_run(what: str) -> None:
    """The search comes to the broken law, and to a run of at most three actions."""
    law, _, make = BREAKING[what]
    actions = [Put, Weigh] if what == "resets for unknown" else None
    broken = found_in(make(), actions=actions)
    assert broken.law == law
    assert len(broken.actions) <= 3


def test_a_correct_reducer_passes() -> None:
    """Nothing is raised where nothing is wrong, with invariants of all kinds."""

    def asserts(state: Box) -> None:
        assert state.weight >= state.weight

    def is_step(before: Box, action: Action, after: Box) -> bool:
        return not isinstance(action, Drop) or after == Box() or before is after

    check_reducer_laws(make_box(), [lambda state: state.weight < 10**100, asserts, is_step])


def is_light(state: Box) -> bool:
    """Hold until something is heavy."""
    return state.weight < 5


def test_the_message_shows_law_run_place_and_advice() -> None:
    """The whole text, for a law that names a place."""
    broken = found_in(BREAKING["whole seconds"][2]())
    assert str(broken).splitlines() == [
        "broken law same_input_same_output: the same state and action always give the",
        "same result.",
        "",
        "The shortest run that was found, of 1 action:",
        "",
        "    from tests.testing.lawless_reducers import Put",
        "",
        "    actions = [",
        "        Put(name=''),",
        "    ]",
        "    state = reducer.initial",
        "    for action in actions:",
        "        state = reducer(state, action)",
        "",
        "Called again when the clock showed another time, the reducer gave another",
        "result, at Box.label:",
        "    expected  '981173106'",
        "    found     '1985450329'",
        "",
        "Read nothing but the state and the action: the time is action.at_ms, chance is",
        "drawn before the action is made and carried in it, and what is listed out of a",
        "set or a map is sorted.",
    ]


def test_the_message_of_an_invariant_names_it() -> None:
    """An invariant that returns False is named, with the shortest run that breaks it."""
    broken = found_in(make_box(), is_light)
    assert broken.actions == (Weigh(5),)
    assert "The invariant is_light returned False." in str(broken)
    assert "        Weigh(weight=5)," in str(broken)
    assert (broken.law, broken.path, broken.index) == ("invariant", "", 0)


def test_an_invariant_that_raises_is_a_failure_and_the_cause() -> None:
    """What an invariant raises is told, and chained, so that its own lines are seen."""

    def looks_up(state: Box) -> bool:
        return {0: True}[state.weight]

    broken = found_in(make_box(), lambda _state: True, looks_up)
    assert f"The invariant looks_up raised KeyError: {broken.__cause__}." in str(broken)
    assert isinstance(broken.__cause__, KeyError)


def test_an_invariant_is_asked_for_the_initial_state_too() -> None:
    """No action is needed to break it; a rule about steps is not asked before the first one."""
    broken = found_in(make_box(), lambda _b, _a, _c: True, lambda state: state.label != "")
    assert (broken.index, broken.actions) == (-1, ())
    assert "It is broken in the initial state, before any action." in str(broken)
    assert f"The invariant in {Path(__file__).name}, line " in str(broken)


def test_an_invariant_of_a_step_sees_both_states() -> None:
    """A rule of three parameters gets the state before, the action and the state after."""

    def only_drop_empties(before: Box, action: Action, after: Box) -> bool:
        return isinstance(action, Weigh) or len(after.names) >= len(before.names)

    broken = found_in(make_box(), only_drop_empties)
    assert [type(one) for one in broken.actions] == [Put, Drop]


def of_nothing() -> bool:
    """Take no state."""
    return True


def of_two(_before: Box, _after: Box) -> bool:
    """Take no action."""
    return True


@pytest.mark.parametrize("wrong", [of_nothing, of_two, 5])
def test_what_is_no_invariant_is_refused(wrong: Any) -> None:
    """A function of no, or of two, parameters is neither kind; the message says what is one."""
    with pytest.raises(ReducerDeclarationError, match=r"\(state\) -> bool or \(before, action"):
        check_reducer_laws(make_box(), [wrong])


def test_a_raising_reducer_is_the_cause_and_has_the_last_action() -> None:
    """The user's own traceback is chained, and the run ends with the action that it is about."""
    broken = found_in(BREAKING["raises"][2]())
    assert isinstance(broken.__cause__, IndexError)
    assert broken.actions == (Put(""),)
    assert "The last action made it raise IndexError: string index out of range." in str(broken)


def test_only_the_given_actions_are_made() -> None:
    """`actions` narrows the search to some classes."""
    check_reducer_laws(make_box(), [is_light], actions=[Put, Drop], settings=SEARCH)


def test_a_class_that_cannot_be_imported_is_shown_all_the_same() -> None:
    """Where no import can be written, a comment says so and the actions are shown."""

    @action("check_laws/shouted")
    class Shouted(Action):
        words: str

    reducer = Reducer(Box())
    reducer.on(Shouted)(lambda state, action: evolve(state, label=action.words))
    broken = found_in(reducer, lambda state: state.label == "")
    assert "    # " in str(broken)
    assert "cannot be imported by a test" in str(broken)
    assert "        Shouted(at_ms=None, words=" in str(broken)


def test_long_actions_are_written_over_several_lines() -> None:
    """No line of the text is wider than a hundred characters."""
    broken = found_in(make_long_words(), lambda state: not state.label)
    assert max(map(len, str(broken).splitlines())) <= 100
    assert "\n        LongWords(\n            the_first_of_the_words=" in str(broken)


@action("check_laws/long_words")
class LongWords(Action):
    """Names of fields that do not fit a line together."""

    the_first_of_the_words: str
    the_second_of_the_words: str
    the_third_of_the_words: str
    the_fourth_of_the_words: str


def make_long_words() -> Reducer[Box]:
    """Return a reducer of such actions."""
    reducer = Reducer(Box())
    reducer.on(LongWords)(lambda state, _action: evolve(state, label="x"))
    return reducer


def test_the_error_is_an_assertion_and_has_no_noise() -> None:
    """It is an AssertionError, as a failing test is, without notes of Hypothesis."""
    broken = found_in(make_box(), is_light)
    assert isinstance(broken, AssertionError)
    assert not hasattr(broken, "__notes__")


def test_the_users_settings_count() -> None:
    """As many runs are tried as the settings say, and none without a phase that makes them."""
    asked: list[Box] = []

    def ask(state: Box) -> None:
        asked.append(state)

    few = settings(max_examples=3, database=None)
    check_reducer_laws(make_box(), [ask], settings=few, actions=[Put])
    with_few = len(asked)
    asked.clear()
    none = settings(max_examples=100, database=None, phases=[Phase.explicit])
    with pytest.raises(unittest.SkipTest):  # as Hypothesis says that nothing was tried
        check_reducer_laws(make_box(), [ask], settings=none, actions=[Put])
    assert len(asked) == 1  # the initial state
    assert 1 < with_few <= 1 + 3 * 50


PROGRAM = """
from hypothesis import settings
from refold.testing.check_laws import check_reducer_laws
from tests.testing.lawless_reducers import make_box
seen = []
def see(_before, action, _after):
    seen.append(f"{action!r}")
check_reducer_laws(make_box(), [see], seed=5, settings=settings(max_examples=20, database=None))
import hashlib
print(len(seen), hashlib.sha256("".join(seen).encode()).hexdigest())
"""


def test_a_seed_gives_the_same_runs_in_every_process() -> None:
    """The same number makes the same runs, whatever PYTHONHASHSEED is."""
    root = Path(__file__).parents[2]
    answers = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
        ).stdout
        for seed in ("1", "2")
    ]
    assert answers[0] == answers[1]
    assert not answers[0].startswith("0 ")


def test_a_reducer_that_fails_only_now_and_then_is_found() -> None:
    """What a reducer keeps to itself makes a failure come and go; it is told all the same."""
    calls = [0]

    def fold(state: Box, _action: Put) -> Box:
        calls[0] += 1
        if calls[0] % 5 == 0:
            message = "now"
            raise ValueError(message)
        return state

    reducer = Reducer(Box())
    reducer.on(Put)(fold)
    broken = found_in(reducer, seed=1)
    assert broken.law in {"never_raises", "same_input_same_output", "fold_equals_live"}


@attrs.frozen
class Late:
    """A state of a plain function."""

    count: int = 0


def test_a_plain_function_is_a_reducer() -> None:
    """A function of state and action is tested as it is; its actions must be said."""

    def fold(state: Late | None, action: Action) -> Late:
        state = state or Late()
        return evolve(state, count=state.count + 1) if isinstance(action, Drop) else state

    check_reducer_laws(fold, actions=[Drop], settings=SEARCH)
    broken = found_in(fold, lambda state: state.count < 3, actions=[Drop])
    assert broken.actions == (Drop(), Drop(), Drop())
