"""`Effect`: one run of a listener, and what the listener may do with its store.

What belongs here: a run from its action to its end.  What does not: which runs begin, and when.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
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

__all__ = ["Effect"]

S = TypeVar("S")
A = TypeVar("A", bound=Action)
R = TypeVar("R")


class Effect(Generic[S]):
    """One run of a listener; the listener gets it as its second argument, ``fx``."""

    __slots__ = (
        "_forks",
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
        self._forks: dict[Fork[Any], bool] = {}  # whether it is joined
        self._waits: set[asyncio.Future[Any]] = set()
        self._reason: CancelReason | None = None

    @property
    def dispatch(self) -> Dispatcher:
        """Dispatch an action; its record names this listener and the action it answers."""
        return cast("Dispatcher", self._runner.store.dispatch)

    @property
    def original_state(self) -> S:
        """The state before the action."""
        return cast("S", self._heard.original_state)

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
    def take(
        self, kind: type[A], /, *, timeout: float | None = ...
    ) -> Awaitable[Taken[A, S] | None]: ...
    @overload
    def take(
        self,
        kind: str | Callable[[Action], bool] | Callable[[Action, S, S], bool],
        /,
        *,
        timeout: float | None = ...,
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

        Raises:
            asyncio.CancelledError: this run was cancelled, or is over.
        """
        self.raise_if_cancelled()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _wake, future)
        future.add_done_callback(lambda _done: timer.cancel())
        return self._keep(future)

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
        fork = Fork(work)
        try:
            self.raise_if_cancelled()
        except asyncio.CancelledError:
            if inspect.iscoroutine(work):
                work.close()
            raise
        self._forks[fork] = auto_join
        fork.start(self._runner).add_done_callback(lambda _: self._forks.pop(fork, None))
        return fork

    def cancel(self, reason: CancelReason = "cancelled") -> None:
        """Stop this run, and its forks, at the next await."""
        if self._reason is not None:
            return
        self._reason = reason
        for fork in tuple(self._forks):
            fork.cancel(reason)
        if self._task is None:
            self._listener.forget(self)
        else:
            self._task.cancel(reason)

    def cancel_others(self) -> None:
        """Stop the other runs of this listener."""
        for other in tuple(self._listener.effects):
            if other is not self:
                other.cancel()

    def stop_listening(self) -> None:
        """Let this listener hear no further action of this store."""
        self._runner.remove(self._listener.declaration.key)

    def start_listening(self) -> None:
        """Let this listener hear actions of this store again."""
        self._runner.add(self._listener.declaration)

    def raise_if_cancelled(self) -> None:
        """Raise if this run was cancelled or is over; for code that awaits foreign things.

        Raises:
            asyncio.CancelledError: it was; its argument is the reason.
        """
        if self._reason is not None:
            raise asyncio.CancelledError(self._reason)

    def begin(self) -> None:
        """Run the listener's function in a task, unless it was cancelled before."""
        if self._reason is None:
            origin = f"listener:{self._listener.declaration.name}"
            context = self._heard.context.copy()
            context.run(handling, DispatchContext(origin, context.run(_cause)))
            self._task = self._runner.start(self._run(), f"refold {origin}", context)
            self._task.add_done_callback(self._end)

    async def _run(self) -> None:
        try:
            outcome = self._listener.declaration.function(self._heard.action, self)
            if inspect.isawaitable(outcome):
                await outcome
            joined = [fork for fork, is_joined in self._forks.items() if is_joined]
            for fork in joined:
                await fork
        except asyncio.CancelledError:
            self._reason = self._reason or "cancelled"
        except Exception as error:  # noqa: BLE001  # it is reported, and harms nobody else
            self._runner.report(error, "effect", self._listener.declaration)

    def _end(self, _task: object) -> None:
        self._reason = self._reason or "completed"
        for fork in tuple(self._forks):
            fork.cancel(self._reason)
        for future in tuple(self._waits):
            future.cancel()
        self._listener.forget(self)

    def _wait(self, trigger: Trigger, timeout: float | None) -> asyncio.Future[Any]:
        self.raise_if_cancelled()
        return self._keep(self._runner.waits.add(trigger, timeout))

    def _keep(self, future: asyncio.Future[R]) -> asyncio.Future[R]:
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


def _cause() -> str | None:
    return current_dispatch_context().cause


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
