"""`StatedChange`: the change of the state that a test expects of one action.

What belongs here: from what the test wrote to the state that it expects, and where another one
differs.  What does not: the sentences about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from refold.errors import TestStoreError
from refold.reducers.evolve import evolve
from refold.replay.changed_paths import ChangedPath, changed_paths
from refold.testing.exact_difference import first_difference

__all__ = ["UNSTATED", "StatedChange", "exact_changes"]


class _Unstated:
    def __repr__(self) -> str:
        return "(not stated)"


UNSTATED: Final[Any] = _Unstated()
"""Stands for the change as a whole where a test gives none."""


@attrs.frozen
class StatedChange:
    """What a test states: the whole, or fields of the root state, or nothing."""

    whole: Any = UNSTATED
    """The new state, or a function of the old one; `UNSTATED` if fields are stated, or nothing."""

    fields: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """By the name of a field of the root state: its new value, or a function of the old one."""

    @property
    def is_nothing(self) -> bool:
        """Whether the test states that nothing changes."""
        return self.whole is UNSTATED and not self.fields

    def apply_to(self, old: Any) -> Any:
        """Return the state that the test expects after an old one.

        Raises:
            TestStoreError: both ways to state a change are used, or a field is not there.
            Exception: what a function of the test raises.
        """
        if self.is_nothing:
            return old
        if self.whole is UNSTATED:
            return self._apply_fields(old)
        if self.fields:
            message = (
                f"state a change as a whole or by fields, not both; got the whole and"
                f" {', '.join(self.fields)}"
            )
            raise TestStoreError(message)
        return _apply(self.whole, old, "the state")

    def stated_fields(self, old: Any, expected: Any) -> frozenset[str] | None:
        """Return the names of the fields that are stated; None if it is a state without fields."""
        if not attrs.has(expected.__class__) or old.__class__ is not expected.__class__:
            return None
        if self.whole is UNSTATED:
            return frozenset(self.fields)
        return frozenset(
            field.name
            for field in attrs.fields(expected.__class__)
            if getattr(old, field.name, UNSTATED) is not getattr(expected, field.name, UNSTATED)
        )

    def among(self, found: Any, expected: Any, names: frozenset[str] | None) -> Any:
        """Return the state that was found, with what is stated as it is expected.

        Args:
            found: the state after the action.
            expected: what `apply_to` returned.
            names: what `stated_fields` returned.
        """
        if names is None or found.__class__ is not expected.__class__:
            return found if self.is_nothing else expected
        return _with_fields(found, {name: getattr(expected, name) for name in names})

    def _apply_fields(self, old: Any) -> Any:
        cls: type[Any] = old.__class__
        if not attrs.has(cls):
            message = (
                f"the state is of type {cls.__name__}, which has no fields to state by keyword; got"
                f" {', '.join(self.fields)}; give the whole new state, or a function of the old"
                f" one, after the action"
            )
            raise TestStoreError(message)
        names = [field.name for field in attrs.fields(cls)]
        unknown = [name for name in self.fields if name not in names]
        if unknown:
            message = (
                f"{cls.__name__} has no field {unknown[0]!r} whose change could be stated; its"
                f" fields are {', '.join(names)}"
            )
            raise TestStoreError(message)
        return _with_fields(
            old,
            {
                name: _apply(stated, getattr(old, name), f"the field {name!r}")
                for name, stated in self.fields.items()
            },
        )


def exact_changes(old: object, new: object, path: str = "") -> Iterator[ChangedPath]:
    """Yield where two states differ for anybody who looks closely.

    Args:
        old: a state.
        new: another.
        path: where both stand; empty for whole states.
    """
    found = False
    for change in changed_paths(old, new, path):
        if first_difference(change.old, change.new, "state") is not None:
            found = True
            yield change
    if not found and (only := first_difference(old, new, path or ".")) is not None:
        yield ChangedPath(only.path.lstrip("."), only.expected, only.found)  # as 0.0 and -0.0


def _with_fields(record: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a record with some fields changed, by their names."""
    fields = attrs.fields_dict(record.__class__)
    return evolve(record, **{str(fields[name].alias): value for name, value in values.items()})


def _apply(stated: Any, old: Any, where: str) -> Any:
    if not callable(stated):
        return stated
    function: Callable[[Any], Any] = stated
    try:
        return function(old)
    except Exception as error:
        error.add_note(f"raised by the function that states the change of {where}")
        raise
