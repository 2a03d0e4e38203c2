"""`MessageHandlers`: the application's functions for messages, by type.

What belongs here: who is called for which type, and what happened to the calls.  What does not:
calling them, which `message_lanes` does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, overload

import attrs

from refold.actions.check_value_type import check_class
from refold.actions.message import wire_type_of
from refold.middleware.check_count import check_count
from refold.middleware.message_lanes import HandlerOfMessages, MessageLanes
from refold.middleware.seen_ids import SeenIds
from refold.reducers.check_positive_number import check_positive_number

__all__ = ["MessageHandlers"]

M = TypeVar("M")

_log = logging.getLogger("refold.websocket")


def _log_error(wire_type: str, error: BaseException) -> None:
    _log.error("a handler of %r raised", wire_type, exc_info=error)


def _check_count(_handlers: object, field: attrs.Attribute[int], value: object) -> None:
    check_count(field.name, value)


def _check_callable(_handlers: object, field: attrs.Attribute[Any], value: object) -> None:
    if not callable(value):
        message = f"{field.name} must be a function, got {value!r}"
        raise TypeError(message)


@attrs.define(eq=False, kw_only=True)
class MessageHandlers:
    """Calls functions with messages; one that fails harms neither another nor the connection.

    Messages of one type are handled one after the other, in the order in which `deliver` got them;
    those of different types do not wait for each other.  A plain function is called within
    `deliver`; what an async one returns runs in a task of its own.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: a bound is out of its range.
    """

    on_error: Callable[[str, BaseException], None] = attrs.field(
        default=_log_error, validator=_check_callable
    )
    """Called with the wire type and what a handler raised, or a TimeoutError; logs by default."""

    handler_timeout: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(check_positive_number)
    )
    """Seconds that one async call may take before it is cancelled; None for any time."""

    max_pending: int = attrs.field(default=100, validator=_check_count)
    """Messages that may wait for their type's handlers or be in an async one, all types together.

    `deliver` waits when there are so many.  A handler that waits for another message to arrive
    needs room for it here.
    """

    identify: Callable[[Any], Hashable | None] | None = attrs.field(
        default=None, validator=attrs.validators.optional(_check_callable)
    )
    """Gives a message's id, or None if it has none; a second message with an id is not handled.

    None to handle every message.
    """

    seen_limit: int = attrs.field(default=10_000, validator=_check_count)
    """How many ids are remembered."""

    _failed_count: int = attrs.field(default=0, init=False)
    _duplicate_count: int = attrs.field(default=0, init=False)
    _handlers: dict[str, tuple[HandlerOfMessages, ...]] = attrs.field(
        factory=dict[str, tuple[HandlerOfMessages, ...]], init=False
    )
    _seen: SeenIds = attrs.field(init=False)
    _lanes: MessageLanes = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the parts."""
        self._seen = SeenIds(self.seen_limit)
        self._lanes = MessageLanes(
            handlers_of=lambda wire_type: self._handlers.get(wire_type, ()),
            on_error=self._report,
            handler_timeout=self.handler_timeout,
            max_pending=self.max_pending,
        )

    @property
    def failed_count(self) -> int:
        """Calls that raised or took too long."""
        return self._failed_count

    @property
    def timed_out_count(self) -> int:
        """Calls that took too long."""
        return self._lanes.timed_out_count

    @property
    def duplicate_count(self) -> int:
        """Messages that were not handled because their id was seen."""
        return self._duplicate_count

    @property
    def pending_count(self) -> int:
        """Messages that wait for their type's handlers, or are in an async one.

        One that is in several concurrent handlers counts for each.
        """
        return self._lanes.pending_count

    @overload
    def on(
        self, kind: type[M], handler: Callable[[M], object], *, concurrent: bool = False
    ) -> Callable[[], None]: ...

    @overload
    def on(
        self, kind: str, handler: Callable[[Any], object], *, concurrent: bool = False
    ) -> Callable[[], None]: ...

    def on(
        self, kind: type[Any] | str, handler: Callable[[Any], object], *, concurrent: bool = False
    ) -> Callable[[], None]:
        """Have a function called with each message of a type, after those that are there already.

        Args:
            kind: a message class, or a wire type.
            handler: a plain or async function of one message.
            concurrent: whether an async call may overlap with those for later messages.

        Returns:
            A function that ends this; calling it again changes nothing.

        Raises:
            TypeError: the kind is neither, the handler is no function, or (`ValueTypeError`) the
                class has a field that cannot be read from JSON.
        """
        wire_type = _wire_type_of_kind(kind)
        if not callable(handler):
            message = (
                f"the handler of {wire_type!r} must be a function of one message, got {handler!r};"
                f" give the function itself, without calling it"
            )
            raise TypeError(message)
        entry = HandlerOfMessages(handler, concurrent)
        self._handlers[wire_type] = (*self._handlers.get(wire_type, ()), entry)

        def unsubscribe() -> None:
            entry.is_active = False  # also for the messages that wait
            others = [other for other in self._handlers.get(wire_type, ()) if other is not entry]
            self._handlers[wire_type] = tuple(others)

        return unsubscribe

    async def deliver(self, message: object) -> None:
        """Give a message to the handlers of its type; wait only while too many are pending.

        What a handler raises is reported, but for KeyboardInterrupt and SystemExit.  To be called
        by one task: messages that wait here in several have no order.

        Raises:
            TypeError: its class was not declared by ``@message``.
        """
        wire_type = wire_type_of(type(message))
        if not self._handlers.get(wire_type):
            return
        await self._lanes.wait_for_room()
        if self.identify is None or self._is_new(self.identify, wire_type, message):
            self._lanes.take(wire_type, message)

    async def drain(self, seconds: float) -> int:
        """Wait for the handlers, but no longer than this; cancel the rest.

        To be called when nothing is delivered any more; later messages are handled as before.  It
        ends within a quarter of a second more, even if a handler takes no notice of being
        cancelled.  The handler that calls it, if one does, is neither waited for nor cancelled.

        Returns:
            How many messages were given up.
        """
        return await self._lanes.drain(seconds)

    def _is_new(
        self, identify: Callable[[Any], Hashable | None], wire_type: str, message: object
    ) -> bool:
        """Tell whether a message is to be handled; one whose id cannot be told is."""
        try:
            identifier = identify(message)
            is_new = identifier is None or self._seen.see(identifier)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # a user's function
            self._report(wire_type, error)
            return True
        self._duplicate_count += not is_new
        return is_new

    def _report(self, wire_type: str, error: BaseException) -> None:
        self._failed_count += 1
        try:
            self.on_error(wire_type, error)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001  # a user's function
            _log.exception("on_error raised for a handler of %r", wire_type)


def _wire_type_of_kind(kind: object) -> str:
    if isinstance(kind, str):
        return kind
    if not isinstance(kind, type):
        message = f"expected a message class or its wire type, got {kind!r}"
        raise TypeError(message)
    wire_type = wire_type_of(kind)
    check_class(kind)
    return wire_type
