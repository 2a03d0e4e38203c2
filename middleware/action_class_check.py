"""`ActionClassCheck`: advice for whoever dispatches an action class instead of an instance."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from refold.actions.action import Action
from refold.errors import RefoldWarning

if TYPE_CHECKING:
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["ActionClassCheck", "is_action_class"]


def is_action_class(candidate: object) -> bool:
    """Tell whether the candidate is an action class itself, not an instance."""
    return isinstance(candidate, type) and issubclass(candidate, Action)


class ActionClassCheck:
    """Middleware that reports what looks like a forgotten call, before the store refuses it."""

    def __init__(self, is_action_class: Callable[[object], bool] = is_action_class) -> None:
        """Report whatever the predicate is true for; by default, action classes."""
        self._is_action_class = is_action_class

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Return a handler that looks at each action and lets it go on."""
        del store

        def handle(action: Any) -> Action:
            if self._is_action_class(action):
                name = getattr(action, "__name__", repr(action))
                message = (
                    f"{name} was dispatched itself, not what it makes: write dispatch({name}(...))"
                )
                warnings.warn(message, RefoldWarning, stacklevel=2)
            return next(action)

        return handle
