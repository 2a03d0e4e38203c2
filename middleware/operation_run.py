"""`OperationRun`: one run of an operation, from the wish to what came of it.

What belongs here: which action is dispatched when.  What does not: where the run's task lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import traceback
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeAlias, TypeVar, cast

from refold.actions.operation_actions import (
    OperationError,
    OperationFulfilled,
    OperationRejected,
)
from refold.errors import OperationRejectedError
from refold.store.dispatch_context import current_dispatch_context, dispatching_as

if TYPE_CHECKING:
    from refold.middleware.operation import OperationRequest
    from refold.store.entry import Dispatcher

__all__ = ["ABORTED", "REFUSED", "OperationCall", "OperationRun"]

Argument = TypeVar("Argument")
Value = TypeVar("Value")

Settled: TypeAlias = OperationFulfilled[Argument, Value] | OperationRejected[Argument]

ABORTED: Final = "aborted"
"""The code of the error of a run that was aborted; its message is the reason."""

REFUSED: Final = "refused"
"""The code of the error of a run that its condition refused."""


class OperationCall:
    """What an operation's function may do besides returning."""

    def __init__(self, run: OperationRun[Any, Any], store: Any, extra: Any) -> None:
        """Keep the run and its store."""
        self._run = run
        self._store = store
        self.extra = extra
        """What `operations` was made with, such as services."""

    @property
    def request_id(self) -> str:
        """The id that the run's actions carry."""
        return self._run.request_id

    @property
    def state(self) -> Any:
        """The store's present state."""
        return self._store.state

    @property
    def dispatch(self) -> Dispatcher:
        """Dispatch an action, or ask for another operation."""
        return cast("Dispatcher", self._store.dispatch)

    @property
    def is_aborted(self) -> bool:
        """Whether the run was aborted; for code that does not await."""
        return self._run.is_settled

    def reject(self, payload: object) -> NoReturn:
        """End the run: rejected with this payload.

        Args:
            payload: of the type that the operation was declared with as ``rejection``.
        """
        raise _Rejection(payload)

    def abort(self, reason: str = ABORTED) -> None:
        """Abort the run; see `OperationRun.abort`."""
        self._run.abort(reason)


class OperationRun(Generic[Argument, Value]):
    """A run of an operation; awaiting it gives the fulfilled or the rejected action.

    Awaiting never raises, but for the cancellation of whoever awaits; `unwrap` gives the value.
    """

    def __init__(self, request: OperationRequest[Argument, Value], store: Any, extra: Any) -> None:
        """Keep the request; `begin` begins it."""
        self._operation = request.operation
        self._signal = request.signal
        self._store = store
        self._call = OperationCall(self, store, extra)
        self._settled: asyncio.Future[Settled[Argument, Value]] = (
            asyncio.get_running_loop().create_future()
        )
        self._is_pending_told = False
        self._origin = f"operation:{self._operation.actions.wire_name}"
        self._cause = current_dispatch_context().cause
        self.argument = request.argument
        """What it was called with."""
        self.request_id = self._operation.make_id(request.argument)
        """Unique to this run; every action of it carries it."""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether it is over."""
        return self._settled.done()

    def begin(self, group: asyncio.TaskGroup) -> asyncio.Task[None] | None:
        """Ask the condition, tell that it is pending, and start the task; None if there is none."""
        if self._signal is not None and self._signal.is_set():
            self._settle_silently(ABORTED, "the signal was set before it began")
            return None
        try:
            condition = self._operation.condition
            answer = True if condition is None else condition(self.argument, self._call)
        except Exception as error:  # noqa: BLE001  # it becomes the rejected action
            self._reject(_as_data(error))
            return None
        if not inspect.isawaitable(answer) and not self._may_begin(answer):
            return None
        with dispatching_as(self._origin, cause=self._cause):
            self._task = group.create_task(self._live(answer), name=f"refold {self._origin}")
        self._task.add_done_callback(self._ended)
        return self._task

    def abort(self, reason: str = ABORTED) -> None:
        """End it now as rejected; the function is cancelled, and what it still gives is dropped.

        Args:
            reason: the message of the error, whose code is ``aborted``.
        """
        if self.is_settled:
            return
        error = OperationError(name="OperationAborted", message=reason, code=ABORTED)
        if self._is_pending_told:
            self._reject(error)
        else:
            self._settle_silently(ABORTED, reason)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel(reason)

    async def unwrap(self) -> Value:
        """Return the value.

        Raises:
            OperationRejectedError: it was rejected; ``action`` has the error and the payload.
        """
        settled = await self
        if isinstance(settled, OperationFulfilled):
            return settled.value
        error = settled.error
        message = f"{self._operation.actions.wire_name} was rejected: {error.name}: {error.message}"
        raise OperationRejectedError(message, action=settled)

    def __await__(self) -> Generator[Any, None, Settled[Argument, Value]]:
        """Wait until it is over."""
        return asyncio.shield(self._settled).__await__()

    async def _live(self, answer: Any) -> None:
        with contextlib.ExitStack() as watching:
            if self._signal is not None:
                watcher = asyncio.ensure_future(self._signal.wait())
                watcher.add_done_callback(self._signalled)
                watching.callback(watcher.cancel)
            try:
                if inspect.isawaitable(answer) and not self._may_begin(await answer):
                    return
                value = await self._operation.function(self.argument, self._call)
            except _Rejection as rejection:
                error = OperationError(name="Rejected", message="the operation rejected")
                self._reject(error, rejection.payload)
            except Exception as error:  # noqa: BLE001  # it becomes the rejected action
                self._reject(_as_data(error))
            else:
                self._fulfil(value)

    def _may_begin(self, answer: Any) -> bool:
        """Tell that it is pending, unless it was refused or aborted."""
        if self.is_settled:
            return False
        if answer is False:
            if self._operation.tells_refusal:
                self._reject(_refusal())
            else:
                self._settle_silently(REFUSED, _refusal().message)
            return False
        self._is_pending_told = True
        with dispatching_as(self._origin, cause=self._cause):
            pending = self._operation.pending(request_id=self.request_id, argument=self.argument)
            self._store.dispatch(pending)
        return not self.is_settled

    def _fulfil(self, value: Value) -> None:
        if not self.is_settled:
            action = self._operation.fulfilled(
                request_id=self.request_id, argument=self.argument, value=value
            )
            self._tell(action)

    def _reject(self, error: OperationError, payload: object = None) -> None:
        if not self.is_settled:
            self._tell(self._rejected(error, payload))

    def _settle_silently(self, code: str, reason: str) -> None:
        """End it without telling the store, which has not heard of it."""
        name = "OperationAborted" if code == ABORTED else "OperationRefused"
        if self._operation.tells_refusal:
            self._reject(OperationError(name=name, message=reason, code=code))
        else:
            self._settled.set_result(
                self._rejected(OperationError(name=name, message=reason, code=code))
            )

    def _rejected(
        self, error: OperationError, payload: object = None
    ) -> OperationRejected[Argument]:
        return self._operation.rejected(
            request_id=self.request_id, argument=self.argument, error=error, payload=payload
        )

    def _tell(self, action: Settled[Argument, Value]) -> None:
        """Settle first: what is dispatched in answer finds it settled."""
        self._settled.set_result(action)
        with dispatching_as(self._origin, cause=self._cause):
            self._store.dispatch(action)

    def _signalled(self, watcher: asyncio.Future[Any]) -> None:
        if not watcher.cancelled():
            self.abort("the signal was set")

    def _ended(self, _task: object) -> None:
        """Make sure that whoever waits goes on: the task was cancelled from outside."""
        self.abort("its task was cancelled")


class _Rejection(Exception):  # noqa: N818  # leaves a function, and is no error of it
    def __init__(self, payload: object) -> None:
        super().__init__(payload)
        self.payload = payload


def _refusal() -> OperationError:
    return OperationError(
        name="OperationRefused", message="its condition returned False", code=REFUSED
    )


def _as_data(error: Exception) -> OperationError:
    """Return an exception as what a log can carry."""
    code = getattr(error, "code", None)
    return OperationError(
        name=type(error).__name__,
        message=str(error),
        code=None if code is None else str(code),
        stack="".join(traceback.format_exception(error)),
    )
