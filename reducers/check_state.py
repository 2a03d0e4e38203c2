"""The check of a state when only a value of it is at hand, not a declared type."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

import attrs
from pyrsistent import PMap, PSet, PVector

from refold.actions.check_value_type import SCALAR_TYPES, check_class, check_value_type

__all__ = ["check_state_type"]


def check_state_type(state: Any, path: str) -> None:
    """Check a state's class; of a bare collection, the elements that it has.

    Args:
        state: usually a reducer's initial state.
        path: where it stands in the root, for the message.

    Raises:
        ValueTypeError: something in it is mutable or cannot be serialised.
    """
    cls: type[Any] = type(state)
    if cls in SCALAR_TYPES or isinstance(state, enum.Enum):
        return
    if attrs.has(cls) or hasattr(cls, "_fields"):
        _check_record(state, cls, path)
    elif isinstance(state, tuple | frozenset | PVector | PSet):
        elements: Iterable[Any] = state
        for element in elements:
            check_state_type(element, f"{path}[element]")
    elif isinstance(state, PMap):
        entries: PMap[Any, Any] = state
        for key, value in entries.items():
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
