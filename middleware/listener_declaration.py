"""`ListenerDeclaration`: a function, what it listens for, and how its runs follow each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs

from refold.errors import ListenerDeclarationError
from refold.middleware.listener_trigger import Trigger

__all__ = ["ListenerDeclaration", "Policy", "Reaction"]

Policy: TypeAlias = Literal["every", "latest", "leading", "debounce", "throttle"]
"""How runs of one listener follow each other; see `Listeners.on`."""

Reaction: TypeAlias = Callable[[Any, Any], Any]
"""``(action, fx)``; an ``async def``, or a plain function that does not wait."""

_TIMED: Final = frozenset({"debounce", "throttle"})


@attrs.frozen
class ListenerDeclaration:
    """One listener, as it was declared."""

    trigger: Trigger
    """What it listens for."""

    function: Reaction
    """What it does."""

    policy: Policy = attrs.field(default="every")
    """How its runs follow each other."""

    seconds: float | None = None
    """The quiet time of ``debounce``, the window of ``throttle``; None for the other policies."""

    def __attrs_post_init__(self) -> None:
        """Check it.

        Raises:
            ListenerDeclarationError: the function is none, or policy and seconds do not fit.
        """
        if not callable(self.function):
            message = f"a listener is a function (action, fx), got {self.function!r}"
            raise ListenerDeclarationError(message)
        if self.policy not in get_args(Policy):
            known = ", ".join(get_args(Policy))
            message = f"policy is one of {known}; got {self.policy!r}"
            raise ListenerDeclarationError(message)
        if self.policy in _TIMED and not (self.seconds is not None and self.seconds > 0):
            message = (
                f"policy={self.policy!r} needs its seconds, more than 0; got {self.seconds!r}:"
                f" on(ActionClass, policy={self.policy!r}, seconds=0.3)"
            )
            raise ListenerDeclarationError(message)
        if self.policy not in _TIMED and self.seconds is not None:
            message = (
                f"policy={self.policy!r} takes no seconds, got {self.seconds!r}; they belong to"
                f" debounce and throttle"
            )
            raise ListenerDeclarationError(message)

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two declarations the same: the function and what it listens for."""
        return (self.function, self.trigger.kinds)

    @property
    def name(self) -> str:
        """The function's qualified name."""
        return getattr(self.function, "__qualname__", type(self.function).__qualname__)
