"""`BatchTimer`: which actions' subscribers may be told later, and when that is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from refold.actions.registry import is_declared_action_class
from refold.errors import NotAnActionError

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["BatchTimer"]


class BatchTimer:
    """The time until the subscribers of a store are told of the batched actions so far."""

    def __init__(self, classes: Iterable[type[Action]], seconds: float | None) -> None:
        """Keep the choice.

        Args:
            classes: what is batched.
            seconds: how long; None for the end of the event loop's present step.

        Raises:
            NotAnActionError: something is no action class.
            ValueError: the seconds are not more than 0.
        """
        self.classes = frozenset(classes)
        """The classes of actions that are batched."""
        self._seconds = seconds
        self._handle: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        for each in self.classes:
            if not is_declared_action_class(each):
                message = f"batch expects action classes, got {each!r}; pass batch=[PriceTicked]"
                raise NotAnActionError(message)
        if seconds is not None and seconds <= 0:
            message = f"batch_seconds must be more than 0, got {seconds}; None is the next step"
            raise ValueError(message)

    def start(self, when_over: Callable[[], object]) -> bool:
        """Let the time run, unless it runs; return whether there is an event loop to run it.

        A time that another loop was to end begins anew: that loop may be closed.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._handle is not None and self._loop is loop:
            return True
        self.stop()
        self._loop = loop
        if self._seconds is None:
            self._handle = loop.call_soon(when_over)
        else:
            self._handle = loop.call_later(self._seconds, when_over)
        return True

    def stop(self) -> bool:
        """Let it run no more; return whether it ran."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.cancel()
        return handle is not None
