"""The check of a state when only a value of it is at hand, not a declared type."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, cast

import attrs
from pyrsistent import PDeque, PMap, PSet, PVector

from refold.actions.check_value_type import check_class, check_value_type, is_scalar_type

__all__ = ["check_state_type"]


def check_state_type(state: object, path: str) -> None:
    """Check a state's class; of a bare collection, the elements that it has.

    Args:
        state: usually a reducer's initial state.
        path: where it stands in the root, for the message.

    Raises:
        ValueTypeError: something in it is mutable or cannot be serialised.
    """
    cls = type(state)
    if is_scalar_type(cls) or isinstance(state, enum.Enum):
        return
    if attrs.has(cls) or hasattr(cls, "_fields"):
        _check_record(state, cls, path)
    elif isinstance(state, tuple | frozenset | PVector | PDeque | PSet):
        for element in cast("Iterable[object]", state):
            check_state_type(element, f"{path}[element]")
    elif isinstance(state, PMap):
        for key, value in cast("PMap[object, object]", state).items():
            check_state_type(key, f"{path}[key]")
            check_state_type(value, f"{path}[value]")
    else:
        check_value_type(cls, path)


def _check_record(state: Any, cls: type[Any], path: str) -> None:
    try:
        check_value_type(cls, path)
        check_class(cls)
    except NameError:  # annotations of a class inside a function: look at the values instead
        names = [f.name for f in attrs.fields(cls)] if attrs.has(cls) else state._fields
        for name in names:
            check_state_type(getattr(state, name), f"{path}.{name}")
