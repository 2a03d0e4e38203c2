"""`Store`: one state, changed only by dispatched actions.

What belongs here: joining the parts to the public surface.  What does not: any of the parts, each
of which has a file of its own beside this one.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from refold.errors import ReducerReturnedNoneError, StoreClosedError, WrongThreadError
from refold.reducers.reducer import Reducer, as_reducer
from refold.store.batch_timer import BatchTimer
from refold.store.build_chain import ChainAPI, build_chain, check_middleware
from refold.store.commit_core import CommitCore
from refold.store.entry import Dispatcher, restoring_context
from refold.store.inputs import Inputs
from refold.store.middleware import (
    Attaches,
    Closes,
    CommitObserver,
    Flushes,
    Middleware,
    Opens,
    Service,
)
from refold.store.notifier import Notifier
from refold.store.services import RunningServices
from refold.store.state_changes import StateChanges
from refold.store.transactions import Transactions

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from refold.actions.action import Action

__all__ = ["Store"]

S = TypeVar("S")
R = TypeVar("R")
A = TypeVar("A", bound="Action")


class Store(Generic[S]):
    """One immutable state tree and the only way to change it.

    It works at once; entering it by ``async with`` starts the services among its middleware, and
    leaving stops all of them.

    Args:
        reducer: a Reducer, or a plain ``(state | None, action) -> state`` function.
        state: the state to start from; a mapping of slices for a combined reducer; None for the
            reducer's own initial state.
        middleware: the first listed is the outermost.
        listeners: what reacts to actions after the reducer, while the store is entered.
        inputs: where its time, new ids and chance come from; None for the system's.  Keep it to
            draw from it for actions of the program's own: what is drawn is recorded.
        batch: classes of actions, such as ticks of prices, whose subscribers are told later, once
            for many; an action of another class tells of them at once.  The state and the log are
            never late.
        batch_seconds: how much later at most; None for the end of the event loop's present step.
        check_duplicate_middleware: refuse the same middleware listed twice.

    Raises:
        ReducerDeclarationError: the reducer is not callable.
        MiddlewareError: something in the list is no middleware.
        StateShapeError: the state is of a kind that the reducer does not fold.
        ValueTypeError: a type in the state or in an action is mutable or cannot be serialised.
    """

    @overload
    def __init__(
        self,
        reducer: Reducer[S],
        /,
        *,
        state: Any = ...,
        middleware: Iterable[Middleware[S]] = ...,
        listeners: Iterable[Attaches[S]] = ...,
        inputs: Inputs | None = ...,
        batch: Iterable[type[Action]] = ...,
        batch_seconds: float | None = ...,
        check_duplicate_middleware: bool = ...,
    ) -> None: ...
    @overload
    def __init__(  # all but the reducer by keyword
        self,
        reducer: Callable[[Any, Any], S],
        /,
        *,
        state: Any = ...,
        middleware: Iterable[Middleware[S]] = ...,
        listeners: Iterable[Attaches[S]] = ...,
        inputs: Inputs | None = ...,
        batch: Iterable[type[Action]] = ...,
        batch_seconds: float | None = ...,
        check_duplicate_middleware: bool = ...,
    ) -> None: ...
    def __init__(  # noqa: PLR0913  # all but the reducer by keyword
        self,
        reducer: Callable[[Any, Any], S],
        /,
        *,
        state: Any = None,  # S, or a mapping that the reducer completes
        middleware: Iterable[Middleware[S]] = (),
        listeners: Iterable[Attaches[S]] = (),
        inputs: Inputs | None = None,
        batch: Iterable[type[Action]] = (),
        batch_seconds: float | None = None,
        check_duplicate_middleware: bool = True,
    ) -> None:
        """Make the store; every middleware is set up once, now."""
        self._reducer = as_reducer(reducer)
        self._inputs = inputs or Inputs()
        start = _start_state(self._reducer, state)
        self._core = CommitCore(self._reducer, start)
        self._reducer.watch(self._core)
        self._notifier = Notifier(self._core, BatchTimer(batch, batch_seconds))
        self._middleware: tuple[Any, ...] = (
            *check_middleware(middleware, allow_twice=not check_duplicate_middleware),
            *(each.attach() for each in listeners),
        )
        self._transactions = Transactions(self._core, self._notifier)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._services: RunningServices | None = None
        self._closed = False
        self._changes: weakref.WeakSet[StateChanges[Any]] = weakref.WeakSet()
        self.dispatch = self._make_dispatch()

    dispatch: Dispatcher
    """Fold an action into the state, tell whoever subscribed, and return the action.

    One atomic commit.  Raises NotAnActionError, InsideReducerError, WrongThreadError,
    StoreClosedError, SubscriberError, or what the reducer raised; only a SubscriberError comes
    after the commit, all others leave the state as it was.
    """

    @property
    def state(self) -> S:
        """The present state.

        Raises:
            InsideReducerError: a reducer is running.
        """
        return cast("S", self._core.read_state())

    def dispatch_threadsafe(self, action: A, /) -> concurrent.futures.Future[A]:
        """Dispatch from another thread: the store's event loop does it as soon as it can.

        Returns:
            A future of what dispatch returns or raises.

        Raises:
            WrongThreadError: the store was not entered by ``async with``, so has no loop.
        """
        if self._loop is None:
            message = (
                "dispatch_threadsafe needs the store's event loop: enter the store by"
                " 'async with' first"
            )
            raise WrongThreadError(message)
        future: concurrent.futures.Future[A] = concurrent.futures.Future()

        def dispatch_here() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(self.dispatch(action))
            except BaseException as error:  # noqa: BLE001  # the waiting thread gets it
                future.set_exception(error)

        self._loop.call_soon_threadsafe(dispatch_here)
        return future

    @overload
    def subscribe(self, function: Callable[[], object], /) -> Callable[[], None]: ...
    @overload
    def subscribe(
        self, function: Callable[[R, R], object], /, *, select: Callable[[S], R]
    ) -> Callable[[], None]: ...
    def subscribe(
        self, function: Callable[..., object], /, *, select: Callable[[S], R] | None = None
    ) -> Callable[[], None]:
        """Call a function after every dispatch, or whenever a selector's value changes.

        Args:
            function: without ``select`` called with nothing, after each dispatch, also one that
                changed nothing; with it called with the new and the old value.
            select: a pure function of the state; it runs again only when a slice that it reads
                has changed.

        Returns:
            A function that ends this subscription; calling it twice is harmless.

        Raises:
            TypeError: the function is not callable.
            InsideReducerError: a reducer is running.
        """
        self._core.check_outside_reducer("subscribe")
        called = _checked_callable(function)
        subscription = (
            self._notifier.add(called)
            if select is None
            else self._notifier.add_selection(called, _checked_callable(select))
        )

        def unsubscribe() -> None:
            self._core.check_outside_reducer("unsubscribe")
            self._notifier.remove(subscription)

        return unsubscribe

    @overload
    def changes(self, select: None = None, /, *, max_pending: int = ...) -> StateChanges[S]: ...
    @overload
    def changes(
        self, select: Callable[[S], R], /, *, max_pending: int = ...
    ) -> StateChanges[R]: ...
    def changes(
        self, select: Callable[[S], Any] | None = None, /, *, max_pending: int = 10_000
    ) -> StateChanges[Any]:
        """Return an asynchronous iterator over the present value and every later one.

        Args:
            select: what to look at; None for the whole state.
            max_pending: how many values a slow reader may leave unread before it gets a
                SubscriberTooSlowError, 1 or more.
        """
        if max_pending < 1:
            message = f"changes expects a max_pending of 1 or more, got {max_pending}"
            raise ValueError(message)
        chosen = _whole_state if select is None else _checked_callable(select)
        changes: StateChanges[Any] = StateChanges(
            lambda function: self.subscribe(function, select=chosen),
            chosen(self.state),
            max_pending,
        )
        self._changes.add(changes)
        return changes

    def replace_reducer(self, reducer: Callable[[Any, Any], S], /) -> None:
        """Let another reducer fold from now on; the state stays, new slices get their initial one.

        Raises:
            ReducerDeclarationError: it is no reducer; the old one stays.
        """
        self._core.check_outside_reducer("replace the reducer")
        checked = as_reducer(reducer)
        checked.check_action_types()
        self._core.replace_reducer(checked)
        self._reducer = checked
        checked.watch(self._core)

    def transaction(self, *, across_await: bool = False) -> AbstractContextManager[None]:
        """Collect the dispatches of a ``with`` block into one commit and one notification.

        When the block raises or is cancelled, the state is the one before it and the log has none
        of its actions.  A nested transaction rolls back alone; what it keeps is told with the
        outermost one, whose ``across_await`` counts.

        Args:
            across_await: let the block await.  Meanwhile the others see its unfinished state, and
                what they dispatch is refused.

        Raises:
            TransactionError: the block awaited unasked, and is rolled back; or a transaction of
                another task is open across an ``await``.
            WrongThreadError: it is begun in another thread than the store's own.
            InsideReducerError: a reducer is running.
        """
        return self._transactions.begin(across_await=across_await)

    async def flushed(self) -> None:
        """Wait until everything committed so far is where each middleware promises to put it."""
        for middleware in self._middleware:
            if isinstance(middleware, Flushes):
                await middleware.flushed()

    async def aclose(self) -> None:
        """Stop all that runs for this store and let go of what it holds; twice is harmless."""
        if self._services is not None:
            await self._services.cancel_and_wait()
        self._close()

    async def __aenter__(self) -> Self:
        """Start the services; from here on the running loop's thread is the store's own.

        Raises:
            StoreClosedError: the store was closed; make a new one.
        """
        if self._closed or self._services is not None:
            message = (
                "a store can be entered once: it is open already, or was closed; make a new Store"
            )
            raise StoreClosedError(message)
        self._loop = asyncio.get_running_loop()
        self._core.adopt_thread()
        self._services = RunningServices(m for m in self._middleware if isinstance(m, Service))
        group = await self._services.start()
        for middleware in self._middleware:
            if isinstance(middleware, Opens):
                middleware.open(group)
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the services, wait for them, and close the middleware."""
        services, self._services = self._services, None
        try:
            if services is not None:
                await services.stop(error_type, error, traceback)
        finally:
            self._close()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._notifier.settle()
        finally:
            self._core.close()
            for changes in tuple(self._changes):
                changes.end()
            for middleware in self._middleware:
                if isinstance(middleware, Closes):
                    middleware.close()

    def _make_dispatch(self) -> Dispatcher:
        """Return the way in: the chain of middleware around the commit."""
        api = ChainAPI(self._core.read_state, self._core.read_reducer, self._inputs)
        chain = build_chain(self._middleware, api, self._core.commit)
        observers = [m for m in self._middleware if isinstance(m, CommitObserver)]
        self._notifier.observe(*(observer.committed for observer in observers))
        sets_cause = any(getattr(observer, "sets_cause", False) for observer in observers)
        dispatch = cast("Dispatcher", restoring_context(chain) if sets_cause else chain)
        api.open(dispatch)
        return dispatch


def _start_state(reducer: Reducer[S], given: Any) -> S:
    """Return the state to start from, after checking its types and those of the actions."""
    reducer.check_action_types()
    start = reducer.initial if given is None else reducer.take_given_state(given, "state=")
    if start is None and reducer.function is not None and reducer.makes_own_initial:
        message = (
            "the reducer returned None during initialisation; return the initial state when the"
            " state given is None, or use Reducer.of(function, initial)"
        )
        raise ReducerReturnedNoneError(message)
    reducer.check_state_type(start, type(start).__name__)
    return start


def _checked_callable(candidate: Callable[..., R]) -> Callable[..., R]:
    if not callable(candidate):
        message = (
            f"a subscription expects a function, got {type(candidate).__name__}; pass a callable"
            f" without arguments, or one of (new, old) and a selector"
        )
        raise TypeError(message)
    return candidate


def _whole_state(state: S) -> S:
    return state
