"""`AttachedListener`: one listener of one store, and its policy: when a run begins.

What belongs here: which actions begin a run, and which run ends an older one.  What does not: what
a run is, and choosing the listeners of an action.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

import attrs

from refold.actions.action import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.middleware.effect import Effect
    from refold.middleware.fork import CancelReason
    from refold.middleware.listener_declaration import ListenerDeclaration

__all__ = ["AttachedListener", "Heard"]


@attrs.frozen
class Heard:
    """An action, as all who listened for it heard it."""

    action: Action
    """The action."""

    original_state: Any
    """The state before it."""

    context: contextvars.Context
    """That of the dispatch; each run gets a copy, with the listener as its origin."""


class AttachedListener:
    """One listener of one store."""

    def __init__(
        self,
        declaration: ListenerDeclaration,
        begin: Callable[[AttachedListener, Heard], Effect[Any]],
    ) -> None:
        """Keep the declaration, and the function that begins a run."""
        self.declaration = declaration
        self.effects: dict[Effect[Any], None] = {}
        """Its runs that have not ended."""
        self.origin = f"listener:{declaration.name}"
        """Of what its runs dispatch."""
        self._begin = begin
        self._timer: asyncio.TimerHandle | None = None  # the end of the quiet time, or the window
        self._latest: Heard | None = None  # waits for the timer

    def hear(self, heard: Heard) -> None:
        """Do with an action what the policy says."""
        match self.declaration.policy:
            case "every":
                self._run(heard)
            case "latest":
                self.cancel_effects()
                self._run(heard)
            case "leading":
                if not self.effects:
                    self._run(heard)
            case "debounce":
                self._latest = heard
                self._set_timer()
            case "throttle":
                self._latest = heard
                if self._timer is None:
                    self._run_latest()

    def forget(self, effect: Effect[Any]) -> None:
        """Take note that a run has ended."""
        self.effects.pop(effect, None)

    def cancel_effects(self, reason: CancelReason = "cancelled") -> None:
        """Cancel its runs."""
        for effect in tuple(self.effects):
            effect.cancel(reason)

    def cancel(self, reason: CancelReason = "cancelled") -> None:
        """Cancel its runs, and one that waits for its time."""
        self.stop_waiting()
        self.cancel_effects(reason)

    def stop_waiting(self) -> None:
        """Begin no run that waits for its time."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._latest = None

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing running and nothing to begin."""
        return not self.effects and self._timer is None

    def _run(self, heard: Heard) -> None:
        self.effects[self._begin(self, heard)] = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        seconds = self.declaration.seconds or 0.0
        self._timer = asyncio.get_running_loop().call_later(seconds, self._time_is_over)

    def _time_is_over(self) -> None:
        self._timer = None
        if self._latest is not None:
            self._run_latest()

    def _run_latest(self) -> None:
        heard, self._latest = self._latest, None
        if heard is None:
            return
        if self.declaration.policy == "throttle":
            self._set_timer()
        else:
            self.cancel_effects()
        self._run(heard)
