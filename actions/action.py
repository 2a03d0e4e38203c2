"""Actions: frozen, named facts about what happened.

What belongs here: the base class and the decorator that declares one.  What does not: what follows
from an action, which a reducer says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform

import attrs

from refold.actions.annotation_scope import remember_annotation_scope
from refold.actions.registry import check_wire_name, claim_wire_name
from refold.errors import ActionDeclarationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypeIs

__all__ = ["Action", "action", "action_base"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def action_base(cls: type[T]) -> type[T]:
    """Make a class with fields that actions inherit; it has no wire name, so is no action yet."""
    return attrs.frozen(cls)


@action_base
class Action:
    """The base of every action; declare one by ``@action("group/long_snake_case_name")``."""

    wire_name: ClassVar[str]
    """The name in logs, independent of where the class stands."""

    wire_version: ClassVar[int]
    """The version of the fields, 1 or more; upcasters lead from one to the next."""

    at_ms: int | None = attrs.field(default=None, kw_only=True, eq=False)
    """When it happened, in milliseconds since the Unix epoch; None until ``timestamps()`` fills it.

    Left out of equality and hash: the same thing may happen twice.
    """

    @classmethod
    def matches(cls, value: object) -> TypeIs[Self]:
        """Tell whether the value is an action of this wire name (also of a reloaded class)."""
        return isinstance(value, Action) and value.wire_name == cls.wire_name


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def action(wire_name: str, /, *, version: int = 1) -> Callable[[type[T]], type[T]]:
    """Declare a frozen, slotted action class under a wire name.

    Args:
        wire_name: ``group/long_snake_case_name``; mandatory, because logs outlive module paths.
        version: 1 or more; raise it when the fields change.

    Raises:
        ActionDeclarationError: the name is not of that form, the version is no positive int, or
            the class is no subclass of `Action`.
        WireNameTakenError: another class has the name.
    """
    name = check_wire_name(wire_name)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a type checker
        message = f"the version of action {name!r} must be an int of 1 or more, got {version!r}"
        raise ActionDeclarationError(message)

    def declare(cls: type[T]) -> type[T]:
        if not issubclass(cls, Action):
            message = (
                f"@action({name!r}) decorates {cls.__qualname__}, which is no subclass of Action;"
                f" write class {cls.__name__}(Action)"
            )
            raise ActionDeclarationError(message)
        remember_annotation_scope(cls, depth=2)
        frozen: Any = attrs.frozen(cls)
        frozen.wire_name = name
        frozen.wire_version = version
        claim_wire_name(name, frozen)
        return frozen  # type: ignore[no-any-return]  # attrs gives the class back, or its slotted twin

    return declare
