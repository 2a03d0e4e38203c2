"""Checks that selectors make while a program is developed, and how to set them.

What belongs here: the two checks and their global setting.  What does not: when a selector runs
them, which `selector` decides.

Under ``python -O`` no check is ever made.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, cast

from refold.errors import RefoldWarning, SelectorDeclarationError

__all__ = [
    "CheckFrequency",
    "DevelopmentChecks",
    "check_identity",
    "check_input_stability",
    "frequency_for",
    "set_development_checks",
]

CheckFrequency: TypeAlias = Literal["once", "always", "never"]
"""``once``: at a selector's first run; ``always``: whenever its inputs run; ``never``."""


class FollowsChecks(Protocol):
    """Something that keeps a copy of the global setting."""

    def refresh_checks(self) -> None:
        """Read the setting again."""


class DevelopmentChecks(NamedTuple):
    """The global setting of both checks."""

    inputs: CheckFrequency = "once"
    """Whether an input selector gives the same value for the same state."""

    identity: CheckFrequency = "once"
    """Whether the result function does more than to return its only input."""


_setting = DevelopmentChecks()
_followers: weakref.WeakSet[FollowsChecks] = weakref.WeakSet()


def set_development_checks(
    inputs: CheckFrequency = "once", identity: CheckFrequency = "once"
) -> DevelopmentChecks:
    """Set both checks for every selector that does not set its own; return the previous setting."""
    global _setting  # noqa: PLW0603  # one setting for the program is what this function is for
    previous = _setting
    _setting = DevelopmentChecks(_valid_frequency(inputs), _valid_frequency(identity))
    for follower in tuple(_followers):
        follower.refresh_checks()
    return previous


def frequency_for(
    own: str | None, kind: Literal["inputs", "identity"], follower: FollowsChecks
) -> CheckFrequency:
    """Return how often a selector makes a check.

    Args:
        own: the selector's own setting; empty means ``once``; None means the global one.
        kind: which check.
        follower: asked to read the global setting again when it changes.
    """
    if not __debug__:
        return "never"
    if own is not None:
        return _valid_frequency(own or "once")
    _followers.add(follower)
    return _setting.inputs if kind == "inputs" else _setting.identity


def check_input_stability(
    inputs: Sequence[Callable[..., Any]],
    first: Sequence[Any],
    arguments: tuple[Any, ...],
    equal: Callable[[Any, Any], bool],
    defined_at: str,
) -> None:
    """Run each input once more and report one that gave another value for the same arguments."""
    for place, (select, value) in enumerate(zip(inputs, first, strict=True)):
        again = select(*arguments)
        if not equal(value, again):
            message = (
                f"input {place + 1} of the selector defined at {defined_at} gave another value for"
                f" the same state: first {value!r}, then {again!r}; every dispatch recomputes the"
                f" selector, so return a part of the state, or put a memoized selector there"
            )
            warnings.warn(message, RefoldWarning, stacklevel=4)


def check_identity(
    result_function: Callable[..., Any], values: Sequence[Any], result: object, defined_at: str
) -> None:
    """Report a result function of one input that returns whatever it is given."""
    if len(values) != 1 or result is not values[0]:
        return
    probe = _Probe()
    try:
        returns_anything = result_function(probe) is probe
    except Exception:  # noqa: BLE001  # it looked into its input, so it is no identity
        return
    if returns_anything:
        message = (
            f"the result function of the selector defined at {defined_at} returns its only input"
            f" unchanged (here {result!r}); use the input selector itself, or derive a value"
        )
        warnings.warn(message, RefoldWarning, stacklevel=4)


class _Probe:
    """A value that shows nothing of itself, not even whether it is true."""

    def __bool__(self) -> bool:
        raise TypeError


def _valid_frequency(frequency: str) -> CheckFrequency:
    if frequency in {"once", "always", "never"}:
        return cast("CheckFrequency", frequency)
    message = f"a check's frequency must be 'once', 'always' or 'never', got {frequency!r}"
    raise SelectorDeclarationError(message)
