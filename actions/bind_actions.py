"""Binding action makers to a dispatch, so that calling one makes its action and dispatches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, overload

from refold.actions.action import Action

__all__ = ["bind_actions"]

P = ParamSpec("P")
A = TypeVar("A", bound=Action)


@overload
def bind_actions(makers: Callable[P, A], dispatch: Callable[[Any], Any], /) -> Callable[P, A]: ...
@overload
def bind_actions(
    makers: Mapping[str, Callable[..., Any]], dispatch: Callable[[Any], Any], /
) -> dict[str, Callable[..., Any]]: ...
def bind_actions(
    makers: Mapping[str, Callable[..., Any]] | Callable[..., Any],
    dispatch: Callable[[Any], Any],
    /,
) -> dict[str, Callable[..., Any]] | Callable[..., Any]:
    """Return callables that make an action, dispatch it, and return what dispatch returned.

    Args:
        makers: action classes or functions that return actions: one, or several by name.
            Entries of a mapping that are not callable are left out.
        dispatch: usually ``store.dispatch``.

    Raises:
        TypeError: makers is neither a callable nor a mapping.
    """
    if callable(makers):
        return _bind(makers, dispatch)
    if isinstance(makers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a type checker
        return {name: _bind(make, dispatch) for name, make in makers.items() if callable(make)}
    message = (
        f"bind_actions expects an action maker or a mapping of names to makers, got"
        f" {type(makers).__name__}; pass an action class, a function, or a dict of them"
    )
    raise TypeError(message)


def _bind(make: Callable[..., Any], dispatch: Callable[[Any], Any]) -> Callable[..., Any]:
    def make_and_dispatch(*args: object, **kwargs: object) -> object:
        return dispatch(make(*args, **kwargs))

    return make_and_dispatch
