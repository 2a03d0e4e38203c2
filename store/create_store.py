"""`create_store`: making a store through an enhancer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from refold.errors import MiddlewareError, RefoldWarning
from refold.store.store import Store

if TYPE_CHECKING:
    from refold.store.middleware import Attaches, Middleware

__all__ = ["Create", "Enhancer", "create_store"]

S = TypeVar("S")

Create: TypeAlias = Callable[[Any, Any], Any]
"""``(reducer, state) -> store``, with the middleware already in it."""

Enhancer: TypeAlias = Callable[[Create], Create]
"""Takes the function that makes a store and returns another one, which usually calls it."""


def create_store(
    reducer: Callable[[Any, Any], S],
    *,
    state: Any = None,  # S, or a mapping that the reducer completes
    middleware: Iterable[Middleware[S]] = (),
    listeners: Iterable[Attaches[S]] = (),
    enhancer: Enhancer | None = None,
) -> Store[S]:
    """Return a store, made by the enhancer if there is one.

    Args:
        reducer: see `Store`.
        state: see `Store`.
        middleware: see `Store`.
        listeners: see `Store`.
        enhancer: called once with the create function; what its result returns for the reducer and
            the state is the store.  Join several by `compose`.

    Raises:
        MiddlewareError: the enhancer is not callable, or several are given side by side.
    """
    kept, heard = tuple(middleware), tuple(listeners)
    created = False

    def create(reducer: Any, state: Any = None) -> Store[Any]:
        nonlocal created
        created = True
        return Store(reducer, state=state, middleware=kept, listeners=heard)

    if enhancer is None:
        return create(reducer, state)
    if not callable(enhancer):
        several = isinstance(enhancer, list | tuple)
        advice = "join several by compose(first, second)" if several else "pass one function"
        message = (
            f"enhancer must be a callable (create) -> create, got {type(enhancer).__name__};"
            f" {advice}"
        )
        raise MiddlewareError(message)
    store: Store[S] = enhancer(create)(reducer, state)
    if kept and not created:
        message = (
            f"{len(kept)} middleware were given, but the enhancer never called the create function"
            f" that puts them in; call it, or pass no middleware"
        )
        warnings.warn(message, RefoldWarning, stacklevel=2)
    return store
