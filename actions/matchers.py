"""Matchers: questions about an action that a reducer or listener can be chosen by.

What belongs here: joining classes, matchers and predicates.  What does not: matchers of one
domain's actions, which stand with those actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from refold.actions.action import Action
from refold.errors import ReducerDeclarationError

__all__ = ["Matchable", "Matcher", "all_of", "any_of", "as_matcher"]

Matcher: TypeAlias = Callable[[Action], bool]
"""A question about an action; it looks at nothing but the action."""

Matchable: TypeAlias = type[Action] | Matcher
"""What `any_of` and `all_of` take: an action class, a matcher, or any predicate."""


def any_of(*choices: Matchable) -> Matcher:
    """Return a matcher that is true if at least one of the choices matches."""
    matchers = [as_matcher(choice) for choice in choices]

    def matches_any(action: Action) -> bool:
        return any(matches(action) for matches in matchers)

    return matches_any


def all_of(*choices: Matchable) -> Matcher:
    """Return a matcher that is true if every one of the choices matches."""
    matchers = [as_matcher(choice) for choice in choices]

    def matches_all(action: Action) -> bool:
        return all(matches(action) for matches in matchers)

    return matches_all


def as_matcher(choice: Matchable) -> Matcher:
    """Return a matcher for an action class, or the callable that it already is.

    Raises:
        ReducerDeclarationError: the choice is neither.
    """
    if isinstance(choice, type) and issubclass(choice, Action):
        return choice.matches
    if not isinstance(choice, type) and callable(choice):
        return choice
    message = (
        f"a matcher must be an action class or a callable (action) -> bool, got {choice!r};"
        f" pass the class itself, any_of(...), all_of(...) or a function"
    )
    raise ReducerDeclarationError(message)
