"""A small state, its actions, and a list of what went wrong: what the tests of listeners share.

What belongs here: what several of those files use.  What does not: listeners themselves, which each
test declares where it can be read.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from refold.actions.action import Action, action
from refold.middleware.listeners import Listeners
from refold.reducers.reducer import Reducer

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "Answered",
    "Asked",
    "Board",
    "Counted",
    "Noted",
    "Troubles",
    "board",
    "noting_cancellation",
    "rest",
]


@attrs.frozen
class Board:
    """What was counted, asked and noted."""

    count: int = 0
    asked: int = 0
    texts: tuple[str, ...] = ()


@action("listener_scene/asked")
class Asked(Action):
    """Somebody asked something."""

    number: int = 0


@action("listener_scene/answered")
class Answered(Action):
    """Somebody answered."""

    number: int = 0


@action("listener_scene/counted")
class Counted(Action):
    """The count went up."""

    by: int = 1


@action("listener_scene/noted")
class Noted(Action):
    """A text was written down."""

    text: str


board = Reducer(Board())


@board.on(Asked)
def _(state: Board, action: Asked) -> Board:
    return attrs.evolve(state, asked=action.number)


@board.on(Counted)
def _(state: Board, action: Counted) -> Board:
    return attrs.evolve(state, count=state.count + action.by)


@board.on(Noted)
def _(state: Board, action: Noted) -> Board:
    return attrs.evolve(state, texts=(*state.texts, action.text))


class Troubles:
    """Listeners whose errors are kept: who raised what, and its name."""

    def __init__(self, *, extra: object = None) -> None:
        self.errors: list[tuple[str, str, str]] = []
        self.listeners = Listeners(Board, extra=extra, on_error=self._keep)

    def _keep(self, error: Exception, raised_by: str, name: str) -> None:
        self.errors.append((raised_by, repr(error), name.rpartition(".")[2]))


async def rest(seconds: float = 1.0) -> None:
    """Let everything happen that happens within some virtual seconds."""
    await asyncio.sleep(seconds)


@contextmanager
def noting_cancellation(notes: list[str]) -> Generator[None]:
    """Note how a block was left: ``done``, or the reason that its cancellation gave."""
    try:
        yield
    except asyncio.CancelledError as error:
        notes.append(str(error))
        raise
    notes.append("done")
