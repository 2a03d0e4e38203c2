"""`WebSocketParts`: what all attempts of one connection share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from refold.actions.action import Action
from refold.middleware.failure_judge import FailureJudge
from refold.middleware.new_link import NewLink
from refold.middleware.owning_loop import OwningLoop
from refold.middleware.websocket_inbox import WebSocketInbox
from refold.middleware.websocket_options import WebSocketOptions
from refold.middleware.websocket_outbox import WebSocketOutbox
from refold.middleware.websocket_target import WebSocketTarget

__all__ = ["WebSocketParts"]


@attrs.frozen(kw_only=True)
class WebSocketParts:
    """Made once per connection."""

    owner: OwningLoop
    """The loop in which all of it lives."""

    target: WebSocketTarget
    """Where to dial."""

    options: WebSocketOptions
    """Durations and bounds."""

    outbox: WebSocketOutbox
    """What waits to be sent."""

    inbox: WebSocketInbox
    """Where messages go that arrive."""

    on_open: Callable[[NewLink], Awaitable[object]] | None
    """The application's greeting of a link; None for none."""

    refresh_auth: Callable[[], object] | None
    """The application's function that gets new credentials; None for none."""

    judge: FailureJudge
    """Says whether another attempt is worth it."""

    draw: Callable[[], float]
    """Gives the jitter, in [0, 1)."""

    tell: Callable[[Action], None]
    """Dispatches an action, and never raises."""
