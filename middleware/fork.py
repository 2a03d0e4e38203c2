"""`Fork`: work that a listener runs beside itself, and how it ended as a value."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

import attrs

from refold.errors import ListenerDeclarationError

if TYPE_CHECKING:
    from refold.middleware.listener_runner import ListenerRunner

__all__ = ["CancelReason", "Fork", "ForkCancelled", "ForkOk", "ForkRejected", "ForkResult", "Work"]

R = TypeVar("R")

CancelReason: TypeAlias = Literal["cancelled", "completed", "closed"]
"""Why something stopped: somebody cancelled it, its listener completed, or the store was left."""

Work: TypeAlias = Awaitable[R] | Callable[[], Awaitable[R] | R]
"""A coroutine, or a function without arguments."""


@attrs.frozen
class ForkOk(Generic[R]):
    """The work was done."""

    value: R
    """What it returned."""


@attrs.frozen
class ForkRejected:
    """The work raised."""

    error: Exception
    """What it raised."""


@attrs.frozen
class ForkCancelled:
    """The work was cancelled."""

    reason: CancelReason
    """Why."""


ForkResult: TypeAlias = ForkOk[R] | ForkRejected | ForkCancelled
"""How a fork ended, for a ``match``."""


class Fork(Generic[R]):
    """One piece of work, in a task of its own; awaiting it gives its `ForkResult`.

    Awaiting raises only if whoever awaits is cancelled.
    """

    def __init__(self, work: Work[R], on_lost: Callable[[Exception], None]) -> None:
        """Check the work; `start` starts it.

        Args:
            work: what to run.
            on_lost: told what the work raised if nobody asked, and nobody can ask any more.

        Raises:
            ListenerDeclarationError: the work is neither awaitable nor callable.
        """
        self._task: asyncio.Task[ForkResult[R]] | None = None
        self._was_awaited = False
        if not callable(work) and not inspect.isawaitable(work):
            message = (
                f"fork expects a coroutine or a function without arguments, got {work!r}; call it"
                f" as fx.fork(work()) or fx.fork(work)"
            )
            raise ListenerDeclarationError(message)
        self._work = work
        self._on_lost = on_lost
        self._reason: CancelReason | None = None

    def start(self, runner: ListenerRunner, on_end: Callable[[], object]) -> None:
        """Run the work from the next step of the loop on; call a function when it has ended."""
        work = self._work
        task = self._task = runner.start(_result_of(work), "refold fork")

        def end(_task: object) -> None:
            runner.end(task)
            if inspect.iscoroutine(work):
                work.close()  # which it has, unless it never began
            on_end()

        task.add_done_callback(end)

    def cancel(self, reason: CancelReason = "cancelled") -> None:
        """Cancel the work, once; if it did not begin yet, it never does."""
        if self._task is not None and self._reason is None and not self._task.done():
            self._reason = reason
            self._task.cancel(reason)

    async def ended(self) -> None:
        """Wait until it ended, without asking how."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def __await__(self) -> Generator[Any, None, ForkResult[R]]:
        """Wait until it ended."""
        self._was_awaited = True
        return self._result().__await__()

    def __del__(self) -> None:
        """Tell of an error that would be lost."""
        task = self._task
        if self._was_awaited or task is None or not task.done() or task.cancelled():
            return
        if task.exception() is None and isinstance(result := task.result(), ForkRejected):
            self._on_lost(result.error)

    async def _result(self) -> ForkResult[R]:
        await self.ended()
        if self._task is None or self._task.cancelled():
            return ForkCancelled(self._reason or "cancelled")
        return self._task.result()


async def _result_of(work: Work[R]) -> ForkResult[R]:
    try:
        outcome = work() if callable(work) else work
        value: Any = await outcome if inspect.isawaitable(outcome) else outcome
    except Exception as error:  # noqa: BLE001  # it is the result
        return ForkRejected(error)
    return ForkOk(value)
