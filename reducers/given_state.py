"""Taking a state that somebody gives into the shape of a combined reducer's root.

What belongs here: completing partial states and reporting keys that no reducer folds.  What does
not: checking the types of the values.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from refold.errors import RefoldWarning, StateShapeError
from refold.reducers.root_shape import ABSENT

if TYPE_CHECKING:
    from refold.reducers.combine_reducers import CombinedReducer
    from refold.reducers.reducer import Reducer

__all__ = ["adopt_state", "shape_given_state"]

S = TypeVar("S")


def shape_given_state(combined: CombinedReducer[S], given: object, source: str) -> S:
    """Return a root with the given slices, and the initial states of those that are not given.

    Args:
        combined: the reducer that will fold the root.
        given: a root, or a mapping of slices' states by name (nested ones likewise).
        source: where the state comes from, for the report: ``state=`` or ``a previous result``.

    Raises:
        StateShapeError: the given state is neither.
    """
    if isinstance(given, combined.shape.cls):
        return combined.complete(given)
    if not isinstance(given, Mapping):
        message = (
            f"the state from {source} is of type {type(given).__name__}, expected"
            f" {combined.shape.cls.__name__} or a mapping with the keys"
            f" {', '.join(combined.slices)}"
        )
        raise StateShapeError(message)
    states = cast("Mapping[object, Any]", given)
    _report_unknown_keys(combined, states, source)
    present = combined.present_names
    values = {name: _shape_slice(combined, name, states, source) for name in present}
    return combined.shape.build(values)


def adopt_state(combined: CombinedReducer[S], old: object, old_reducer: Reducer[Any]) -> S:
    """Return the root with which a store goes on after its reducer was replaced by this one.

    Args:
        combined: the new reducer.
        old: the state of the store; fields that the new root does not have are left behind.
        old_reducer: what folded that state; a field that was one of its slices and is none now
            falls back to its default.

    Returns:
        The identical object if the new reducer folds the same slices of the same class.
    """
    shape = combined.shape
    old_slices: Mapping[str, Reducer[Any]] = getattr(old_reducer, "slices", {})
    values: dict[str, Any] = {}
    for name in combined.present_names:
        value = getattr(old, name, ABSENT)
        if name not in combined.slices:
            keeps = value is not ABSENT and name not in old_slices
            values[name] = value if keeps else shape.default(name)
        else:
            values[name] = _adopt_slice(combined, name, value, old_slices.get(name))
    if isinstance(old, shape.cls) and all(
        shape.read(old, name) is values.get(name, ABSENT) for name in shape.names
    ):
        return old
    return shape.build(values)


def _adopt_slice(
    combined: CombinedReducer[Any], name: str, value: Any, old_reducer: Reducer[Any] | None
) -> Any:
    reducer = combined.slices[name]
    if old_reducer is not None and value is not ABSENT:
        return reducer.adopt_state(value, old_reducer)
    return reducer.initial if value is ABSENT or value is combined.shape.default(name) else value


def _shape_slice(
    combined: CombinedReducer[Any], name: str, given: Mapping[Any, Any], source: str
) -> Any:
    reducer = combined.slices.get(name)
    if reducer is None:
        return given.get(name, combined.shape.default(name))
    return reducer.take_given_state(given[name], source) if name in given else reducer.initial


def _report_unknown_keys(
    combined: CombinedReducer[Any], given: Mapping[Any, Any], source: str
) -> None:
    unknown = [
        str(key)
        for key in given
        if key not in combined.shape.names and str(key) not in combined.reported_keys
    ]
    if unknown:
        combined.reported_keys.update(unknown)
        message = (
            f"the state from {source} has unknown keys that no reducer folds:"
            f" {', '.join(unknown)}; expected {', '.join(combined.slices)}; they are ignored"
        )
        warnings.warn(message, RefoldWarning, stacklevel=4)
