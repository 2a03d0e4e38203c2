"""`upcaster`: how the payload of one version of a class becomes that of the next.

What belongs here: declaring the functions, and the one table of them.  What does not: whether they
make a whole chain, and running them, which `refold.replay.upcaster_chain` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from refold.actions.registry import check_wire_name
from refold.errors import ActionDeclarationError

__all__ = ["Upcast", "upcast_key", "upcast_keys", "upcaster", "upcasts_declared", "upcasts_of"]

Upcast: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes a payload as it stands in the log, JSON values by field name; returns that of the next
version.  It may change the one it is given, which is a copy."""

F = TypeVar("F", bound=Upcast)

_by_version: dict[str, dict[int, Upcast]] = {}

_declared: list[int] = [0]


def upcaster(
    of: str | type, /, from_version: int, to_version: int | None = None
) -> Callable[[F], F]:
    """Declare the function that leads from one version of a class's payload to the next.

    Example::

        @upcaster("cart/put_article_into_cart", from_version=1)
        def _(payload: dict[str, Any]) -> dict[str, Any]:
            return {**payload, "count": 1}

    Args:
        of: an action's wire name or its class, or a state class, whose version is its
            ``wire_version: ClassVar[int]`` (1 if it has none).
        from_version: the version that the function takes, 1 or more.
        to_version: the version that it returns: the next one, which is also the default.

    Raises:
        ActionDeclarationError: the name or the versions cannot be, or another function leads from
            this version.
    """
    key = upcast_key(of)
    _check_versions(key, from_version, to_version)

    def declare(function: F) -> F:
        steps = _by_version.setdefault(key, {})
        holder = steps.get(from_version)
        if holder is not None and _qualified_name(holder) != _qualified_name(function):
            message = (
                f"{_qualified_name(function)} and {_qualified_name(holder)} are both upcasters of"
                f" {key!r} from version {from_version}; keep one of the two"
            )
            raise ActionDeclarationError(message)
        steps[from_version] = function
        _declared[0] += 1
        return function

    return declare


def upcast_key(of: str | type) -> str:
    """Return what upcasters are kept under: an action's wire name, a state class's full name.

    Raises:
        ActionDeclarationError: a text is no wire name.
    """
    if isinstance(of, str):
        return check_wire_name(of)
    if not isinstance(of, type):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a type checker
        message = (
            f"@upcaster expects an action's wire name or class, or a state class, got {of!r}; write"
            f" @upcaster('group/name', from_version=1)"
        )
        raise ActionDeclarationError(message)
    wire_name = of.__dict__.get("wire_name")
    return wire_name if isinstance(wire_name, str) else f"{of.__module__}.{of.__qualname__}"


def upcasts_of(key: str) -> Mapping[int, Upcast]:
    """Return the functions declared under a key, each by the version that it takes."""
    return MappingProxyType(_by_version.get(key, {}))


def upcast_keys() -> tuple[str, ...]:
    """Return all keys that a function was declared for, in alphabetical order."""
    return tuple(sorted(_by_version))


def upcasts_declared() -> int:
    """Return how many declarations there were; as long as it stays, so does all that is here."""
    return _declared[0]


def _check_versions(key: str, from_version: object, to_version: object) -> None:
    if isinstance(from_version, bool) or not isinstance(from_version, int) or from_version < 1:
        message = (
            f"an upcaster of {key!r} must lead from a version of 1 or more, got {from_version!r};"
            f" write @upcaster({key!r}, from_version=1)"
        )
        raise ActionDeclarationError(message)
    if to_version not in {None, from_version + 1}:
        message = (
            f"an upcaster of {key!r} leads from version {from_version} to the next one,"
            f" {from_version + 1}, not to {to_version!r}; declare one for each step"
        )
        raise ActionDeclarationError(message)


def _qualified_name(function: Upcast) -> str:
    module = getattr(function, "__module__", "")
    name = getattr(function, "__qualname__", repr(function))
    code = getattr(function, "__code__", None)
    # every one may be called _: the line tells them apart, but a reload may have moved it
    place = f" (line {code.co_firstlineno})" if code is not None and name.endswith("_") else ""
    return f"{module}.{name}{place}"
