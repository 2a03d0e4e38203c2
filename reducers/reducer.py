"""`Reducer`: how one state follows from an action, declared handler by handler.

What belongs here: declaring handlers and finding the one step for an action's class.  What does
not: joining several reducers, which `combine_reducers` does.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar, cast, overload

from refold.actions.action import Action
from refold.actions.check_value_type import check_class
from refold.actions.matchers import Matchable, Matcher, as_matcher
from refold.actions.registry import is_declared_action_class
from refold.errors import ReducerDeclarationError, ReducerReturnedNoneError, ValueTypeError
from refold.reducers.check_state import check_state_type
from refold.reducers.child_steps import make_keyed_child_step, make_optional_child_step
from refold.reducers.private_actions import InitialiseState

if TYPE_CHECKING:
    from typing import Self

__all__ = ["NOT_MADE_YET", "Reducer", "Step", "as_reducer", "explain_returned_none"]

S = TypeVar("S")
T = TypeVar("T")
A = TypeVar("A", bound=Action)
A1 = TypeVar("A1", bound=Action)
A2 = TypeVar("A2", bound=Action)
A3 = TypeVar("A3", bound=Action)
A4 = TypeVar("A4", bound=Action)

Step: TypeAlias = Callable[[Any, Action], Any]
"""A compiled ``(state, action) -> state``; the same object means that nothing changed."""

NOT_MADE_YET: Final[Any] = object()
"""Stands for an initial state that nobody has asked for yet."""


class Watcher(Protocol):
    """Whoever has compiled steps of a reducer into something of its own."""

    def forget_compiled(self) -> None:
        """Drop what was compiled: a handler or slice was added since."""


class Reducer(Generic[S]):
    """A pure function ``(state, action) -> state`` with one handler per action class.

    Args:
        initial: the first state.
        factory: makes the first state; called once, when it is first needed, and not at all if a
            store is given a state.

    Raises:
        ReducerDeclarationError: neither or both of the two are given.
    """

    def __init__(
        self, initial: S = NOT_MADE_YET, /, *, factory: Callable[[], S] | None = None
    ) -> None:
        """Declare a reducer without handlers."""
        if (initial is NOT_MADE_YET) == (factory is None):
            message = (
                "a reducer needs its initial state: write Reducer(initial), or"
                " Reducer(factory=make_initial) to make it when it is first needed"
            )
            raise ReducerDeclarationError(message)
        self._initial = initial
        self._factory = factory
        self.function: Step | None = None
        """The plain function this reducer is made of; None if it has handlers."""
        self._exact: dict[type[Action], Step] = {}
        self._matched: list[tuple[Matcher, Step]] = []
        self._otherwise: Step | None = None
        self._children: list[tuple[Reducer[Any], Callable[[Step], Step]]] = []
        self._unresolved: set[type[Action]] = set()
        self._compiled: dict[type[Action], Step | None] = {}
        self._watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()

    @classmethod
    def of(cls, function: Callable[[Any, Any], T], initial: T = NOT_MADE_YET, /) -> Reducer[T]:
        """Return a reducer made of one plain ``(state, action) -> state`` function.

        Such a function sees every action, so nothing can be routed: `on` is faster.

        Args:
            function: returns the state it was given for an action that it does not know.
            initial: the first state; without it the function is called with the state None.

        Raises:
            TypeError: the function is not callable.
        """
        if not callable(function):
            message = (
                f"a reducer must be a Reducer or a callable (state, action) -> state,"
                f" got {type(function).__name__}"
            )
            raise ReducerDeclarationError(message)
        reducer: Reducer[T] = (
            Reducer(factory=lambda: function(None, InitialiseState()))
            if initial is NOT_MADE_YET
            else Reducer(initial)
        )
        reducer.function = function
        return reducer

    @property
    def makes_own_initial(self) -> bool:
        """Whether the initial state comes from a call, not from a value given."""
        return self._factory is not None

    @property
    def may_start_as_none(self) -> bool:
        """Whether None is known to be a state; False while no initial state was needed yet."""
        return self._initial is None

    @property
    def initial(self) -> S:
        """The first state, the identical object each time."""
        if self._initial is NOT_MADE_YET and self._factory is not None:
            self._initial = self._factory()
        return self._initial

    @property
    def handles(self) -> frozenset[type[Action]]:
        """The action classes that a handler of this reducer or of a child was declared for."""
        return frozenset(self._exact).union(*(child.handles for child, _ in self._children))

    @property
    def handlers(self) -> Mapping[str, Step]:
        """The declared handlers by wire name, each callable alone."""
        return MappingProxyType({cls.wire_name: step for cls, step in self._exact.items()})

    @overload
    def on(self, a: type[A1], /) -> Callable[[Callable[[S, A1], S]], Callable[[S, A1], S]]: ...
    @overload
    def on(
        self, a: type[A1], b: type[A2], /
    ) -> Callable[[Callable[[S, A1 | A2], S]], Callable[[S, A1 | A2], S]]: ...
    @overload
    def on(
        self, a: type[A1], b: type[A2], c: type[A3], /
    ) -> Callable[[Callable[[S, A1 | A2 | A3], S]], Callable[[S, A1 | A2 | A3], S]]: ...
    @overload
    def on(
        self, a: type[A1], b: type[A2], c: type[A3], d: type[A4], /, *more: type[A]
    ) -> Callable[
        [Callable[[S, A1 | A2 | A3 | A4 | A], S]], Callable[[S, A1 | A2 | A3 | A4 | A], S]
    ]: ...
    def on(self, *action_types: type[Action]) -> Callable[[Any], Any]:
        """Declare the handler of one or several action classes, each found by its exact type.

        Raises:
            ReducerDeclarationError: a class is no declared action or has a handler already, or
                matchers were declared before.
            ValueTypeError: a field of the class is mutable or cannot be serialised.
        """
        for cls in action_types:
            self._check_may_handle(cls)

        def declare(handler: Step) -> Step:
            for cls in action_types:
                self._check_may_handle(cls)
                self._exact[cls] = handler
            self.forget_compiled()
            return handler

        return declare

    def on_any(
        self, matcher: Matchable, /
    ) -> Callable[[Callable[[S, Any], S]], Callable[[S, Any], S]]:
        """Declare a handler for every action that the matcher is true for, after the exact one.

        Raises:
            ReducerDeclarationError: the default handler was declared before.
        """
        matches = as_matcher(matcher)
        if self._otherwise is not None:
            message = "declare matchers before the default handler: otherwise comes last"
            raise ReducerDeclarationError(message)

        def declare(handler: Callable[[S, Any], S]) -> Callable[[S, Any], S]:
            self._matched.append((matches, handler))
            self.forget_compiled()
            return handler

        return declare

    def otherwise(self, handler: Callable[[S, Action], S], /) -> Callable[[S, Action], S]:
        """Declare the handler of every action that no other handler matched.

        Raises:
            ReducerDeclarationError: there is one already.
        """
        if self._otherwise is not None:
            message = "this reducer has a default handler already; there can be only one"
            raise ReducerDeclarationError(message)
        self._otherwise = handler
        self.forget_compiled()
        return handler

    def for_each(
        self, field: str, child: Reducer[Any], /, *, key: Callable[[Any], Hashable | None]
    ) -> Self:
        """Let a child reducer fold its actions into one entry of a map, before the own handlers.

        Args:
            field: the field of the state that holds a PMap of child states.
            child: folds one entry.
            key: which entry an action is for; an absent key (or None) changes nothing.
        """
        return self._add_child(child, lambda step: make_keyed_child_step(field, step, key))

    def optional(self, field: str, child: Reducer[Any], /) -> Self:
        """Let a child reducer fold its actions into a field while that field is not None."""
        return self._add_child(child, lambda step: make_optional_child_step(field, step))

    def __call__(self, state: S | None, action: Action, /) -> S:
        """Return the state that follows; the identical object if nothing changed.

        Args:
            state: the present state; None means the initial one.
            action: any action.

        Raises:
            ReducerReturnedNoneError: a handler forgot to return a state.
        """
        present: Any = self.initial if state is None else state
        step = self.step_for(type(action))
        if step is None:
            return present  # type: ignore[no-any-return]  # the state, of type S
        following = step(present, action)
        if following is None and present is not None and not self.may_start_as_none:
            raise ReducerReturnedNoneError(explain_returned_none("the reducer", action))
        return following  # type: ignore[no-any-return]  # what a handler of S returned

    def step_for(self, action_type: type[Action]) -> Step | None:
        """Return the one function that folds actions of a class; None if they change nothing.

        The answer is kept until a handler, child or slice is added.
        """
        try:
            return self._compiled[action_type]
        except KeyError:
            step = self._compiled[action_type] = self._compile(action_type)
            return step

    def take_given_state(self, given: Any, source: str) -> S:
        """Return the state to start from when somebody gives one.

        Args:
            given: the state, or what the reducer can complete to one.
            source: where it comes from, for error messages.
        """
        del source
        return given  # type: ignore[no-any-return]  # a plain reducer takes a state as it is

    def adopt_state(self, old: Any, old_reducer: Reducer[Any]) -> S:
        """Return the state to go on from when this reducer replaces another in a store."""
        del old_reducer
        return old  # type: ignore[no-any-return]  # a plain reducer takes a state as it is

    def check_state_type(self, state: S, path: str) -> None:
        """Check that the state can be trusted to be immutable and to survive a log.

        Args:
            state: the state to start from.
            path: where it stands in the root, for error messages.

        Raises:
            ValueTypeError: a field type, or a value where no type is declared, is mutable.
        """
        check_state_type(state, path)

    def check_action_types(self) -> None:
        """Check the action classes whose annotations could not be resolved at declaration.

        Raises:
            ValueTypeError: a field of one is mutable or cannot be serialised.
        """
        for cls in tuple(self._unresolved):
            try:
                check_class(cls)
            except NameError as error:
                raise _unresolvable(cls, error) from error
            self._unresolved.discard(cls)
        for child, _ in self._children:
            child.check_action_types()

    def watch(self, watcher: Watcher) -> None:
        """Tell the watcher (held weakly) whenever compiled steps are out of date."""
        self._watchers.add(watcher)

    def forget_compiled(self) -> None:
        """Drop the compiled steps here and at every watcher."""
        self._compiled.clear()
        for watcher in tuple(self._watchers):
            watcher.forget_compiled()

    def _add_child(self, child: Reducer[Any], place: Callable[[Step], Step]) -> Self:
        self._children.append((child, place))
        child.watch(self)
        self.forget_compiled()
        return self

    def _check_may_handle(self, cls: type[Action]) -> None:
        if not is_declared_action_class(cls):
            message = (
                f"Reducer.on expects declared action classes, got {cls!r}; decorate the class with"
                f" @action('group/long_snake_case_name')"
            )
            raise ReducerDeclarationError(message)
        if cls in self._exact:
            message = (
                f"this reducer has a handler for {cls.wire_name!r} already; join the two into one"
            )
            raise ReducerDeclarationError(message)
        if self._matched or self._otherwise is not None:
            message = (
                f"declare the handler for {cls.wire_name!r} before matchers and the default"
                f" handler: exact handlers run first, so they stand first"
            )
            raise ReducerDeclarationError(message)
        try:
            check_class(cls)
        except NameError:
            self._unresolved.add(cls)

    def _compile(self, action_type: type[Action]) -> Step | None:
        if self.function is not None:
            return self.function
        steps = [place(s) for c, place in self._children if (s := c.step_for(action_type))]
        own = self._compile_own_handlers(action_type)
        if own is not None:
            steps.append(own)
        return steps[0] if len(steps) == 1 else _in_order(steps) if steps else None

    def _compile_own_handlers(self, action_type: type[Action]) -> Step | None:
        exact = self._exact.get(action_type)
        matched, otherwise = tuple(self._matched), self._otherwise
        if not matched:
            return exact if exact is not None else otherwise

        def step(state: Any, action: Action) -> Any:
            nothing_matched = exact is None
            if exact is not None:
                state = exact(state, action)
            for matches, handler in matched:
                if matches(action):
                    nothing_matched = False
                    state = handler(state, action)
            return otherwise(state, action) if nothing_matched and otherwise else state

        return step


def as_reducer(candidate: Callable[[Any, Any], S]) -> Reducer[S]:
    """Return a reducer as it is, and a plain function as ``Reducer.of(function)``."""
    if isinstance(candidate, Reducer):
        return cast("Reducer[S]", candidate)
    return Reducer.of(candidate)


def _unresolvable(cls: type[Action], error: NameError) -> ValueTypeError:
    message = (
        f"the annotations of action {cls.__qualname__} cannot be resolved ({error}); import what"
        f" they name at run time, not only under TYPE_CHECKING"
    )
    return ValueTypeError(message, path=cls.__name__)


def explain_returned_none(who: str, action: Action) -> str:
    """Return the sentence for a reducer that returned None, naming it and the action."""
    name = getattr(type(action), "wire_name", type(action).__name__)
    return (
        f"{who} returned None for {name}; return the state it was given to ignore an action"
        f" (the state is the one before)"
    )


def _in_order(steps: list[Step]) -> Step:
    def step(state: Any, action: Action) -> Any:
        for part in steps:
            state = part(state, action)
        return state

    return step
