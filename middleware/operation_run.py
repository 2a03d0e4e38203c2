"""`OperationRun`: one run of an operation, from the wish to what came of it.

What belongs here: the run's task, and what ends it.  What does not: telling the store of it
(`operation_report`), and where its task lives (`operations`).
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from refold.actions.operation_actions import (
    OperationError,
    OperationFulfilled,
    OperationRejected,
)
from refold.errors import OperationRejectedError, WrongThreadError
from refold.middleware.is_being_cancelled import is_being_cancelled
from refold.middleware.operation_call import OperationCall, Rejection
from refold.middleware.operation_failure import (
    ABORTED,
    aborted,
    failure_of,
    refused,
    rolled_back,
)
from refold.middleware.operation_report import OperationReport

if TYPE_CHECKING:
    from refold.middleware.operation import OperationRequest
    from refold.middleware.operations import Operations

__all__ = ["OperationCall", "OperationRun"]

Argument = TypeVar("Argument")
Value = TypeVar("Value")

Settled: TypeAlias = OperationFulfilled[Argument, Value] | OperationRejected[Argument]

_logger: Final = logging.getLogger("refold.operations")


class OperationRun(Generic[Argument, Value]):
    """A run of an operation; awaiting it gives the fulfilled or the rejected action.

    Awaiting never raises, but for the cancellation of whoever awaits; `unwrap` gives the value.

    Asked for inside ``store.transaction()``, its pending belongs to the transaction, and its
    function begins once that is committed.  Rolled back with it, or asked for in a block that
    awaits before its end, the function never runs: the run is rejected with the code
    ``rolled_back``, of which the store is told only if it has pending after all.  A run that ends
    while another task's transaction is open across an ``await`` is told as soon as that is over.

    What a subscriber raises when the end is told goes to the program's log (``refold.operations``);
    what keeps fulfilled from being committed becomes the error of rejected.
    """

    def __init__(
        self, request: OperationRequest[Argument, Value], home: Operations, store: Any, extra: Any
    ) -> None:
        """Keep the request; `begin` begins it."""
        self._operation = request.operation
        self._signal = request.signal
        self._home = home
        self._call = OperationCall(self, store, extra)
        self._task: asyncio.Task[None] | None = None
        self.argument = request.argument
        """What it was called with."""
        make_id = self._operation.make_id
        self.request_id = store.inputs.make_id() if make_id is None else make_id(request.argument)
        """Unique to this run; every action of it carries it."""
        self._report = OperationReport(self._operation, self.request_id, self.argument, home)
        self._settled: asyncio.Future[Settled[Argument, Value]] = (
            asyncio.get_running_loop().create_future()
        )

    @property
    def is_settled(self) -> bool:
        """Whether it is over."""
        return self._report.is_over

    def begin(self) -> None:
        """Ask the condition, tell that it is pending, and start the task.

        Raises:
            Exception: what dispatching pending raises; if pending is committed all the same, the
                run goes on, otherwise its task ends it.
        """
        if self._signal is not None and self._signal.is_set():
            self._reject(aborted("the signal was set before it began"))
            return
        try:
            condition = self._operation.condition
            answer = True if condition is None else condition(self.argument, self._call)
        except Exception as error:  # noqa: BLE001  # it becomes the rejected action
            self._fail(error)
            return
        if inspect.isawaitable(answer):
            self._start(answer)
        elif self._may_run(answer):
            self._start(None)
            if not self.is_settled:
                self._report.tell_pending()

    def abort(self, reason: str = ABORTED) -> None:
        """End it now as rejected; the function is cancelled, and what it still gives is dropped.

        Args:
            reason: the message of the error, whose code is ``aborted``.

        Raises:
            WrongThreadError: not in the thread of the store's event loop.
        """
        if not self.is_settled:
            _check_running_loop()
            self._reject(aborted(reason))
            if self._task is not None:
                self._task.cancel(str(reason))

    def give_up(self, error: OperationError) -> None:
        """End it before it began; the store was told of nothing, and is not now."""
        self._report.reject(error, is_told=False)
        self._settle()

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

    def _start(self, answer: Any) -> None:
        """Start the task; ``answer`` is what an async condition gave to await."""

        def over(_task: object) -> None:
            if inspect.iscoroutine(answer):
                answer.close()  # a task that is cancelled before its first step awaits nothing
            self.abort("its task was cancelled")  # unless it is over, as it should

        try:
            self._task = self._home.start(self._live(answer), f"refold {self._report.origin}")
        except RuntimeError as error:  # the store is being left
            self.give_up(failure_of(error))
            over(None)
        else:
            self._task.add_done_callback(over)

    async def _live(self, answer: Any) -> None:
        watcher: asyncio.Task[None] | None = None
        try:
            if self._signal is not None:
                name = f"signal of {self._report.origin}"
                watcher = self._home.start(self._watch(self._signal), name)
            if answer is not None and not await self._ask(answer):
                return
            if not self._report.is_pending_committed:
                self._reject(rolled_back())
                return
            self._report.begin_answering()
            value = await self._operation.function(self.argument, self._call)
        except asyncio.CancelledError as error:
            if self.is_settled or is_being_cancelled():
                raise
            self._fail(error)  # something that it awaited was cancelled
        except Exception as error:  # noqa: BLE001  # it becomes the rejected action
            self._fail(error)
        else:
            self._fulfil(value)
        finally:
            if watcher is not None:
                watcher.cancel()

    async def _watch(self, signal: asyncio.Event) -> None:
        await signal.wait()
        self.abort("the signal was set")

    async def _ask(self, answer: Any) -> bool:
        """Await an async condition, and tell that it is pending."""
        if not self._may_run(await answer):
            return False
        try:
            self._report.tell_pending()
        except Exception:
            if not self._report.is_pending_committed:
                raise
            _logger.exception("%s %s: telling pending", self._report.origin, self.request_id)
        return not self.is_settled

    def _may_run(self, answer: object) -> bool:
        if answer is False:
            self._reject(refused())
        return not self.is_settled

    def _fulfil(self, value: Value) -> None:
        if not self.is_settled:
            self._report.fulfil(value)
            self._settle()

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, Rejection):
            rejected = OperationError(name="Rejected", message="the operation rejected")
            self._reject(rejected, error.payload, is_told=True)
        else:
            self._reject(failure_of(error), is_told=True)

    def _reject(
        self, error: OperationError, payload: object = None, *, is_told: bool = False
    ) -> None:
        """End it as rejected, unless it is over; ``is_told``: also if nothing was told so far."""
        if not self.is_settled:
            is_told = is_told or self._operation.tells_refusal
            self._report.reject(error, payload, is_told=is_told)
            self._settle()

    def _settle(self) -> None:
        """Let those go on who await it."""
        self._settled.set_result(self._report.end)
        self._home.runs.discard(self)


def _check_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        message = (
            "a run is aborted in the thread of its store's event loop; from another one write"
            " loop.call_soon_threadsafe(run.abort)"
        )
        raise WrongThreadError(message) from None
