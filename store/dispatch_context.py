"""Who dispatches, and in answer to what: the context that ends up in the log's envelope.

What belongs here: one context variable.  It flows through ``await`` and into new tasks by itself,
so that a task started while an action is handled is known to be caused by it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = [
    "NOBODY_ELSE",
    "DispatchContext",
    "current_dispatch_context",
    "dispatching_as",
    "handling",
    "record_id",
    "saved_dispatch_context",
]


@attrs.frozen
class DispatchContext:
    """What is known of a dispatch besides its action."""

    origin: str = "app"
    """Who dispatches: ``app``, ``listener:NAME``, ``service:NAME``."""

    cause: str | None = None
    """The id of the record during whose handling this is dispatched; None if there is none."""


_Saved: TypeAlias = DispatchContext | tuple[str, int]
"""A context; or writer and number of the record that the application answers, which make its id.

To make a context of it, or only the id, takes as long as a part of a dispatch; few ask for one."""

NOBODY_ELSE: Final = DispatchContext()
"""The context of the application, unless it answers something."""

_context: ContextVar[_Saved] = ContextVar("refold_dispatch_context", default=NOBODY_ELSE)

handling: Final[Callable[[_Saved], object]] = _context.set
"""Makes this the context of the running code, until somebody sets another.

Writer and number of a record stand for ``DispatchContext(cause=id)``, see `record_id`."""

saved_dispatch_context: Final[Callable[[], _Saved]] = _context.get
"""Returns the context of the running code as `handling` takes it."""


def current_dispatch_context() -> DispatchContext:
    """Return the context of the running code."""
    context = _context.get()
    if isinstance(context, DispatchContext):
        return context
    return DispatchContext(cause=record_id(*context))


def record_id(writer: str, number: int) -> str:
    """Return the id of a record.

    Args:
        writer: a text that no other writer of any log has.
        number: of the record in its log.
    """
    return f"{writer}-{number}"


@contextmanager
def dispatching_as(origin: str, *, cause: str | None = None) -> Generator[None]:
    """Let all that is dispatched inside the block carry this origin and cause.

    Args:
        origin: ``service:NAME`` or ``listener:NAME``.
        cause: the id of the record that is being answered; None if there is none.
    """
    token = _context.set(DispatchContext(origin, cause))
    try:
        yield
    finally:
        _context.reset(token)
