"""`operations`: the middleware that runs the operations of a store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from refold.errors import StoreClosedError
from refold.middleware.operation import OperationRequest
from refold.middleware.operation_run import OperationRun

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch

__all__ = ["Operations", "operations"]


def operations(*, extra: Any = None) -> Operations:
    """Return middleware that runs what `operation` declares, while its store is entered.

    Leaving the store aborts all runs, which still tells that they were rejected, and waits for
    them.

    Args:
        extra: for every run as ``call.extra``, such as the program's services.
    """
    return Operations(extra)


class Operations:
    """Middleware that begins a run for every dispatched request."""

    def __init__(self, extra: Any = None) -> None:
        """Keep what the runs get."""
        self._extra = extra
        self._store: Any = None
        self._group: asyncio.TaskGroup | None = None
        self._runs: dict[asyncio.Task[None], OperationRun[Any, Any]] = {}

    def __call__(self, store: Any, next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
        """Set up the handler."""
        self._store = store

        def handle(action: Any, /) -> Any:
            if isinstance(action, OperationRequest):
                return self._begin(action)  # pyright: ignore[reportUnknownArgumentType]  # of any types
            return next(action)

        return handle

    def open(self, group: asyncio.TaskGroup, /) -> None:
        """Run what is asked for from now on."""
        self._group = group

    async def run(self) -> None:
        """Wait until the store is left, then abort all runs and wait for them."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._group = None
            for each in tuple(self._runs.values()):
                each.abort("the store was left")
            if self._runs:
                await asyncio.wait(self._runs)

    def _begin(self, request: OperationRequest[Any, Any]) -> OperationRun[Any, Any]:
        if self._group is None:
            message = (
                f"the operation {request.operation.actions.wire_name} needs a store that is"
                f" entered: async with Store(...) as store"
            )
            raise StoreClosedError(message)
        run = OperationRun(request, self._store, self._extra)
        task = run.begin(self._group)
        if task is not None:
            self._runs[task] = run
            task.add_done_callback(lambda done: self._runs.pop(done, None))
        return run
