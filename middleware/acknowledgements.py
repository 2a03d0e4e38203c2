"""`Acknowledgements`: how an application and its peer say that a message has arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from refold.middleware.check_count import at_least
from refold.reducers.check_positive_number import check_positive_number

__all__ = ["Acknowledgements"]


@attrs.frozen
class Acknowledgements:
    """What makes ``send(ack=True)`` possible.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: a bound is out of its range.
    """

    wrap: Callable[[str, Any], object] = attrs.field(validator=attrs.validators.is_callable())
    """Called once per message with a new id and what is to be sent; returns what is sent instead,
    with the id in it.  The peer must treat a second message with an id as the first one."""

    match: Callable[[Any], str | None] = attrs.field(validator=attrs.validators.is_callable())
    """Called with each message that arrives, decoded if the connection has handlers; returns the id
    that it acknowledges, or None.  The message goes on to the handlers in either case."""

    window: int = attrs.field(default=64, kw_only=True, validator=at_least(1))
    """How many messages may be sent without being acknowledged; more of them wait."""

    timeout: float = attrs.field(default=30.0, kw_only=True, validator=check_positive_number)
    """Seconds after which a message that was not acknowledged is sent again."""

    max_resends: int = attrs.field(default=3, kw_only=True, validator=at_least(0))
    """How often that happens on one link before the message is given up."""
