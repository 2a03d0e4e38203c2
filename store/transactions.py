"""`Transactions`: the dispatches of a block as one commit, or as none.

What belongs here: collecting and rolling back.  What does not: whose dispatches are let through,
which `transaction_guard` decides.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from refold.errors import StoreClosedError
from refold.store.dispatch_context import current_dispatch_context, handling
from refold.store.transaction_guard import TransactionGuard

if TYPE_CHECKING:
    from collections.abc import Generator

    from refold.store.commit_core import CommitCore
    from refold.store.notifier import Notifier

__all__ = ["Transactions"]


class Transactions:
    """The transactions of one store: at most one outermost at a time, others inside it."""

    def __init__(self, core: CommitCore, notifier: Notifier) -> None:
        """Start with none."""
        self._core = core
        self._notifier = notifier
        self._guard: TransactionGuard | None = None

    @contextmanager
    def begin(self, *, across_await: bool) -> Generator[None]:
        """Run one; see `Store.transaction`."""
        self._core.check_own_thread("a transaction was begun")
        self._core.check_outside_reducer("begin a transaction")
        if self._guard is not None:
            self._guard.check_nesting()
            with self._undoing_on_error(self._guard):
                yield
            return
        self._guard = guard = TransactionGuard(self._core.admit_only, across_await=across_await)
        self._notifier.begin_collecting()
        try:
            with self._undoing_on_error(guard):
                yield
                guard.check_unawaited()
                self._check_open()
        finally:
            guard.end()
            self._guard = None
            context = current_dispatch_context()
            try:
                self._notifier.end_collecting()
            finally:
                handling(context)

    @contextmanager
    def _undoing_on_error(self, guard: TransactionGuard) -> Generator[None]:
        """Come back to the present state if the block raises, and forget its actions."""
        core, notifier = self._core, self._notifier
        kept, mark, level = core.snapshot(), notifier.mark(), guard.enter()
        try:
            yield
            guard.check_order(level)
        except BaseException:
            if guard.leave(level):
                try:
                    core.restore(kept)
                finally:
                    notifier.forget_since(mark)
            raise
        guard.leave(level)

    def _check_open(self) -> None:
        """Raise if the store was closed meanwhile: whoever records takes no commit any more."""
        if self._notifier.is_closing:
            message = (
                "the store was closed while a transaction was open, which is rolled back: let its"
                " block end before the store is left"
            )
            raise StoreClosedError(message)
