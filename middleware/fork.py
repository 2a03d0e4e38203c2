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

    def __init__(self, work: Work[R]) -> None:
        """Check the work; `start` starts it.

        Raises:
            ListenerDeclarationError: it is neither awaitable nor callable.
        """
        if not callable(work) and not inspect.isawaitable(work):
            message = (
                f"fork expects a coroutine or a function without arguments, got {work!r}; call it"
                f" as fx.fork(work()) or fx.fork(work)"
            )
            raise ListenerDeclarationError(message)
        self._work = work
        self._task: asyncio.Task[ForkResult[R]] | None = None
        self._reason: CancelReason = "cancelled"

    def start(self, runner: ListenerRunner) -> asyncio.Task[ForkResult[R]]:
        """Run the work from the next step of the loop on; return its task."""
        task = runner.start(self._run(), "refold fork")
        self._task = task
        task.add_done_callback(self._close_unawaited)
        return task

    def cancel(self, reason: CancelReason = "cancelled") -> None:
        """Cancel the work; if it did not begin yet, it never does."""
        if self._task is not None and not self._task.done():
            self._reason = reason
            self._task.cancel(reason)

    def __await__(self) -> Generator[Any, None, ForkResult[R]]:
        """Wait until it ended."""
        return self._result().__await__()

    async def _result(self) -> ForkResult[R]:
        if self._task is None:
            return ForkCancelled(self._reason)
        await asyncio.wait([self._task])
        return ForkCancelled(self._reason) if self._task.cancelled() else self._task.result()

    async def _run(self) -> ForkResult[R]:
        try:
            outcome = self._work() if callable(self._work) else self._work
            value: Any = await outcome if inspect.isawaitable(outcome) else outcome
        except Exception as error:  # noqa: BLE001  # it is the result
            return ForkRejected(error)
        return ForkOk(value)

    def _close_unawaited(self, _task: object) -> None:
        """Let go of a coroutine that never began, without a warning."""
        if inspect.iscoroutine(self._work):
            self._work.close()
