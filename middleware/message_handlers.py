"""`MessageHandlers`: the application's functions for messages, by type.

What belongs here: who is called for which type, and what happened to the calls.  What does not:
calling them, which `message_lanes` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Literal, TypeAlias, TypeVar, get_args, overload

import attrs

from refold.actions.check_value_type import check_class
from refold.actions.message import wire_type_of
from refold.middleware.check_count import at_least
from refold.middleware.message_lanes import HandlerOfMessages, MessageLanes
from refold.middleware.seen_ids import SeenIds
from refold.reducers.check_positive_number import check_positive_number

__all__ = ["InboundOverflow", "MessageHandlers"]

M = TypeVar("M")

InboundOverflow: TypeAlias = Literal["block", "drop_oldest", "drop_newest"]
"""What happens when too many messages are pending: the reader waits, so that TCP itself slows the
peer down; or the message that waits for longest, or the one that comes, is given up."""

_log = logging.getLogger("refold.websocket")


def _log_error(wire_type: str, error: BaseException) -> None:
    _log.error("a handler of %r raised", wire_type, exc_info=error)


@attrs.define(eq=False, kw_only=True)
class MessageHandlers:
    """Calls functions with messages; one that fails harms neither another nor the connection.

    Messages of one type are handled one after the other, in the order in which they came; those of
    different types do not wait for each other.  A plain function is called at once; what an async
    one returns runs in a task of its own.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: a bound is out of its range.
    """

    on_error: Callable[[str, BaseException], None] = attrs.field(
        default=_log_error, validator=attrs.validators.is_callable()
    )
    """Called with the wire type and what a handler raised, or a TimeoutError; logs by default."""

    handler_timeout: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(check_positive_number)
    )
    """Seconds that one async call may take before it is cancelled; None for any time."""

    max_pending: int = attrs.field(default=1000, validator=at_least(1))
    """Messages that may wait for their type's handlers or be in an async one, all types together.

    A handler that waits for another message to arrive needs room for it here.
    """

    overflow: InboundOverflow = attrs.field(
        default="block", validator=attrs.validators.in_(get_args(InboundOverflow))
    )
    """What happens when there are so many."""

    identify: Callable[[Any], Hashable | None] | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.is_callable())
    )
    """Gives a message's id, or None if it has none; a second message with an id is not handled.

    None to handle every message.
    """

    seen_limit: int = attrs.field(default=10_000, validator=at_least(1))
    """How many ids are remembered."""

    _failed_count: int = attrs.field(default=0, init=False)
    _duplicate_count: int = attrs.field(default=0, init=False)
    _dropped_count: int = attrs.field(default=0, init=False)
    _last_seen: Hashable | None = attrs.field(default=None, init=False)
    _wire_types: dict[type, str] = attrs.field(factory=dict[type, str], init=False)
    """Of classes that came, because asking each is slower."""
    _on_drop: Callable[[], None] | None = attrs.field(default=None, init=False)
    _on_failure: Callable[[str, BaseException], None] | None = attrs.field(default=None, init=False)
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
            on_drop=self._forget_id_of,
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
    def dropped_count(self) -> int:
        """Messages that were given up for want of room, or because their link was gone."""
        return self._dropped_count

    @property
    def last_seen(self) -> Hashable | None:
        """The id that `identify` gave last; None if there is none.

        It is None again when messages of a link that is gone were given up: the peer had better
        begin at the beginning.
        """
        return self._last_seen

    @property
    def pending_count(self) -> int:
        """Messages that wait for their type's handlers, or are in an async one.

        One that is in several concurrent handlers counts for each.
        """
        return self._lanes.pending_count

    @property
    def waiting_count(self) -> int:
        """Messages that no handler has begun."""
        return self._lanes.waiting_count

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

    def report_to(
        self, on_failure: Callable[[str, BaseException], None], on_drop: Callable[[], None]
    ) -> None:
        """Have a connection told of failures, after ``on_error``, and of each drop by ``overflow``.

        Raises:
            ValueError: another connection has these handlers already.
        """
        if self._on_failure is not None:
            message = "the handlers have a connection already; give each connection its own"
            raise ValueError(message)
        self._on_failure, self._on_drop = on_failure, on_drop

    async def deliver(self, message: object) -> None:
        """Wait for room if there is none, then `take` a message.

        To be called by one task: messages that wait here in several have no order.

        Raises:
            TypeError: its class was not declared by ``@message``.
        """
        if self.overflow == "block":
            await self._lanes.wait_for_room()
        self.take(message)

    def take(self, message: object) -> Callable[[], Awaitable[None]] | None:
        """Give a message to the handlers of its type, or give one up if ``overflow`` says so.

        What a handler raises is reported, but for KeyboardInterrupt and SystemExit.

        Returns:
            None; or, when ``overflow`` is ``block`` and too many are pending, what waits for room.

        Raises:
            TypeError: its class was not declared by ``@message``.
        """
        cls, lanes = type(message), self._lanes
        wire_type = self._wire_types.get(cls)
        if wire_type is None:
            wire_type = self._wire_types[cls] = wire_type_of(cls)
        handlers = self._handlers.get(wire_type)
        if not handlers:
            return None
        if self.identify is not None and not self._is_new(self.identify, wire_type, message):
            return None
        if self.overflow != "block" and lanes.is_full and not self._make_room():
            self._forget_id_of(message)
            return None
        lanes.take(wire_type, message, handlers)
        if lanes.pending_count >= self.max_pending and self.overflow == "block":
            return lanes.wait_for_room
        return None

    async def settle(self, seconds: float) -> int:
        """Wait until each message is in a handler, but no longer than this; give up the rest.

        To be called between two links, so that nothing of the old one comes after the new one is
        open.  Handlers that run go on.  The ids of what was given up are new again.

        Returns:
            How many messages were given up.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._lanes.wait_until_all_have_begun()
        return self._note_given_up(self._lanes.drop_waiting())

    async def drain(self, seconds: float) -> int:
        """Wait for the handlers, but no longer than this; cancel the rest.

        To be called when nothing is delivered any more; later messages are handled as before.  It
        ends within a quarter of a second more, even if a handler takes no notice of being
        cancelled.  The handler that calls it, if one does, is neither waited for nor cancelled.

        Returns:
            How many messages were given up.
        """
        return self._note_given_up(await self._lanes.drain(seconds))

    def _note_given_up(self, count: int) -> int:
        """Count what was given up because its link was gone; the peer had better begin anew."""
        if count:
            self._dropped_count += count
            self._last_seen = None
        return count

    def _make_room(self) -> bool:
        """Give up a message; tell whether it is another than the one that comes."""
        self._dropped_count += 1
        if self._on_drop is not None:
            self._on_drop()
        return self.overflow == "drop_oldest" and self._lanes.drop_oldest()

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
        self._last_seen = self._last_seen if identifier is None else identifier
        return is_new

    def _forget_id_of(self, message: object) -> None:
        with contextlib.suppress(Exception):  # it was told of when the message came
            identifier = None if self.identify is None else self.identify(message)
            if identifier is not None:
                self._seen.forget(identifier)

    def _report(self, wire_type: str, error: BaseException) -> None:
        self._failed_count += 1
        try:
            self.on_error(wire_type, error)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001  # a user's function
            _log.exception("on_error raised for a handler of %r", wire_type)
        if self._on_failure is not None:
            self._on_failure(wire_type, error)


def _wire_type_of_kind(kind: object) -> str:
    if isinstance(kind, str):
        return kind
    if not isinstance(kind, type):
        message = f"expected a message class or its wire type, got {kind!r}"
        raise TypeError(message)
    wire_type = wire_type_of(kind)
    check_class(kind)
    return wire_type
