"""`reducer_machine`: a reducer as a state machine of Hypothesis, one rule per action.

What belongs here: making the class.  What does not: the laws that are tested at each step, which
`law_checker` has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from refold.errors import ReducerDeclarationError
from refold.reducers.reducer import as_reducer
from refold.testing.action_strategies import actions_for
from refold.testing.broken_law_message import explaining
from refold.testing.law_checker import CheckedRun, LawChecker

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer
    from refold.testing.invariants import InvariantFunction

__all__ = ["reducer_machine"]

S = TypeVar("S")

_ATTRIBUTES: Final = frozenset(
    {
        "bundles",
        "checked_run",
        "invariants",
        "names_counters",
        "names_list",
        "names_to_values",
        "rules",
    }
)
"""Names that a rule cannot have."""


def reducer_machine(
    reducer: Callable[[Any, Any], S],
    /,
    *,
    actions: Iterable[type[Action]] | None = None,
    invariants: Iterable[InvariantFunction[S]] = (),
) -> type[RuleBasedStateMachine]:
    """Return a state machine whose rules are the actions of a reducer.

    Each rule is named after its action class, so that a failing run reads as what happened; laws
    and invariants are tested after each.  Rules of your own go into a subclass::

        TestTodos = reducer_machine(root).TestCase

    Args:
        reducer: a Reducer, of a slice or of the root, or a plain function.
        actions: the action classes to make rules of; those that the reducer handles by default.
        invariants: as for `refold.testing.check_laws.check_reducer_laws`.

    Raises:
        ReducerDeclarationError: there is no action to make a rule of, or an invariant takes
            neither one argument nor three.
    """
    fold = as_reducer(reducer)
    classes = sorted(fold.handles if actions is None else actions, key=lambda cls: cls.wire_name)
    if not classes:
        message = (
            "this reducer names no action that it handles, as one made of a plain function cannot;"
            " write reducer_machine(reducer, actions=[...])"
        )
        raise ReducerDeclarationError(message)
    base = _machine_base(fold, tuple(invariants))
    rules: dict[str, Any] = {}
    for cls in classes:
        name = _free_name(cls, base, rules)
        rules[name] = _rule_of(fold, cls, name)
    return cast(
        "type[RuleBasedStateMachine]",
        type(f"{type(fold.initial).__name__}Machine", (base,), rules),
    )


def _machine_base(
    reducer: Reducer[Any], invariants: tuple[Callable[..., object], ...]
) -> type[RuleBasedStateMachine]:
    checkers: list[LawChecker] = []

    class ReducerMachine(RuleBasedStateMachine):
        """Folds one run of the reducer."""

        def __init__(self) -> None:
            """Stand at the initial state."""
            super().__init__()
            if not checkers:  # not before a test runs: what it finds is that test's failure
                with explaining():
                    checkers.append(LawChecker(reducer, invariants))
            self.checked_run = CheckedRun(checkers[0])

        def teardown(self) -> None:
            """Test the laws of a whole run, unless a step broke one."""
            with explaining():
                self.checked_run.finish()

    return ReducerMachine


def _rule_of(reducer: Reducer[Any], cls: type[Action], name: str) -> Callable[..., None]:
    """Return the rule of an action class; what it draws fits the state at present."""

    def take(self: Any, action: Action) -> None:
        with explaining():
            self.checked_run.take(action)

    def drawn_for(machine: Any) -> st.SearchStrategy[Action]:
        run: CheckedRun = machine.checked_run
        now_ms = max((each.at_ms or 0 for each in run.actions), default=None)
        return actions_for(reducer, state=run.state, actions=[cls], now_ms=now_ms)

    take.__name__ = take.__qualname__ = name
    return rule(action=st.runner().flatmap(drawn_for))(take)


def _free_name(cls: type[Action], base: type, taken: Iterable[str]) -> str:
    """Return the class's name as a method is named; with its group if another has that name."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
    if name not in taken and not hasattr(base, name) and name not in _ATTRIBUTES:
        return name
    return re.sub(r"\W", "_", cls.wire_name)
