"""`timestamps`: give every action the time at which it was dispatched."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from refold.reducers.evolve import evolve
from refold.store.inputs import inputs_of

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

__all__ = ["timestamps"]


def timestamps(clock: Callable[[], float] | None = None) -> Middleware[Any]:
    """Return middleware that fills ``at_ms`` where it is None; a time that is there is kept.

    The caller of dispatch gets the action with its time.

    Args:
        clock: seconds since the Unix epoch; None for that of the store's inputs.
    """

    def set_up(store: StoreAPI[Any], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
        now = clock or inputs_of(store).clock  # it stands in the action, so it is not noted

        def handle(action: Action) -> Action:
            if getattr(action, "at_ms", 0) is None:
                action = evolve(action, at_ms=int(now() * 1000))
            return next(action)

        return handle

    return set_up
