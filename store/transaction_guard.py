"""`TransactionGuard`: who may dispatch in an open transaction, and whether its blocks end in order.

What belongs here: telling one task's dispatches from another's, and that a block awaited.  What
does not: collecting and rolling back, which `transactions` does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from refold.errors import TransactionError
from refold.store.refusals import awaited_in_transaction, others_transaction

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TransactionGuard"]


class TransactionGuard:
    """Watches one outermost transaction.

    Only the task that opened it may dispatch in it.  A block without an ``await`` runs in one step
    of the event loop; that the loop takes another step before the block ends shows that it awaited.
    The tasks of the step at hand run before that is known, which is why the task is asked from the
    beginning.
    """

    def __init__(
        self, admit_only: Callable[[Callable[[], bool] | None], None], *, across_await: bool
    ) -> None:
        """Begin to watch.

        Args:
            admit_only: sets the question that every dispatch must pass; None for none.
            across_await: let the block await; only the task that opened it dispatches meanwhile.
        """
        self.level = 0
        """How many blocks are open, one inside the other."""
        self._admit_only = admit_only
        self._across_await = across_await
        self._has_awaited = False
        self._is_out_of_order = False
        self._task: asyncio.Task[object] | None = None
        self._next_step: asyncio.Handle | None = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # nothing can be awaited
            return
        self._task = _running_task()
        self._next_step = loop.call_soon(self._note_await)
        admit_only(self._is_admitted)

    def enter(self) -> int:
        """Note that a block begins; return its level, 1 for the outermost."""
        self.level += 1
        return self.level

    def leave(self, level: int) -> bool:
        """Note that the block of a level ends; return whether it must be undone if it failed.

        It need not be if one around it ended before: then its actions are undone or told already.
        """
        if self.level != level:
            self._is_out_of_order = True
        was_open = self.level >= level
        self.level = min(self.level, level - 1)
        return was_open

    def check_nesting(self) -> None:
        """Raise if the running task may not open a transaction inside this one.

        Raises:
            TransactionError: this one is of another task, or awaited without having asked for it.
        """
        if self._next_step is not None and not self._is_admitted():
            what = "a transaction was begun"
            raise others_transaction(what)

    def check_order(self, level: int) -> None:
        """Raise if the block of a level is not the innermost one, or another one was not.

        Raises:
            TransactionError: blocks did not end in the reverse order of their beginning.
        """
        if self.level != level or self._is_out_of_order:
            raise _ended_out_of_order()

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

    def _note_await(self) -> None:
        self._has_awaited = True

    def _is_admitted(self) -> bool:
        """Tell whether it is the task that opened the transaction, and may go on in it."""
        is_own = _running_task() is self._task
        return is_own and (self._across_await or not self._has_awaited)


def _running_task() -> asyncio.Task[object] | None:
    """Return the task that runs; None in a callback, and where no loop runs."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _ended_out_of_order() -> TransactionError:
    return TransactionError(
        "a transaction ended while one begun inside it was still open, as a generator that is left"
        " half-way does; all of the outermost one is rolled back: let the blocks end in the reverse"
        " order of their beginning"
    )
