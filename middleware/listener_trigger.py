"""`Trigger`: which committed actions a listener or a `take` is for.

What belongs here: the question.  What does not: what happens when it is answered.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from refold.actions.action import Action
from refold.errors import ListenerDeclarationError

__all__ = ["Kind", "Trigger"]

Kind: TypeAlias = type[Action] | str | Callable[[Action], bool] | Callable[[Action, Any, Any], bool]
"""An action class (exactly that one), a wire name, a matcher of the action, or a predicate of the
action, the state after it and the state before it."""


class Trigger:
    """One or several kinds of actions; any of them counts."""

    __slots__ = ("_names", "_predicates", "classes", "kinds")

    def __init__(self, *kinds: Kind) -> None:
        """Sort the kinds.

        Raises:
            ListenerDeclarationError: there is none, or one is no kind of action.
        """
        if not kinds:
            message = "a listener needs at least one kind of action: on(ActionClass)"
            raise ListenerDeclarationError(message)
        self.kinds = kinds
        """As they were given; two triggers of the same kinds are the same."""
        self.classes: frozenset[type[Action]] = frozenset(
            kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Action)
        )
        """The action classes among them."""
        self._names = frozenset(kind for kind in kinds if isinstance(kind, str))
        rest = [kind for kind in kinds if kind not in self.classes and not isinstance(kind, str)]
        self._predicates = [_as_predicate(kind) for kind in rest]

    @property
    def is_of_classes_only(self) -> bool:
        """Whether the action's class alone decides."""
        return not self._names and not self._predicates

    def is_for_class(self, action_class: type[Action]) -> bool:
        """Tell whether every action of this class is one of the kinds."""
        return action_class in self.classes or action_class.wire_name in self._names

    def may_be_for(self, action_class: type[Action]) -> bool:
        """Tell whether an action of this class can be one of the kinds."""
        return bool(self._predicates) or self.is_for_class(action_class)

    def is_for(self, action: Action, state: Any, old_state: Any) -> bool:
        """Tell whether an action is one of the kinds; a predicate's error goes through."""
        return self.is_for_class(type(action)) or any(
            holds(action, state, old_state) for holds in self._predicates
        )


def _as_predicate(kind: object) -> Callable[[Action, Any, Any], bool]:
    if not callable(kind) or isinstance(kind, type):
        message = (
            f"a listener is for an action class, a wire name, a matcher (action) -> bool or a"
            f" predicate (action, state, old_state) -> bool; got {kind!r}"
        )
        raise ListenerDeclarationError(message)
    try:
        count = len(inspect.signature(kind).parameters)
    except (TypeError, ValueError):  # some built-in functions tell nothing
        count = 1
    match count:
        case 1:
            return lambda action, _state, _old_state: bool(kind(action))
        case 3:
            return lambda action, state, old_state: bool(kind(action, state, old_state))
        case _:
            message = (
                f"{kind!r} takes {count} arguments; a matcher takes (action), a predicate takes"
                f" (action, state, old_state)"
            )
            raise ListenerDeclarationError(message)
