"""The cheapest test of whether the thread that asks is the one that a store belongs to."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any

__all__ = ["make_thread_test"]


def make_thread_test() -> Callable[[], bool]:
    """Return a function that tells whether it runs in the thread that called this one.

    A lock that this thread holds for good knows its owner.  The method is the one that
    `threading.Condition` asks its lock; it takes half the time of comparing `threading.get_ident`,
    which makes an integer at every call.
    """
    lock: Any = RLock()  # the method is in no stub
    lock.acquire()
    is_owned: Callable[[], bool] = lock._is_owned  # noqa: SLF001  # see above
    return is_owned
