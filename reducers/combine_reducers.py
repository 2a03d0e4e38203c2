"""`combine_reducers`: one root reducer out of one reducer per field of the root state.

What belongs here: routing an action to the slices that handle it.  What does not: taking a given
state into the root's shape, which `given_state` does, and testing the manners of plain functions,
which `probe_reducer` does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from refold.actions.check_value_type import check_class
from refold.errors import ReducerDeclarationError, ReducerReturnedNoneError, RefoldWarning
from refold.reducers.evolve import evolve
from refold.reducers.given_state import adopt_state, shape_given_state
from refold.reducers.probe_reducer import probe_plain_function
from refold.reducers.reducer import (
    NOT_MADE_YET,
    Reducer,
    Step,
    as_reducer,
    explain_returned_none,
)
from refold.reducers.root_shape import ABSENT, RootShape

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["CombinedReducer", "Plan", "combine_reducers"]

S = TypeVar("S")

SliceReducer = Reducer[Any] | Callable[[Any, Any], Any]
"""What folds a slice: a Reducer, or a plain ``(state | None, action) -> state`` function."""


class Plan(NamedTuple):
    """Where an action of one class goes."""

    slices: tuple[tuple[str, Step], ...]
    """The slices that handle it, each with its step, in the order of declaration."""

    root: Step | None
    """What runs after them, and may read them all; None if the root has no handler for it."""


def combine_reducers(
    root_type: type[S],
    slices: Mapping[str, SliceReducer] = MappingProxyType({}),
    /,
    **named_slices: SliceReducer,
) -> CombinedReducer[S]:
    """Return a reducer of a root state in which each slice has a reducer of its own.

    Args:
        root_type: a frozen attrs class.  A field without a slice keeps its default; without a
            default it is absent until a reducer is injected.
        slices: reducers by field name; the same as keyword arguments.
        named_slices: reducers by field name.

    Raises:
        ReducerDeclarationError: the class, a name or a reducer does not fit.
        ReducerReturnedNoneError: a plain function has no initial state.
        ReducerProtocolError: a plain function reacts to an action that it must not know.
    """
    combined = CombinedReducer(RootShape(root_type))
    for name, reducer in {**slices, **named_slices}.items():
        combined.add_slice(name, reducer)
    if not combined.shape.names:
        message = (
            f"no valid reducer: {root_type.__name__} has no field that a reducer could fold; give"
            f" the class a field and pass its reducer by the field's name"
        )
        raise ReducerDeclarationError(message)
    return combined


class CombinedReducer(Reducer[S]):
    """A root reducer: an action reaches only the slices that handle it; unchanged ones keep
    identity.

    Handlers declared on it by `on` run after the slices and see the whole root.
    """  # noqa: D205  # one sentence

    def __init__(self, shape: RootShape[S]) -> None:
        """Start with no slices."""
        super().__init__(factory=self._make_initial)
        self.shape = shape
        self.slices: dict[str, Reducer[Any]] = {}
        self.reported_keys: set[str] = set()
        self._injected: set[str] = set()

    @property
    def handles(self) -> frozenset[type[Action]]:
        """The action classes that a slice, or the root itself, declares a handler for."""
        return super().handles.union(*(reducer.handles for reducer in self.slices.values()))

    @property
    def present_names(self) -> tuple[str, ...]:
        """The fields that every root has by now: those with a slice or a default."""
        return tuple(
            name
            for name in self.shape.names
            if name in self.slices or self.shape.default(name) is not ABSENT
        )

    def inject(self, name: str, reducer: SliceReducer, *, override: bool = False) -> None:
        """Add a slice at run time; the next action gives it its initial state.

        Args:
            name: a field of the root class.
            reducer: injecting the same one again does nothing.
            override: replace another reducer under the name; otherwise that is reported by a
                RefoldWarning and ignored.
        """
        present = self.slices.get(name)
        if present is not None and reducer in {present, present.function}:
            return
        if present is not None and not override:
            message = (
                f"slice {name!r} has another reducer already; this one is ignored, pass"
                f" override=True to replace it"
            )
            warnings.warn(message, RefoldWarning, stacklevel=2)
            return
        self.add_slice(name, reducer)
        self._injected.add(name)

    def add_slice(self, name: str, reducer: SliceReducer | None) -> None:
        """Check a slice's name and reducer, and let it fold from now on."""
        if name not in self.shape.names:
            message = (
                f"slice {name!r} is no field of {self.shape.cls.__name__}, whose fields are"
                f" {', '.join(self.shape.names) or 'none'}; name the slice after its field"
            )
            raise ReducerDeclarationError(message)
        if not callable(reducer):
            message = (
                f"the reducer for slice {name!r} is {type(reducer).__name__}, expected a Reducer or"
                f" a callable (state, action) -> state; was it imported before it was assigned?"
            )
            raise ReducerDeclarationError(message)
        child = as_reducer(reducer)
        probe_plain_function(name, child, may_be_none=self.shape.may_be_none(name))
        self.slices[name] = child
        child.watch(self)
        self.forget_compiled()

    def slice(self, name: str, *, at: Callable[[Any], Any] | None = None) -> Callable[[Any], Any]:
        """Return a function from the root to a slice, or to its initial state while it is absent.

        Args:
            name: the slice's name.
            at: finds the state of this reducer in a larger root; None if it is the root.
        """

        def get_slice(root: Any) -> Any:  # any root that `at` understands
            value = self.shape.read(root if at is None else at(root), name)
            return self.slices[name].initial if self._is_missing(name, value) else value

        return get_slice

    def may_be_none(self, name: str) -> bool:
        """Tell whether None is a state of the slice and not a forgotten return."""
        return self.shape.may_be_none(name) or self.slices[name].may_start_as_none

    def plan_for(self, action_type: type[Action]) -> Plan:
        """Return where an action of this exact class goes."""
        steps = ((name, reducer.step_for(action_type)) for name, reducer in self.slices.items())
        return Plan(
            slices=tuple((name, step) for name, step in steps if step is not None),
            root=super()._compile(action_type),
        )

    def complete(self, root: S) -> S:
        """Return the root with the initial states of injected slices that it does not have yet."""
        if not self._injected:
            return root
        missing = {
            name: self.slices[name].initial
            for name in self._injected
            if self._is_missing(name, self.shape.read(root, name))
        }
        return self._with_changes(root, missing) if missing else root

    def __call__(self, state: Any, action: Action, /) -> S:
        """Return the root that follows; the identical object if nothing changed.

        Args:
            state: a root, a mapping of some slices' states, or None for the initial root.
            action: any action.
        """
        return super().__call__(
            None if state is None else self.take_given_state(state, "a previous result"), action
        )

    def take_given_state(self, given: Any, source: str) -> S:
        """Return a root; see `shape_given_state`."""
        return shape_given_state(self, given, source)

    def adopt_state(self, old: Any, old_reducer: Reducer[Any]) -> S:
        """Return a root to go on from; see `given_state.adopt_state`."""
        return adopt_state(self, old, old_reducer)

    def check_state_type(self, state: S, path: str) -> None:
        """Check the root class and all that is in it.

        Raises:
            ValueTypeError: a field type is mutable or cannot be serialised.
        """
        try:
            check_class(self.shape.cls)
        except NameError:  # a class inside a function: its slices' states tell their types
            for name, reducer in self.slices.items():
                reducer.check_state_type(getattr(state, name), f"{path}.{name}")

    def check_action_types(self) -> None:
        """Check the actions of the root and of every slice.

        Raises:
            ValueTypeError: a field of one is mutable or cannot be serialised.
        """
        super().check_action_types()
        for reducer in self.slices.values():
            reducer.check_action_types()

    def _make_initial(self) -> S:
        return self.shape.build(
            {
                name: self.slices[name].initial if name in self.slices else self.shape.default(name)
                for name in self.present_names
            }
        )

    def forget_compiled(self) -> None:
        """Drop what was compiled, and the initial root, which a new slice makes out of date."""
        self._initial = NOT_MADE_YET
        super().forget_compiled()

    def _is_missing(self, name: str, value: object) -> bool:
        if value is ABSENT:
            return True
        return value is None and name in self._injected and self.slices[name].initial is not None

    def _with_changes(self, root: S, changes: dict[str, Any]) -> S:
        if len(self.present_names) == len(self.shape.names) and self.shape.is_plain:
            return evolve(root, **changes)
        values = {name: self.shape.read(root, name) for name in self.shape.names} | changes
        return self.shape.build({n: value for n, value in values.items() if value is not ABSENT})

    def _compile(self, action_type: type[Action]) -> Step | None:
        plan = self.plan_for(action_type)
        if not plan.slices and plan.root is None and not self._injected:
            return None
        is_whole = len(self.present_names) == len(self.shape.names) and self.shape.is_plain

        def step(root: Any, action: Action) -> Any:
            root = self.complete(root)
            changes: dict[str, Any] = {}
            for name, slice_step in plan.slices:
                before = getattr(root, name)
                after = slice_step(before, action)
                if after is not before:
                    changes[name] = self.checked(name, after, action)
            if changes:
                root = evolve(root, **changes) if is_whole else self._with_changes(root, changes)
            return root if plan.root is None else plan.root(root, action)

        return step

    def checked(self, name: str, state: Any, action: Action) -> Any:
        """Return a slice's next state unless it is a forgotten one.

        Raises:
            ReducerReturnedNoneError: the state is None and the slice's state never is.
        """
        if state is None and not self.may_be_none(name):
            raise ReducerReturnedNoneError(
                explain_returned_none(f"the reducer for slice {name!r}", action)
            )
        return state
