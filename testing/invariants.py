"""`Invariant`: a rule of the user's about states, or about single steps.

What belongs here: telling the two kinds apart, and asking one.  What does not: when one is asked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

import attrs

from refold.errors import ReducerDeclarationError

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["Invariant", "InvariantFunction", "StateBeforeAndAfter", "as_invariants"]

S = TypeVar("S")

InvariantFunction: TypeAlias = "Callable[[S], bool | None] | Callable[[S, Action, S], bool | None]"
"""``(state)`` or ``(before, action, after)``: false, or an exception, for what must not be.  None
counts as true, so that a function of assertions may do without a ``return``."""


class StateBeforeAndAfter(Protocol):
    """The step that an invariant is asked about."""

    @property
    def before(self) -> Any:
        """The state before the action."""
        ...

    @property
    def action(self) -> Action:
        """The action."""
        ...

    @property
    def after(self) -> Any:
        """The state after it."""
        ...


@attrs.frozen
class Invariant:
    """One rule."""

    function: Callable[..., object]
    """As the user gave it."""

    name: str
    """How a message names it."""

    of: Literal["state", "step"]
    """What it takes: one state; or two, with the action between them."""

    def holds(self, step: StateBeforeAndAfter) -> bool:
        """Tell whether it holds after a step.

        Raises:
            Exception: what the function raised.
        """
        if self.of == "state":
            answer = self.function(step.after)
        else:
            answer = self.function(step.before, step.action, step.after)
        return answer is None or bool(answer)


def as_invariants(functions: Iterable[Callable[..., object]]) -> tuple[Invariant, ...]:
    """Return the invariants of functions, told apart by their numbers of parameters.

    Raises:
        ReducerDeclarationError: one takes neither one argument nor three.
    """
    return tuple(Invariant(each, _name_of(each), _kind_of(each)) for each in functions)


def _kind_of(function: Callable[..., object]) -> Literal["state", "step"]:
    if not callable(function):  # pyright: ignore[reportUnnecessaryComparison]  # users without a type checker
        raise _no_invariant(function)
    signature = inspect.signature(function)
    if _takes(signature, 1):
        return "state"
    if _takes(signature, 3):
        return "step"
    raise _no_invariant(function)


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _no_invariant(given: object) -> ReducerDeclarationError:
    message = (
        f"an invariant is a function (state) -> bool or (before, action, after) -> bool, got"
        f" {given!r}; give it one parameter or three"
    )
    return ReducerDeclarationError(message)


def _name_of(function: Callable[..., object]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    code: Any = getattr(function, "__code__", None)
    if name == "<lambda>" and code is not None:
        return f"in {Path(code.co_filename).name}, line {code.co_firstlineno},"
    return str(name)
