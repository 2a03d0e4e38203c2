"""Messages: the classes that a connection's payloads are read into, each under its wire type.

What belongs here: declaring one, and the table from wire types to classes.  What does not: JSON,
which `refold.middleware.decode_message` reads and writes.

A class is known only because its module was imported by the application: nothing is imported by a
name that a peer sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, dataclass_transform

import attrs

from refold.actions.annotation_scope import remember_annotation_scope
from refold.errors import ActionDeclarationError, WireNameTakenError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DEFAULT_MESSAGES",
    "MessageRegistry",
    "is_declared_message_class",
    "message",
    "wire_type_of",
]

T = TypeVar("T")

_WIRE_TYPE: Final = "__refold_wire_type__"
"""Where a class keeps its wire type: a name that no field has."""

_LONGEST: Final = 200
"""Characters of a wire type; every message carries it."""


class MessageRegistry:
    """A table from wire types to classes.

    One is enough for most; two peers that mean different things by one type need one each.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._class_by_wire_type: dict[str, type[Any]] = {}

    def find(self, wire_type: str) -> type[Any] | None:
        """Return the class declared under the wire type; None if no loaded module declares it."""
        return self._class_by_wire_type.get(wire_type)

    def claim(self, wire_type: str, cls: type) -> None:
        """Enter a class; the same class declared again (a reload) replaces it.

        Raises:
            WireNameTakenError: another class has the wire type.
        """
        holder = self._class_by_wire_type.get(wire_type)
        if holder is not None and _qualified_name(holder) != _qualified_name(cls):
            text = (
                f"the wire type {wire_type!r} of {_qualified_name(cls)} is taken by"
                f" {_qualified_name(holder)}; give one of the two another type, or declare them in"
                f" two registries: @message({wire_type!r}, registry=MessageRegistry())"
            )
            raise WireNameTakenError(text)
        self._class_by_wire_type[wire_type] = cls


DEFAULT_MESSAGES: Final = MessageRegistry()
"""Where `message` enters a class unless it is given another registry."""


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def message(
    wire_type: str, /, *, registry: MessageRegistry = DEFAULT_MESSAGES
) -> Callable[[type[T]], type[T]]:
    """Declare a message class under a wire type.

    The class becomes a frozen, slotted attrs class; one that attrs made already stays as it is.

    Args:
        wire_type: what the peer calls it: any printable text, without space at its ends.
        registry: where it is entered.

    Raises:
        ActionDeclarationError: the wire type is no such text, or what is decorated is no class.
        WireNameTakenError: another class has the wire type.
    """
    name = _check_wire_type(wire_type)

    def declare(cls: type[T]) -> type[T]:
        if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a type checker
            text = f"@message({name!r}) decorates {cls!r}, which is no class; write it above one"
            raise ActionDeclarationError(text)
        _refuse_second_type(name, cls)
        remember_annotation_scope(cls, depth=2)
        made: Any = cls if "__attrs_attrs__" in cls.__dict__ else attrs.frozen(cls)
        registry.claim(name, made)
        setattr(made, _WIRE_TYPE, name)
        return made  # type: ignore[no-any-return]  # attrs gives the class back, or its slotted twin

    return declare


def is_declared_message_class(candidate: object) -> bool:
    """Tell whether the very class was declared by ``@message`` (a subclass of one was not)."""
    return isinstance(candidate, type) and _WIRE_TYPE in candidate.__dict__


def wire_type_of(cls: type) -> str:
    """Return the wire type that a class was declared under.

    Raises:
        TypeError: it was not declared by ``@message``.
    """
    name = cls.__dict__.get(_WIRE_TYPE)
    if isinstance(name, str):
        return name
    text = f'{cls.__qualname__} is no message class; write @message("wire_type") above it'
    raise TypeError(text)


def _check_wire_type(wire_type: object) -> str:
    """Return the wire type if it is one."""
    match wire_type:
        case str() if (
            0 < len(wire_type) <= _LONGEST
            and wire_type.isprintable()
            and wire_type == wire_type.strip()
        ):
            return wire_type
        case _:
            pass
    text = (
        f"the wire type of a message must be a printable text of 1 to {_LONGEST} characters without"
        f' space at its ends, got {wire_type!r:.{_LONGEST}}; write @message("wire_type") above the'
        f" class, with the type that the peer sends"
    )
    raise ActionDeclarationError(text)


def _refuse_second_type(wire_type: str, cls: type) -> None:
    """Refuse a class that is declared twice: a message says one type."""
    if is_declared_message_class(cls):
        text = (
            f"{_qualified_name(cls)} is declared as {wire_type_of(cls)!r} already and cannot be"
            f" {wire_type!r} too; declare a class for each type"
        )
        raise WireNameTakenError(text)


def _qualified_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
