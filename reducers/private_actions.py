"""The two actions that only refold itself sends: to get a first state, and to probe for manners.

Neither is declared with a wire name, so neither can be dispatched or recorded.
"""

from __future__ import annotations

import attrs

from refold.actions.action import Action

__all__ = ["InitialiseState", "ProbeUnknownAction"]


@attrs.frozen
class InitialiseState(Action):
    """Sent to a plain reducer function with the state None, to get its initial state."""


@attrs.frozen
class ProbeUnknownAction(Action):
    """Sent to a plain reducer function, which must answer with the state that it was given."""
