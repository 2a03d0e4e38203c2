"""Commands that a store's listeners obey when they are dispatched; they never reach a reducer.

`Listeners.on` declares listeners for every store; these change those of one running store, from
wherever there is a dispatch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from refold.middleware.listener_declaration import ListenerDeclaration, Policy
from refold.middleware.listener_trigger import Kind, Trigger
from refold.store.entry import Command

if TYPE_CHECKING:
    from refold.middleware.effect import Effect

__all__ = ["AddListener", "ClearListeners", "RemoveListener"]


class AddListener(Command[Callable[[], bool]]):
    """Begin to listen; dispatching it returns the function that ends it."""

    def __init__(
        self,
        kind: Kind,
        function: Callable[[Any, Effect[Any]], Any],
        /,
        *,
        policy: Policy = "every",
        seconds: float | None = None,
    ) -> None:
        """Describe the listener; see `Listeners.on`.

        Raises:
            ListenerDeclarationError: it can be none.
        """
        self.declaration = ListenerDeclaration(Trigger(kind), function, policy, seconds)


class RemoveListener(Command[bool]):
    """End a listener; dispatching it returns whether there was one."""

    def __init__(
        self,
        kind: Kind,
        function: Callable[[Any, Effect[Any]], Any],
        /,
        *,
        cancel_active: bool = False,
    ) -> None:
        """Name the listener by what it listens for and by its function.

        Args:
            kind: as it was added.
            function: as it was added.
            cancel_active: cancel its runs too, which otherwise finish.
        """
        self.key = (function, (kind,))
        self.cancel_active = cancel_active


class ClearListeners(Command[None]):
    """End all listeners and cancel all their runs, also those of listeners already removed."""
