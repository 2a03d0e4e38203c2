"""`ServiceTeller`: dispatching what happens to a service, with its time and its name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from refold.reducers.evolve import evolve
from refold.store.dispatch_context import dispatching_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action

__all__ = ["ServiceTeller"]


class ServiceTeller:
    """Dispatches to the store of one service, once there is one."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        """Dispatch nowhere yet.

        Args:
            name: of the service; the log has it as ``service:NAME``.
            clock: seconds since the Unix epoch, for the times of actions.
        """
        self._origin = f"service:{name}"
        self._log = logging.getLogger(f"refold.{name}")
        self._clock = clock
        self.dispatch: Callable[[Any], Any] | None = None
        """Where to dispatch; None before the service was given to a store."""

    def tell(self, action: Action) -> None:
        """Dispatch an action with its time, and what else only the shell knows.

        What a reducer, a middleware or a subscriber raises is logged: the service goes on.
        """
        if self.dispatch is None:
            return
        try:
            with dispatching_as(self._origin):
                self.dispatch(evolve(action, **self.known_here(action)))
        except Exception:  # noqa: BLE001  # a broken listener must not end the service
            self._log.exception("the store refused or could not finish %s", action.wire_name)

    def known_here(self, action: Action) -> dict[str, Any]:  # noqa: ARG002  # for whoever knows more
        """Return fields that the action gets: the time."""
        return {"at_ms": int(self._clock() * 1000)}
