"""A desk where things are asked for: what the tests of operations share.

What belongs here: what several of those files use.  What does not: operations themselves, which
each test declares where it can be read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs

from refold.actions.action import Action, action
from refold.actions.operation_actions import is_pending, is_settled
from refold.middleware.operations import operations
from refold.reducers.reducer import Reducer
from refold.store.store import Store

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

__all__ = ["Desk", "Noted", "Told", "desk", "open_desk", "rest"]


@attrs.frozen
class Desk:
    """How many answers are waited for, how many came, and what was noted."""

    asking: int = 0
    answered: int = 0
    texts: tuple[str, ...] = ()


@action("operation_scene/noted")
class Noted(Action):
    """A text was written down."""

    text: str


desk = Reducer(Desk())


@desk.on(Noted)
def _(state: Desk, action: Noted) -> Desk:
    return attrs.evolve(state, texts=(*state.texts, action.text))


@desk.on_any(is_pending())
def _(state: Desk, action: Action) -> Desk:  # noqa: ARG001  # of whatever operation
    return attrs.evolve(state, asking=state.asking + 1)


@desk.on_any(is_settled())
def _(state: Desk, action: Action) -> Desk:  # noqa: ARG001  # of whatever operation
    return attrs.evolve(state, asking=state.asking - 1, answered=state.answered + 1)


class Told:
    """A middleware that keeps every action that was committed."""

    def __init__(self) -> None:
        self.actions: list[Any] = []

    def __call__(self, _store: StoreAPI[Desk], next_dispatch: Dispatch, /) -> Dispatch:
        """Change nothing on an action's way."""
        return next_dispatch

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Keep the actions of a commit."""
        self.actions.extend(actions)

    @property
    def stages(self) -> list[str]:
        """The last word of each action's wire name: ``pending``, ``fulfilled``, ``rejected``."""
        return [each.wire_name.partition("/")[2].rpartition("_")[2] for each in self.actions]


def open_desk(
    *middleware: Middleware[Desk], extra: object = None, reducer: Reducer[Desk] = desk
) -> tuple[Store[Desk], Told]:
    """Return a store that runs operations, and what is told in it."""
    told = Told()
    return Store(reducer, middleware=[*middleware, operations(extra=extra), told]), told


async def rest(seconds: float = 100.0) -> None:
    """Let everything happen that happens within some virtual seconds."""
    await asyncio.sleep(seconds)
