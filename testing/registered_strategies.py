"""Strategies that an application has registered for types of its own.

What belongs here: remembering them.  What does not: the strategies of all other types, which
`strategy_of_type` knows.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, Final, NewType, TypeAlias, TypeVar

import attrs
from hypothesis.strategies import SearchStrategy

from refold.errors import StrategyError

__all__ = ["StrategySource", "find_registered", "register_strategy", "registrations"]

T = TypeVar("T")

StrategySource: TypeAlias = "SearchStrategy[T] | Callable[[], SearchStrategy[T]]"
"""A strategy, or a function of nothing that returns one and is called when it is first needed."""


@attrs.define
class _Registered:
    """What was registered for one type."""

    type_form: Any
    source: Any
    made: SearchStrategy[Any] | None = None


_registered: Final[list[_Registered]] = []
"""A list, because a type form need not have a hash."""

_count = 0


@typing.overload
def register_strategy(tp: type[T], strategy: StrategySource[T], /) -> None: ...
@typing.overload
def register_strategy(tp: Any, strategy: StrategySource[Any], /) -> None: ...
def register_strategy(tp: Any, strategy: StrategySource[Any], /) -> None:
    """Let every field of a type be drawn from a strategy; a later one for the type replaces it.

    Besides what the strategy gives, a run draws again what it gave before, so that things meet.

    Args:
        tp: a class, a NewType, or an Annotated or other type form, exactly as fields are annotated.
        strategy: a strategy, or a function of nothing that returns one.

    Raises:
        StrategyError: the first is no type, or the second is no strategy.
    """
    global _count  # noqa: PLW0603  # whoever keeps strategies asks for it
    if not _is_type_form(tp):
        message = (
            f"register_strategy expects a type first (a class, a NewType or a form such as"
            f" Annotated[int, ...]), got {tp!r}; write register_strategy(TheType, strategy)"
        )
        raise StrategyError(message)
    if not isinstance(strategy, SearchStrategy) and (
        isinstance(strategy, type) or not callable(strategy)
    ):
        message = (
            f"register_strategy expects a Hypothesis strategy for {_name_of(tp)}, or a function of"
            f" nothing that returns one, got {strategy!r}; write for example"
            f" register_strategy({_name_of(tp)}, st.integers(0, 9).map({_name_of(tp)}))"
        )
        raise StrategyError(message)
    _count += 1
    _registered[:] = [one for one in _registered if not _is_same(one.type_form, tp)]
    _registered.append(_Registered(tp, strategy))


def find_registered(tp: Any) -> SearchStrategy[Any] | None:
    """Return the strategy registered for exactly this type form; None if there is none.

    Raises:
        StrategyError: what was registered as a function did not return a strategy.
    """
    found = next((one for one in _registered if _is_same(one.type_form, tp)), None)
    if found is None:
        return None
    if found.made is None:
        is_function = not isinstance(found.source, SearchStrategy)
        made: Any = found.source() if is_function else found.source
        if not isinstance(made, SearchStrategy):
            message = (
                f"the function registered for {_name_of(tp)} returned {made!r}, expected a"
                f" Hypothesis strategy; let it return one, such as st.integers()"
            )
            raise StrategyError(message)
        found.made = made
    return found.made


def registrations() -> int:
    """Return how often something was registered: strategies made before then are out of date."""
    return _count


def _is_type_form(tp: Any) -> bool:
    return isinstance(tp, type | NewType | TypeVar) or typing.get_origin(tp) is not None


def _is_same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _name_of(tp: Any) -> str:
    return getattr(tp, "__name__", None) or str(tp)
