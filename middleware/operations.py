"""`operations`: the middleware that runs the operations of a store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from refold.errors import MiddlewareError, StoreClosedError
from refold.middleware.operation import OperationRequest
from refold.middleware.operation_failure import aborted
from refold.middleware.operation_run import OperationRun
from refold.middleware.operation_telling import OPERATION_ACTIONS, Telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action
    from refold.middleware.operation_report import OperationReport
    from refold.store.middleware import Dispatch

__all__ = ["Operations", "operations"]

_OURS: Final = (OperationRequest, *OPERATION_ACTIONS)

_LEFT: Final = "the store was left"

_PATIENCE_SECONDS: Final = 1.0
"""How long leaving waits for another task's transaction, to tell of what ended meanwhile."""

_LOOK_SECONDS: Final = 0.01

_logger: Final = logging.getLogger("refold.operations")


def operations(*, extra: Any = None) -> Operations:
    """Return middleware that runs what `operation` declares, while its store is entered.

    Leaving the store aborts all runs, which still tells that they were rejected, and waits for
    them; a function that goes on when it is cancelled is waited for.  What is asked for meanwhile
    is rejected, and the store is told nothing of it.

    Args:
        extra: for every run as ``call.extra``, such as the program's services.
    """
    return Operations(extra)


class Operations:
    """Middleware that begins a run for every dispatched request."""

    telling: Telling
    """What the runs tell; there once a store is made with this middleware."""

    def __init__(self, extra: Any = None) -> None:
        """Keep what the runs get."""
        self._extra = extra
        self._store: Any = None
        self._group: Any = None  # an asyncio.TaskGroup once the store is entered
        self._is_left = False
        self._is_closed = False
        self.runs: set[OperationRun[Any, Any]] = set()
        """Those that are not over."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.untold: set[OperationReport] = set()
        """Those of runs that are over, of which the store could not be told so far."""

    def __call__(self, store: Any, next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
        """Set up the handler.

        Raises:
            MiddlewareError: another store was made with it.
        """
        if self._store is not None:
            message = "operations() serves one store; give each store its own operations()"
            raise MiddlewareError(message)
        self._store = store
        self.telling = Telling(store)
        plain: set[type] = set()  # the classes of other actions, for which a look is enough
        go_on: Callable[[Any], Any] = next

        def handle(action: Any, /) -> Any:
            if action.__class__ in plain:
                return go_on(action)
            if not isinstance(action, _OURS):
                plain.add(action.__class__)
                return go_on(action)
            if isinstance(action, OperationRequest):
                return self._begin(action)  # pyright: ignore[reportUnknownArgumentType]  # of any types
            handled = go_on(action)
            self.telling.handled()
            return handled

        return handle

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Take note of what was committed."""
        self.telling.committed(actions)

    def open(self, group: asyncio.TaskGroup, /) -> None:
        """Run what is asked for from now on."""
        self._group = group

    async def run(self) -> None:
        """Wait until the store is left, then abort all runs and wait for them."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._is_left = True
            for each in tuple(self.runs):
                each.abort(_LEFT)
            for task in tuple(self._tasks):
                task.cancel(_LEFT)  # also of those aborted before, which went on
            while self._tasks:
                await asyncio.wait(self._tasks)
            await self._tell_the_untold()

    def close(self) -> None:
        """Refuse what is asked for from now on."""
        self._is_closed = True

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task of a run, which leaving the store waits for.

        Raises:
            RuntimeError: the group takes no more tasks.
        """
        try:
            task: asyncio.Task[None] = self._group.create_task(work, name=name)
        except RuntimeError:
            work.close()
            raise
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _begin(self, request: OperationRequest[Any, Any]) -> OperationRun[Any, Any]:
        if self._group is None or self._is_closed:
            raise self._refusal(request.operation.actions.wire_name)
        request.operation.check_types()
        run = OperationRun(request, self, self._store, self._extra)
        if self._is_left:
            run.give_up(aborted(_LEFT))
            return run
        self.runs.add(run)
        run.begin()
        return run

    def _refusal(self, name: str) -> StoreClosedError:
        state = (
            "was dispatched to a store that is closed; make a new one"
            if self._is_closed
            else "needs a store that is entered: async with Store(...) as store"
        )
        return StoreClosedError(f"the operation {name} {state}")

    async def _tell_the_untold(self) -> None:
        """Wait a while for those who wait for another task's transaction."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + _PATIENCE_SECONDS
        while self.untold and loop.time() < give_up_at:  # noqa: ASYNC110  # they look by timers too
            await asyncio.sleep(_LOOK_SECONDS)
        for report in self.untold:
            _logger.error("the end of %s is not told: a transaction is open", report.origin)
