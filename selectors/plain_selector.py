"""`plain_selector`: a getter too cheap to memoize, with the same ``at`` as a selector has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from refold.selectors.selector import lift_input

__all__ = ["PlainSelector", "plain_selector"]

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
P = ParamSpec("P")
Root = TypeVar("Root")


class PlainSelector(Protocol[S_contra, P, R_co]):
    """A function of a slice that can be lifted to a root."""

    @property
    def unwrapped(self) -> Callable[..., R_co]:
        """The function that this one lifts by `at`; itself if it lifts none."""
        ...

    def __call__(self, state: S_contra, /, *arguments: P.args, **named: P.kwargs) -> R_co:
        """Return the answer for a state, and for what else it takes."""
        ...

    def at(self, get_slice: Callable[[Root], S_contra]) -> PlainSelector[Root, P, R_co]:
        """Return the same function over a root."""
        ...


def plain_selector(read: Callable[Concatenate[S, P], R]) -> PlainSelector[S, P, R]:
    """Declare a selector that only reads a field: it has no memory, and needs none."""
    select: Any = read
    select.unwrapped = read
    select.at = functools.partial(_lift, read)
    return select  # type: ignore[no-any-return]  # a function with the attributes set above


def _lift(read: Callable[..., R], get_slice: Callable[[Any], Any]) -> PlainSelector[Any, ..., R]:
    lifted: Any = plain_selector(lift_input(read, get_slice))
    lifted.unwrapped = read
    return lifted  # type: ignore[no-any-return]  # a plain selector
