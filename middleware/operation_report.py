"""`OperationReport`: what a store is told of one run, pending and then its end.

What belongs here: that the two are told once each, in this order.  What does not: what the end is
(`operation_run`), and dispatching (`operation_telling`).

The end is told only of a run whose pending is committed; then it is told exactly once, unless the
store is closed before.  Both may be dispatched in a transaction, which may be rolled back.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from refold.actions.operation_actions import OperationError, OperationRejected
from refold.errors import InsideReducerError, TransactionError
from refold.middleware.operation_failure import failure_of
from refold.middleware.operation_telling import Told
from refold.store.dispatch_context import (
    DispatchContext,
    current_dispatch_context,
    dispatching_as,
    handling,
)

if TYPE_CHECKING:
    from refold.middleware.operation import Operation
    from refold.middleware.operations import Operations

__all__ = ["OperationReport"]

_AGAIN_SECONDS: Final = 0.01
"""How often an end is tried to be told while another task's transaction is open across an await,
of whose end nobody is told if it is rolled back."""

_logger: Final = logging.getLogger("refold.operations")


class OperationReport:
    """The telling of one run."""

    def __init__(
        self, operation: Operation[Any, Any], request_id: str, argument: Any, home: Operations
    ) -> None:
        """Tell of nothing so far."""
        self._operation = operation
        self._request_id = request_id
        self._argument = argument
        self._home = home
        self.origin = f"operation:{operation.actions.wire_name}"
        """Of all that the run dispatches after pending."""
        self._cause = current_dispatch_context().cause
        self._pending: Told | None = None
        self._end: Any = None
        self._end_told: Told | None = None

    @property
    def is_over(self) -> bool:
        """Whether the end is known."""
        return self._end is not None

    @property
    def is_pending_committed(self) -> bool:
        """Whether the reducer has had pending, and its transaction, if any, is committed."""
        return self._pending is not None and self._pending.committed is not None

    @property
    def end(self) -> Any:
        """The settling action, as it was committed, if it was."""
        told = self._end_told
        return self._end if told is None or told.committed is None else told.committed

    def tell_pending(self) -> None:
        """Dispatch pending.

        Raises:
            Exception: what dispatch raises; it may be committed all the same.
        """
        action = self._operation.pending(request_id=self._request_id, argument=self._argument)
        self._pending = Told(action, self._tell_end_soon)
        self._home.telling.tell(self._pending)

    def begin_answering(self) -> None:
        """Let what the running task dispatches have the run as origin and pending as cause."""
        handling(DispatchContext(self.origin, self._cause_of_end()))

    def fulfil(self, value: object) -> None:
        """End with a value, and tell of it."""
        self._end = self._operation.fulfilled(
            request_id=self._request_id, argument=self._argument, value=value
        )
        self._tell_end_if_known()

    def reject(self, error: OperationError, payload: object = None, *, is_told: bool) -> None:
        """End with an error, and tell of it.

        Args:
            error: the error.
            payload: what the function rejected with.
            is_told: tell also of a run of which the store was told nothing so far.
        """
        self._end = self._rejected(error, payload)
        if is_told or self._pending is not None:
            self._tell_end_if_known()

    def _tell_end_if_known(self) -> None:
        """Tell, unless pending was dispatched in a transaction that is not committed so far."""
        if self._pending is None or self.is_pending_committed:
            self._tell_end()

    def _tell_end_soon(self) -> None:
        """Pending was committed; if the run is over meanwhile, tell of that, too."""
        if self._end is not None:
            asyncio.get_running_loop().call_soon(self._tell_end)

    def _tell_end(self, *, is_last_try: bool = False) -> None:
        """Tell of the end, unless that was done; later if it cannot be done now.

        Args:
            is_last_try: it was dispatched before and not committed; if it is not now either, it was
                no transaction, but some middleware that keeps it from the reducer.
        """
        self._home.untold.add(self)
        if self._is_end_committed or self._dispatch_end(is_last_try=is_last_try):
            self._home.untold.discard(self)

    def _dispatch_end(self, *, is_last_try: bool) -> bool:
        """Dispatch the end; return whether there is nothing more to do."""
        loop = asyncio.get_running_loop()
        self._end_told = Told(self._end, None)
        try:
            with dispatching_as(self.origin, cause=self._cause_of_end()):
                self._home.telling.tell(self._end_told)
        except (InsideReducerError, TransactionError):
            if not self._is_end_committed:
                loop.call_later(_AGAIN_SECONDS, self._tell_end)
                return False
        except Exception as error:
            if not self._is_end_committed and self._make_plainer(error):
                return self._dispatch_end(is_last_try=is_last_try)
            _logger.exception("%s %s: telling its end", self.origin, self._request_id)
            return True
        else:
            if not self._is_end_committed and not is_last_try:  # in a transaction, perhaps
                loop.call_soon(partial(self._tell_end, is_last_try=True))
        return self._is_end_committed or is_last_try

    @property
    def _is_end_committed(self) -> bool:
        return self._end_told is not None and self._end_told.committed is not None

    def _cause_of_end(self) -> str | None:
        return self._cause if self._pending is None else self._pending.cause

    def _make_plainer(self, error: Exception) -> bool:
        """Reject with an error instead, unless that is what could not be told."""
        end: Any = self._end
        if isinstance(end, OperationRejected) and end.payload is None:
            return False
        self._end = self._rejected(failure_of(error))
        return True

    def _rejected(self, error: OperationError, payload: object = None) -> Any:
        return self._operation.rejected(
            request_id=self._request_id, argument=self._argument, error=error, payload=payload
        )
