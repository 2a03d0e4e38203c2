"""A reducer as a state machine: rules named after actions, laws at every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from refold import Action, Reducer, action, evolve
from refold.errors import BrokenLawError, ReducerDeclarationError
from refold.testing.law_machine import reducer_machine
from tests.testing.lawless_reducers import BREAKING, Box, Drop, Put, Weigh, make_box

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine


def run_machine(machine: type[RuleBasedStateMachine], max_examples: int = 100) -> None:
    """Run it as pytest does."""
    case: Any = machine.TestCase
    case.settings = settings(
        case.settings, max_examples=max_examples, database=None, stateful_step_count=12
    )
    case("runTest").runTest()


TestBox = reducer_machine(make_box()).TestCase
"""As a user writes it: pytest collects it."""
TestBox.settings = settings(TestBox.settings, max_examples=10, stateful_step_count=10)


@pytest.mark.parametrize(
    "what",
    [
        "whole seconds",
        "a counter outside",
        "keeps a list",
        "changes the state",
        "copies for unknown",
    ],
)
def test_a_broken_law_is_found(what: str) -> None:
    """The machine tests the laws that `check_reducer_laws` tests."""
    law, _, make = BREAKING[what]
    with pytest.raises(BrokenLawError) as caught:
        run_machine(reducer_machine(make()))
    assert caught.value.law == law


def test_the_steps_are_named_after_the_actions() -> None:
    """A failing run is printed by Hypothesis as what happened, and by us as a program."""
    machine = reducer_machine(make_box(), invariants=[lambda state: state.weight < 5])
    assert machine.__name__ == "BoxMachine"
    with pytest.raises(BrokenLawError) as caught:
        run_machine(machine)
    notes = "\n".join(caught.value.__notes__)
    assert "state = BoxMachine()" in notes
    assert "state.weigh(action=Weigh(" in notes
    assert "        Weigh(weight=" in str(caught.value)


def test_an_invariant_that_the_initial_state_breaks_is_a_failure_of_the_test() -> None:
    """Making the machine raises nothing: the test that it becomes fails."""
    machine = reducer_machine(make_box(), invariants=[lambda state: state.label != ""])
    with pytest.raises(BrokenLawError, match="in the initial state"):
        run_machine(machine)


def test_only_the_given_actions_are_rules() -> None:
    """`actions` narrows the rules."""
    machine = reducer_machine(make_box(), actions=[Put, Drop])
    assert hasattr(machine, "put")
    assert not hasattr(machine, "weigh")


def test_a_class_named_like_a_method_gets_its_wire_name() -> None:
    """No action takes the place of something that the machine needs, or of another action."""

    @action("law_machine/teardown")
    class Teardown(Action):
        pass

    @action("law_machine_other/put")
    class Put(Action):
        pass

    reducer = make_box()
    reducer.on(Teardown, Put)(lambda state, _action: evolve(state, weight=1))
    machine = reducer_machine(reducer)
    names = {name for name in vars(machine) if not name.startswith("_")}
    assert {"law_machine_teardown", "put", "lawless_put", "weigh", "drop"} <= names
    assert machine.teardown.__qualname__.endswith("ReducerMachine.teardown")
    run_machine(machine, max_examples=5)


def test_a_reducer_without_actions_is_refused() -> None:
    """A plain function names no actions, so they have to be given."""
    with pytest.raises(ReducerDeclarationError, match=r"actions=\["):
        reducer_machine(Reducer.of(lambda state, _action: state, Box()))


def test_the_laws_of_a_whole_run_are_tested_too() -> None:
    """What only shows after the last step fails the test as well."""
    seen: list[Box] = []
    reducer = Reducer(Box())

    @reducer.on(Weigh)
    def _(state: Box, action: Weigh) -> Box:
        if len(seen) > 1 and state is not seen[0]:
            object.__setattr__(seen[0], "label", "changed")
        seen.append(state)
        return evolve(state, weight=action.weight)

    with pytest.raises((BrokenLawError, ExceptionGroup)):
        run_machine(reducer_machine(reducer))
