"""`TransactionGuard`: who may dispatch while a transaction is open, and whether it awaited.

What belongs here: telling one task's dispatches from another's.  What does not: collecting and
rolling back, which the store does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from refold.store.refusals import awaited_in_transaction, others_transaction

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TransactionGuard"]


class TransactionGuard:
    """Watches one outermost transaction.

    A block without an ``await`` runs in one step of the event loop, so nobody else can dispatch in
    it.  That the loop takes another step before the block ends shows that it awaited.
    """

    def __init__(
        self, admit_only: Callable[[Callable[[], bool] | None], None], *, across_await: bool
    ) -> None:
        """Begin to watch.

        Args:
            admit_only: sets the question that every dispatch must pass; None for none.
            across_await: let the block await; only the task that opened it dispatches meanwhile.
        """
        self._admit_only = admit_only
        self._across_await = across_await
        self._has_awaited = False
        self._task: asyncio.Task[object] | None = None
        self._next_step: asyncio.Handle | None = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # nothing can be awaited
            return
        self._task = asyncio.current_task()
        self._next_step = loop.call_soon(self._block_awaited)

    def check_nesting(self) -> None:
        """Raise if the running task may not open a transaction inside this one.

        Raises:
            TransactionError: this one is open across an ``await``, and of another task.
        """
        if self._has_awaited and not self._is_admitted():
            what = "a transaction was begun"
            raise others_transaction(what)

    def check_unawaited(self) -> None:
        """Raise if the block awaited without having asked for it.

        Raises:
            TransactionError: it did.
        """
        if self._has_awaited and not self._across_await:
            raise awaited_in_transaction()

    def end(self) -> None:
        """Let everybody dispatch again."""
        if self._next_step is not None:
            self._next_step.cancel()
        self._admit_only(None)

    def _block_awaited(self) -> None:
        self._has_awaited = True
        self._admit_only(self._is_admitted)

    def _is_admitted(self) -> bool:
        """Tell whether it is the task that opened the transaction, and may await in it."""
        return self._across_await and asyncio.current_task() is self._task
