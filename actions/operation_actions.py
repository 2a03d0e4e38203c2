"""The three actions of an asynchronous operation: pending, then fulfilled or rejected.

What belongs here: declaring them and matching them.  What does not: running an operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from refold.actions.action import Action, action, action_base
from refold.actions.registry import check_wire_name

if TYPE_CHECKING:
    from refold.actions.matchers import Matcher

__all__ = [
    "OperationActions",
    "OperationError",
    "OperationFulfilled",
    "OperationPending",
    "OperationRejected",
    "is_fulfilled",
    "is_pending",
    "is_rejected",
    "is_settled",
    "operation_actions",
]

Argument = TypeVar("Argument")
Value = TypeVar("Value")
Argument_co = TypeVar("Argument_co", covariant=True)
Value_co = TypeVar("Value_co", covariant=True)


@attrs.frozen
class OperationError:
    """An exception as plain data, which a log can carry."""

    name: str
    """The exception's class name."""

    message: str
    """Its text."""

    code: str | None = None
    """What the operation says of its kind, such as an HTTP status; None if nothing."""

    stack: str | None = None
    """The traceback as text; None if it was not kept."""


@action_base
class OperationPending(Action, Generic[Argument_co]):
    """The base of every operation's pending action."""

    request_id: str
    """Unique to this run of the operation."""

    argument: Argument_co
    """What the operation was called with."""


@action_base
class OperationFulfilled(Action, Generic[Argument_co, Value_co]):
    """The base of every operation's fulfilled action."""

    request_id: str
    """Unique to this run of the operation."""

    argument: Argument_co
    """What the operation was called with."""

    value: Value_co
    """What it gave."""


@action_base
class OperationRejected(Action, Generic[Argument_co]):
    """The base of every operation's rejected action."""

    request_id: str
    """Unique to this run of the operation."""

    argument: Argument_co
    """What the operation was called with."""

    error: OperationError
    """Why it gave nothing."""

    payload: Any = None
    """What the operation said of it by ``call.reject(payload)``; None if nothing."""


@attrs.frozen
class OperationActions(Generic[Argument, Value]):
    """The action classes of one operation."""

    wire_name: str
    """The operation's name, which the three classes' wire names begin with."""

    pending: type[OperationPending[Argument]]
    """Says that it began."""

    fulfilled: type[OperationFulfilled[Argument, Value]]
    """Says that it gave a value."""

    rejected: type[OperationRejected[Argument]]
    """Says that it failed."""


def operation_actions(
    wire_name: str,
    *,
    argument: type[Argument],
    value: type[Value],
    rejection: type[Any] | None = None,
    declared_by: str | None = None,
) -> OperationActions[Argument, Value]:
    """Declare the three action classes of an operation.

    Args:
        wire_name: ``group/name``; the classes are ``group/name_pending`` and so on.
        argument: the type of what the operation is called with.
        value: the type of what it gives.
        rejection: the type of what it may reject with; None if it rejects with nothing.
        declared_by: the full name of its function, which may declare it again (a reload) as nobody
            else may; None: anybody may.

    Raises:
        ActionDeclarationError: the name is not of that form.
        WireNameTakenError: another class has one of the names.
    """
    check_wire_name(wire_name)

    def declare(base: type[Action], stage: str, **fields: Any) -> Any:
        title = "".join(part.capitalize() for part in wire_name.rpartition("/")[2].split("_"))
        annotations = {"request_id": str, "argument": argument, **fields}
        namespace = {
            "__annotations__": annotations,
            "__module__": __name__,
            "__qualname__": f"{declared_by or wire_name}.{title}{stage.capitalize()}",
            "__doc__": f"The operation {wire_name!r} is {stage}.",
            **dict.fromkeys(fields.keys() & {"payload"}),  # its default
        }
        return action(f"{wire_name}_{stage}")(
            type(f"{title}{stage.capitalize()}", (base,), namespace)
        )

    return OperationActions(
        wire_name=wire_name,
        pending=declare(OperationPending, "pending"),
        fulfilled=declare(OperationFulfilled, "fulfilled", value=value),
        rejected=declare(
            OperationRejected,
            "rejected",
            error=OperationError,
            payload=rejection if rejection is None else rejection | None,
        ),
    )


def is_pending(*operations: OperationActions[Any, Any]) -> Matcher:
    """Return a matcher of these operations' pending actions; of every operation's if none given."""
    return _is_stage(OperationPending, [operation.pending for operation in operations])


def is_fulfilled(*operations: OperationActions[Any, Any]) -> Matcher:
    """Return a matcher of these operations' fulfilled actions; of every operation's if none."""
    return _is_stage(OperationFulfilled, [operation.fulfilled for operation in operations])


def is_rejected(*operations: OperationActions[Any, Any]) -> Matcher:
    """Return a matcher of these operations' rejected actions; of every operation's if none."""
    return _is_stage(OperationRejected, [operation.rejected for operation in operations])


def is_settled(*operations: OperationActions[Any, Any]) -> Matcher:
    """Return a matcher of these operations' fulfilled and rejected actions; of all if none."""
    fulfilled, rejected = is_fulfilled(*operations), is_rejected(*operations)
    return lambda action: fulfilled(action) or rejected(action)


def _is_stage(base: type[Action], classes: list[Any]) -> Matcher:
    wanted: tuple[type[Any], ...] = tuple(classes) or (base,)
    return lambda action: isinstance(action, wanted)
