"""`sliding_window`: a result for each of many, with only some of them under way at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from refold.middleware.is_being_cancelled import is_being_cancelled

__all__ = ["sliding_window"]

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


async def sliding_window(
    keys: Iterable[K],
    work: Callable[[K], Awaitable[R]],
    *,
    at_once: int,
    on_error: Callable[[K, BaseException], R],
) -> dict[K, R]:
    """Do the work for each key; the next begins as soon as any is done, not when a batch is.

    Cancelling it cancels all that is under way, and begins nothing more.

    Args:
        keys: in the order in which they begin; one that stands twice is done once.
        work: for one key.
        at_once: how many may be under way, 1 or more.
        on_error: makes the result of a key whose work raised, or was cancelled by somebody else.

    Returns:
        A result for each key, in the order of the keys.
    """
    distinct = tuple(dict.fromkeys(keys))
    results: dict[K, R] = {}
    waiting = iter(distinct)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(distinct))):
            group.create_task(_take_turns(waiting, work, on_error, results))
    return {key: results[key] for key in distinct}


async def _take_turns(
    waiting: Iterator[K],
    work: Callable[[K], Awaitable[R]],
    on_error: Callable[[K, BaseException], R],
    results: dict[K, R],
) -> None:
    """Take the next key until there is none."""
    for key in waiting:
        try:
            results[key] = await work(key)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            results[key] = on_error(key, error)
