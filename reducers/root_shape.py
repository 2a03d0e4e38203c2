"""`RootShape`: the fields of a root state class, and how to take a root apart and build it again.

What belongs here: reading and building roots, some of whose fields may be absent.  What does not:
which reducer folds which field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from refold.actions.annotation_scope import resolved_field_types
from refold.actions.check_value_type import allows_none
from refold.errors import ReducerDeclarationError
from refold.reducers.record_builder import has_plain_constructor, make_record_builder

__all__ = ["ABSENT", "RootShape"]

S = TypeVar("S")


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Final[Any] = _Absent()
"""Stands for a field that a root does not have, because its slice is not injected yet."""


class RootShape(Generic[S]):
    """What is known of a root class: its fields, their defaults, and a fast way to build it."""

    def __init__(self, cls: type[S]) -> None:
        """Study the class.

        Raises:
            ReducerDeclarationError: it is no frozen attrs class.
        """
        if not (isinstance(cls, type) and attrs.has(cls)) or cls.__setattr__ is object.__setattr__:  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a type checker
            message = (
                f"combine_reducers expects the root state's class, decorated with attrs.frozen,"
                f" got {cls!r}; write combine_reducers(AppState, name=reducer, ...)"
            )
            raise ReducerDeclarationError(message)
        fields: Sequence[attrs.Attribute[Any]] = attrs.fields(cls)
        self.cls: type[S] = cast("type[S]", cls)
        """The root class."""
        self.names: tuple[str, ...] = tuple(field.name for field in fields)
        """Its fields, in order."""
        self.is_plain = has_plain_constructor(cls)
        """Whether its constructor does nothing but store."""
        self._alias = {field.name: field.alias for field in fields}
        self._default = {field.name: _default_of(field) for field in fields}

    def default(self, name: str) -> Any:
        """Return the field's default, the identical object each time; ABSENT if it has none."""
        return self._default[name]

    def read(self, root: S, name: str) -> Any:
        """Return the field's value in the root; ABSENT if it has none."""
        return getattr(root, name, ABSENT)

    def builder(self, names: Sequence[str]) -> Callable[[Sequence[Any]], S]:
        """Return a function that builds a root from the values of these fields, in this order."""
        if self.is_plain:
            return make_record_builder(self.cls, names)
        parameters: list[str] = [str(self._alias[name]) for name in names]
        return lambda values: self.cls(**dict(zip(parameters, values, strict=True)))

    def build(self, values: Mapping[str, Any]) -> S:
        """Return a root with these values; the other fields are absent."""
        return self.builder(tuple(values))(tuple(values.values()))

    def may_be_none(self, name: str) -> bool:
        """Tell whether the field's annotation says None; False if it cannot be resolved yet."""
        try:
            return allows_none(resolved_field_types(self.cls)[name])
        except NameError:
            return False


def _default_of(field: attrs.Attribute[Any]) -> Any:
    if field.default is attrs.NOTHING:
        return ABSENT
    factory = getattr(field.default, "factory", None)  # attrs.Factory is no class to checkers
    return field.default if factory is None else factory()
