"""What an adapter's operations may be given: entities one by one or together, or an action.

What belongs here: making lists of it, in an order that no process changes.  What does not: what is
done with them.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

import attrs

from refold.actions.action import Action
from refold.errors import EntityError

__all__ = ["changes_of", "list_changes", "list_entities", "list_keys", "payload_of"]

_ORDERED: Final = (dict, types.MappingProxyType)
"""Mappings whose order is that of insertion, not of hashes."""


def payload_of(given: Any) -> Any:
    """Return what an action carries in its one field; anything else as it is.

    Raises:
        EntityError: the action has no field or several.
    """
    if not isinstance(given, Action):
        return given
    fields = _fields_of(given)
    if len(fields) == 1:
        return getattr(given, fields[0].name)
    message = (
        f"an action that stands for an entity must have one field, but {type(given).__name__} has"
        f" {_names_of(fields)}; write a handler that takes the right one from the action"
    )
    raise EntityError(message)


def changes_of(given: Any, changes: Mapping[str, object]) -> tuple[Any, Mapping[str, object]]:
    """Return a key and changes; of an action its first field, and the others by their names.

    Raises:
        EntityError: the action has no field.
    """
    if not isinstance(given, Action):
        return given, changes
    first, *others = _fields_of(given) or [None]
    if first is None:
        message = (
            f"an action that updates an entity must have the key in its first field, but"
            f" {type(given).__name__} has none"
        )
        raise EntityError(message)
    carried = {field.alias: getattr(given, field.name) for field in others if field is not None}
    return getattr(given, first.name), {**carried, **changes}


def list_entities(given: Any, key: Callable[[Any], Any]) -> list[Any]:
    """Return entities that are given together, or carried by an action.

    Args:
        given: an iterable, a mapping of which the values count, or an action.
        key: of an entity; a set is ordered by it.

    Raises:
        EntityError: it is none of these, or has no order of its own and none by the keys.
    """
    found: Any = payload_of(given)
    if _is_a(found, Mapping):
        return [entity for _, entity in _pairs_of(found)]
    many = _many(found, "entities")
    return _in_order(many, key) if _is_a(found, AbstractSet) else list(many)


def list_changes(given: Any) -> list[tuple[Any, Mapping[str, object]]]:
    """Return pairs of a key and changes that are given together, or carried by an action.

    Raises:
        EntityError: it is neither a mapping nor an iterable.
    """
    found: Any = payload_of(given)
    if _is_a(found, Mapping):
        return _pairs_of(found)
    return [(key, changes) for key, changes in _many(found, "pairs of a key and changes")]


def list_keys(given: Any) -> list[Any]:
    """Return keys that are given together, or carried by an action.

    Raises:
        EntityError: it is no iterable.
    """
    return list(_many(payload_of(given), "keys"))


def _fields_of(action: Action) -> list[Any]:
    fields: Any = attrs.fields(cast("Any", type(action)))  # a tuple of them
    return [field for field in fields if field.name != "at_ms"]


def _names_of(fields: list[Any]) -> str:
    return ", ".join(field.name for field in fields) or "none"


def _is_a(found: object, *classes: type) -> bool:
    """Tell what a value is, of which a type checker would not know the parts."""
    return isinstance(found, classes)


def _many(found: Any, what: str) -> Iterable[Any]:
    if _is_a(found, Iterable) and not _is_a(found, str, bytes):
        return found  # type: ignore[no-any-return]  # it is iterable
    message = f"expected {what}: an iterable or a mapping, got {found!r}; for none give ()"
    raise EntityError(message)


def _pairs_of(found: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping; one in the order of hashes is put in the order of keys."""
    pairs = list(found.items())
    return pairs if isinstance(found, _ORDERED) else _in_order(pairs, lambda pair: pair[0])


def _in_order(parts: Iterable[Any], key: Callable[[Any], Any]) -> list[Any]:
    try:
        return sorted(parts, key=key)
    except TypeError as error:
        message = (
            "the keys of a map or set that has no order of its own cannot be ordered either, and a"
            " replay would meet them in another order; give a list or a dict"
        )
        raise EntityError(message) from error
