"""`Effect`: one run of a listener, and what the listener may do with its store.

What belongs here: a run from its action to its end.  What does not: which runs begin, and when.
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from refold.actions.action import Action
from refold.middleware.fork import CancelReason, Fork, Work
from refold.middleware.listener_trigger import Kind, Trigger
from refold.store.dispatch_context import DispatchContext, current_dispatch_context, handling

if TYPE_CHECKING:
    from refold.middleware.listener_policies import AttachedListener, Heard
    from refold.middleware.listener_runner import ListenerRunner
    from refold.middleware.listener_waits import Taken
    from refold.store.entry import Dispatcher
    from refold.store.inputs import Inputs

__all__ = ["Effect"]

S = TypeVar("S")
A = TypeVar("A", bound=Action)
R = TypeVar("R")


class Effect(Generic[S]):
    """One run of a listener; the listener gets it as its second argument, ``fx``."""

    __slots__ = (
        "_forks",
        "_has_begun",
        "_heard",
        "_listener",
        "_reason",
        "_runner",
        "_task",
        "_waits",
    )

    def __init__(self, listener: AttachedListener, runner: ListenerRunner, heard: Heard) -> None:
        """Keep what it is about; `begin` begins it."""
        self._listener = listener
        self._runner = runner
        self._heard = heard
        self._task: asyncio.Task[None] | None = None
        # Most runs have neither, and ten thousand may begin at once.
        self._forks: dict[Fork[Any], bool] | None = None  # whether it is joined
        self._waits: set[asyncio.Future[Any]] | None = None
        self._reason: CancelReason | None = None
        self._has_begun = False

    @property
    def dispatch(self) -> Dispatcher:
        """Dispatch an action; its record names this listener and the action it answers."""
        return cast("Dispatcher", self._runner.store.dispatch)

    @property
    def original_state(self) -> S:
        """The state before the action."""
        return cast("S", self._heard.original_state)

    @property
    def inputs(self) -> Inputs:
        """The store's sources of time, ids and chance."""
        return cast("Inputs", self._runner.store.inputs)

    @property
    def extra(self) -> Any:
        """What `Listeners` was made with, such as services."""
        return self._runner.extra

    @property
    def state(self) -> S:
        """The store's present state."""
        return cast("S", self._runner.store.state)

    @property
    def cancel_reason(self) -> CancelReason | None:
        """Why this run stopped or is to stop; None while it runs undisturbed."""
        return self._reason

    @overload
    def take(self, kind: type[A], /) -> Awaitable[Taken[A, S]]: ...
    @overload
    def take(self, kind: type[A], /, *, timeout: float | None) -> Awaitable[Taken[A, S] | None]: ...
    @overload
    def take(
        self, kind: str | Callable[[Action], bool] | Callable[[Action, S, S], bool], /
    ) -> Awaitable[Taken[Action, S]]: ...
    @overload
    def take(
        self,
        kind: str | Callable[[Action], bool] | Callable[[Action, S, S], bool],
        /,
        *,
        timeout: float | None,
    ) -> Awaitable[Taken[Action, S] | None]: ...
    def take(self, kind: Kind, /, *, timeout: float | None = None) -> Awaitable[Any]:
        """Wait for a later action: from this call on, also if it is awaited later.

        Args:
            kind: as for `Listeners.on`.
            timeout: seconds to wait; None for no limit.

        Returns:
            A `Taken` of the action, the state after it and the one before; None when the time is
            over.

        Raises:
            asyncio.CancelledError: this run was cancelled, or is over.
        """
        return self._wait(Trigger(kind), timeout)

    def condition(
        self, holds: Callable[[S], bool], /, *, timeout: float | None = None
    ) -> Awaitable[bool]:
        """Wait until the state after a later action fulfils a condition.

        Args:
            holds: a question about the state.
            timeout: seconds to wait; None for no limit.

        Returns:
            True once it holds, False when the time is over.

        Raises:
            asyncio.CancelledError: this run was cancelled, or is over.
        """

        def is_there(_action: Action, state: Any, _old_state: Any) -> bool:
            return bool(holds(state))

        return _Held(self._wait(Trigger(is_there), timeout))

    def sleep(self, seconds: float, /) -> Awaitable[None]:
        """Wait for some seconds.

        Args:
            seconds: 0 to let others run, and all runs begin that are due; it is cheap.

        Raises:
            asyncio.CancelledError: this run was cancelled, or is over.
        """
        self.raise_if_cancelled()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if seconds > 0:
            timer = loop.call_later(seconds, _wake, future)
            future.add_done_callback(lambda _done: timer.cancel())
        else:
            self._runner.paced.add(partial(_wake, future))
        return self._keep(future)

    @overload
    def fork(
        self, work: Callable[[], Awaitable[R]] | Awaitable[R], /, *, auto_join: bool = ...
    ) -> Fork[R]: ...
    @overload
    def fork(self, work: Callable[[], R], /, *, auto_join: bool = ...) -> Fork[R]: ...
    def fork(self, work: Work[R], /, *, auto_join: bool = False) -> Fork[R]:
        """Run something beside this run; await what is returned for its result.

        Args:
            work: a coroutine, or a function without arguments.
            auto_join: this run is over only when the work is; otherwise the work is cancelled with
                the reason ``completed`` when this run is over.

        Raises:
            ListenerDeclarationError: the work is neither.
            asyncio.CancelledError: this run was cancelled, or is over.
        """
        runner, declaration = self._runner, self._listener.declaration
        fork = Fork(work, lambda error: runner.report(error, "effect", declaration))
        try:
            self.raise_if_cancelled()
            self._forks = self._forks or {}
            forks, found = self._forks, weakref.ref(fork)
            fork.start(runner, lambda: forks.pop(cast("Fork[R]", found()), None))
        except asyncio.CancelledError:
            if inspect.iscoroutine(work):
                work.close()
            raise
        forks[fork] = auto_join
        return fork

    def cancel(self, reason: CancelReason = "cancelled") -> None:
        """Stop this run, and its forks, at the next await."""
        if self._reason is not None:
            return
        self._reason = reason
        for fork in tuple(self._forks or ()):
            fork.cancel(reason)
        if self._task is None:
            self._forget()
        else:
            self._task.cancel(reason)

    def cancel_others(self) -> None:
        """Stop the other runs of this listener that have begun; one still to begin is newer."""
        for other in tuple(self._listener.effects):
            if other is not self and other.has_begun:
                other.cancel()

    def stop_listening(self) -> None:
        """Let this listener hear no further action of this store."""
        self._runner.listeners.remove(self._listener.declaration.key)

    def start_listening(self) -> None:
        """Let this listener hear actions of this store again."""
        self._runner.listeners.add(self._listener.declaration)

    def raise_if_cancelled(self) -> None:
        """Raise if this run was cancelled or is over; for code that awaits foreign things.

        Raises:
            asyncio.CancelledError: it was; its argument is the reason.
        """
        if self._reason is not None:
            raise asyncio.CancelledError(self._reason)

    @property
    def has_begun(self) -> bool:
        """Whether the listener's function was called."""
        return self._has_begun

    def begin(self) -> None:
        """Run the listener's function in a task, unless it was cancelled before."""
        if self._reason is None:
            context = self._heard.context.copy()
            self._task = self._runner.start(self._run(), self._listener.origin, context)
            self._task.add_done_callback(self._end)

    async def _run(self) -> None:
        self._has_begun = True
        cause = current_dispatch_context().cause
        handling(DispatchContext(self._listener.origin, cause))
        try:
            outcome = self._listener.declaration.function(self._heard.action, self)
            if inspect.isawaitable(outcome):
                await outcome
            await self._join()
        except asyncio.CancelledError:
            self._reason = self._reason or "cancelled"
        except Exception as error:  # noqa: BLE001  # it is reported, and harms nobody else
            self._runner.report(error, "effect", self._listener.declaration)

    async def _join(self) -> None:
        """Wait for the forks that are to be joined, and for those that these begin."""
        while joined := [fork for fork, is_joined in (self._forks or {}).items() if is_joined]:
            for fork in joined:
                await fork.ended()

    def _end(self, task: asyncio.Task[None]) -> None:
        self._reason = self._reason or "completed"
        for fork in tuple(self._forks or ()):
            fork.cancel(self._reason)
        for future in tuple(self._waits or ()):
            future.cancel()
        self._runner.end(task)
        self._forget()

    def _forget(self) -> None:
        self._listener.forget(self)
        self._runner.listeners.forget_idle(self._listener)

    def _wait(self, trigger: Trigger, timeout: float | None) -> asyncio.Future[Any]:
        self.raise_if_cancelled()
        return self._keep(self._runner.waits.add(trigger, timeout))

    def _keep(self, future: asyncio.Future[R]) -> asyncio.Future[R]:
        self._waits = self._waits or set()
        self._waits.add(future)
        future.add_done_callback(self._waits.discard)
        return future


class _Held:
    """Awaits whether something was taken."""

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self._future = future

    def __await__(self) -> Any:
        taken = yield from self._future.__await__()
        return taken is not None


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
