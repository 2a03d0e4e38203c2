"""`Listeners`: functions that react to actions, declared once for any number of stores.

What belongs here: declaring.  What does not: running, which `listener_runner` does per store.
"""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from refold.actions.action import Action
from refold.middleware.listener_declaration import ListenerDeclaration, Policy
from refold.middleware.listener_errors import OnError, log_listener_error
from refold.middleware.listener_runner import ListenerRunner
from refold.middleware.listener_trigger import Kind, Trigger

if TYPE_CHECKING:
    from refold.middleware.effect import Effect
    from refold.store.middleware import Middleware

__all__ = ["Listeners"]

S = TypeVar("S")
A = TypeVar("A", bound=Action)
A1 = TypeVar("A1", bound=Action)
A2 = TypeVar("A2", bound=Action)
F = TypeVar("F", bound=Callable[..., Any])


class Listeners(Generic[S]):
    """What a program does in answer to actions: `Store(..., listeners=[listeners])`.

    A listener runs after the reducer, in a task of its own, while the store is entered.  Leaving
    the store cancels all runs and waits for them.  A replay folds actions and never runs one.
    What a listener dispatches carries its name as origin and the action as cause.
    """

    def __init__(
        self, _state: type[S], /, *, extra: Any = None, on_error: OnError = log_listener_error
    ) -> None:
        """Make a set of listeners without any.

        Args:
            _state: the class of the store's state, for the type checker.
            extra: for every run as ``fx.extra``, such as the program's services.
            on_error: called with what a listener or a predicate raised, which of the two it was,
                and the listener's name; by default it is logged.
        """
        self._extra = extra
        self._on_error = on_error
        self._declared: dict[tuple[Any, ...], ListenerDeclaration] = {}
        self._runners: weakref.WeakSet[ListenerRunner] = weakref.WeakSet()

    @overload
    def on(
        self, kind: type[A], /, *, policy: Policy = ..., seconds: float | None = ...
    ) -> Callable[
        [Callable[[A, Effect[S]], Awaitable[None] | None]],
        Callable[[A, Effect[S]], Awaitable[None] | None],
    ]: ...
    @overload
    def on(
        self,
        kind: type[A1],
        other: type[A2],
        /,
        *,
        policy: Policy = ...,
        seconds: float | None = ...,
    ) -> Callable[
        [Callable[[A1 | A2, Effect[S]], Awaitable[None] | None]],
        Callable[[A1 | A2, Effect[S]], Awaitable[None] | None],
    ]: ...
    @overload
    def on(
        self,
        kind: type[Action] | str | Callable[[Action], bool] | Callable[[Action, S, S], bool],
        /,
        *others: type[Action] | str | Callable[[Action], bool] | Callable[[Action, S, S], bool],
        policy: Policy = ...,
        seconds: float | None = ...,
    ) -> Callable[
        [Callable[[Action, Effect[S]], Awaitable[None] | None]],
        Callable[[Action, Effect[S]], Awaitable[None] | None],
    ]: ...
    def on(
        self, *kinds: Any, policy: Policy = "every", seconds: float | None = None
    ) -> Callable[[Any], Any]:
        """Declare the function below as a listener.

        Args:
            kinds: an action class (exactly that one), a wire name, a matcher ``(action) -> bool``,
                or a predicate ``(action, state, old_state) -> bool``; any of them counts.
            policy: ``every`` action begins a run; the ``latest`` one cancels the runs before it;
                ``leading`` ignores what comes while one runs; ``debounce`` waits until nothing came
                for some seconds and runs for the last; ``throttle`` runs at once and then at most
                once in some seconds, for the last that came.
            seconds: for ``debounce`` and ``throttle``, more than 0.

        Raises:
            ListenerDeclarationError: a kind is none of these, or the seconds do not fit.
        """

        def declare(function: F) -> F:
            self._add(ListenerDeclaration(Trigger(*kinds), function, policy, seconds))
            return function

        return declare

    def add(
        self,
        kind: Kind,
        function: Callable[[Any, Effect[S]], Any],
        /,
        *,
        policy: Policy = "every",
        seconds: float | None = None,
    ) -> Callable[[], bool]:
        """Declare a listener, unless the same function listens for the same; see `on`.

        Returns:
            A function that removes it and tells whether it was still there.
        """
        return self._add(ListenerDeclaration(Trigger(kind), function, policy, seconds))

    def remove(
        self,
        kind: Kind,
        function: Callable[[Any, Effect[S]], Any],
        /,
        *,
        cancel_active: bool = False,
    ) -> bool:
        """Remove a listener; return whether there was one.

        Args:
            kind: as it was added.
            function: as it was added.
            cancel_active: cancel its runs too, which otherwise finish.
        """
        return self._remove((function, (kind,)), cancel_active=cancel_active)

    def clear(self) -> None:
        """Remove all listeners, and cancel all runs, also of listeners removed before."""
        self._declared.clear()
        for runner in tuple(self._runners):
            runner.listeners.clear()

    def attach(self) -> Middleware[S]:
        """Return the middleware that runs these listeners for one store."""
        runner = ListenerRunner(self._declared.values(), self._extra, self._on_error)
        self._runners.add(runner)
        return runner

    def _add(self, declaration: ListenerDeclaration) -> Callable[[], bool]:
        self._declared.setdefault(declaration.key, declaration)
        for runner in tuple(self._runners):
            runner.listeners.add(declaration)
        return lambda: self._remove(declaration.key)

    def _remove(self, key: tuple[Any, ...], *, cancel_active: bool = False) -> bool:
        was_there = self._declared.pop(key, None) is not None
        for runner in tuple(self._runners):
            was_there |= runner.listeners.remove(key, cancel_active=cancel_active)
        return was_there
