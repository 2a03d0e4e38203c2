"""`operation`: an async function that tells of its life by three actions.

What belongs here: declaring one, and asking for a run.  What does not: the run (`operation_run`),
and where it lives (`operations`).
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeAlias, TypeVar, get_type_hints

import attrs

from refold.actions.check_value_type import check_class
from refold.actions.operation_actions import OperationActions, operation_actions
from refold.errors import ActionDeclarationError
from refold.middleware.operation_run import OperationRun
from refold.store.entry import Command

if TYPE_CHECKING:
    from refold.actions.operation_actions import (
        OperationFulfilled,
        OperationPending,
        OperationRejected,
    )
    from refold.middleware.operation_run import OperationCall

__all__ = ["Condition", "Operation", "OperationRequest", "operation"]

_ARGUMENTS: Final = 2

Argument = TypeVar("Argument")
Value = TypeVar("Value")

Condition: TypeAlias = Callable[[Any, Any], bool | Awaitable[bool]]
"""``(argument, call)``: whether to run at all; exactly False means no."""


class Operation(Generic[Argument, Value]):
    """A declared operation: ``store.dispatch(load_user("7"))`` begins a run."""

    def __init__(
        self,
        function: Callable[[Argument, OperationCall], Awaitable[Value]],
        actions: OperationActions[Argument, Value],
        *,
        condition: Condition | None,
        tells_refusal: bool,
        make_id: Callable[[Argument], str] | None,
    ) -> None:
        """Keep what `operation` was given."""
        self.function = function
        self.actions = actions
        self._has_checked_types = False
        self.condition = condition
        self.tells_refusal = tells_refusal
        self.make_id = make_id

    @property
    def pending(self) -> type[OperationPending[Argument]]:
        """The action that says that a run began."""
        return self.actions.pending

    @property
    def fulfilled(self) -> type[OperationFulfilled[Argument, Value]]:
        """The action that says that a run gave a value."""
        return self.actions.fulfilled

    @property
    def rejected(self) -> type[OperationRejected[Argument]]:
        """The action that says that a run failed."""
        return self.actions.rejected

    def check_types(self) -> None:
        """Raise if a log could not carry the argument, the value or the rejection's payload.

        Raises:
            ValueTypeError: its type is mutable or cannot be serialised.
        """
        if not self._has_checked_types:
            for action_class in (self.pending, self.fulfilled, self.rejected):
                check_class(action_class)
            self._has_checked_types = True

    def __call__(
        self, argument: Argument, /, *, signal: asyncio.Event | None = None
    ) -> OperationRequest[Argument, Value]:
        """Return the request to run, which is to be dispatched.

        Args:
            argument: what the function gets.
            signal: setting it aborts the run; one that is set already lets nothing run.
        """
        return OperationRequest(self, argument, signal)


@attrs.frozen
class OperationRequest(Command[OperationRun[Argument, Value]], Generic[Argument, Value]):
    """A wish to run an operation; dispatching it gives the run."""

    obeyed_by: ClassVar[str] = "refold.middleware.operations.operations()"
    """The middleware that a store needs for it."""

    operation: Operation[Argument, Value]
    """Which one."""

    argument: Argument
    """With what."""

    signal: asyncio.Event | None = None
    """Aborts it once it is set; None if nothing does."""

    def __str__(self) -> str:
        """Name the operation."""
        return f"to run the operation {self.operation.actions.wire_name!r}"


def operation(
    wire_name: str,
    /,
    *,
    condition: Condition | None = None,
    tells_refusal: bool = False,
    rejection: type[Any] | None = None,
    make_id: Callable[[Any], str] | None = None,
) -> Callable[[Callable[[Argument, OperationCall], Awaitable[Value]]], Operation[Argument, Value]]:
    """Make an operation of the ``async def (argument, call)`` below.

    A run dispatches ``pending``, then ``fulfilled`` with what the function returned or ``rejected``
    with what it raised, as plain data.  The store needs `operations` among its middleware.
    In a recorded run pending has the origin of whoever asked; what the run tells and dispatches
    afterwards has the origin ``operation:WIRE_NAME``, and pending's record as its cause.

    Args:
        wire_name: ``group/name``; the three actions are ``group/name_pending`` and so on.
        condition: ``(argument, call)``, asked before; exactly False lets nothing happen.  It may be
            an ``async def``; then pending is dispatched only after it.
        tells_refusal: dispatch ``rejected`` also when the condition refused.
        rejection: the type of what the function may give to ``call.reject``.
        make_id: makes the request's id of the argument; None for a new id of the store's inputs.

    Raises:
        ActionDeclarationError: the name is not of that form, or the function's argument or result
            has no annotation.
        WireNameTakenError: another class has one of the names.
    """

    def declare(
        function: Callable[[Argument, OperationCall], Awaitable[Value]],
    ) -> Operation[Argument, Value]:
        argument, value = _types_of(function, wire_name)
        return Operation(
            function,
            operation_actions(
                wire_name,
                argument=argument,
                value=value,
                rejection=rejection,
                declared_by=f"{function.__module__}.{function.__qualname__}",
            ),
            condition=condition,
            tells_refusal=tells_refusal,
            make_id=make_id,
        )

    return declare


def _types_of(function: Callable[..., Any], wire_name: str) -> tuple[Any, Any]:
    """Return the types of an operation's argument and of its result."""
    is_async = inspect.iscoroutinefunction(function)
    names = list(inspect.signature(function).parameters) if is_async else []
    written = getattr(function, "__annotations__", {})
    if len(names) != _ARGUMENTS or not {names[0], "return"} <= written.keys():
        name = getattr(function, "__qualname__", repr(function))
        message = (
            f"the operation {wire_name!r} must be an async def of two arguments; the first and the"
            f" result need annotations, for the fields of its actions; got"
            f" {name}{inspect.signature(function) if is_async else ''}; write async def"
            f" load_user(user_id: str, call: OperationCall) -> User"
        )
        raise ActionDeclarationError(message)
    wanted = {"argument": written[names[0]], "value": written["return"]}
    holder = type("Types", (), {"__annotations__": wanted})
    try:
        found = get_type_hints(holder, globalns=getattr(function, "__globals__", {}))
    except NameError as error:
        message = (
            f"the annotations of the operation {wire_name!r} name something that its module does"
            f" not have: {error}; import it there, outside of 'if TYPE_CHECKING'"
        )
        raise ActionDeclarationError(message) from error
    return found["argument"], found["value"]
