"""Telling one's own cancellation from a `CancelledError` that came out of something awaited."""

from __future__ import annotations

import asyncio

__all__ = ["is_being_cancelled"]


def is_being_cancelled() -> bool:
    """Tell whether the running task itself was asked to stop.

    A user's function may raise `asyncio.CancelledError` because something that it awaited was
    cancelled; taken for a cancellation of the task, that would end the task without a word.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
