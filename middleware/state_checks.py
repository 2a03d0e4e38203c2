"""`state_checks`: while a program is developed, whether its values keep what their types promise.

What belongs here: when the checks run, and what they say.  What does not: finding a mutation
(`find_mutation`) or a value that no log can carry (`find_unserialisable`).

Types are checked once per class, at ``Store(...)``, and that is all that a program pays in
production.  What types cannot see is a value that lies about its own: a list in a field declared as
a tuple, a record written to by ``object.__setattr__``.

A mutation is an error: the state is broken, its history, undo and replay with it, and nothing can
bring back what stood there.  A value that cannot be serialised is a warning: the program works on,
and only recording refuses such an action.
"""

from __future__ import annotations

import reprlib
import time
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import attrs

from refold.actions.action import Action
from refold.errors import InsideReducerError, RefoldWarning, StateMutatedError
from refold.middleware.check_stopwatch import CheckStopwatch
from refold.middleware.find_mutation import Mutation, MutationFinder
from refold.middleware.find_unserialisable import UnserialisableFinder
from refold.middleware.ignored_parts import IgnoredParts

if TYPE_CHECKING:
    from refold.middleware.find_unserialisable import Unserialisable
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

__all__ = ["state_checks"]


def state_checks(  # noqa: PLR0913  # each is one choice, by keyword
    *,
    mutations: bool = True,
    unserialisable: bool = True,
    ignored_types: Iterable[type] = (),
    ignored_paths: Iterable[str] = (),
    ignored_slices: Iterable[str] = (),
    ignored_actions: Iterable[type[Action]] = (),
    slow_seconds: float = 0.032,
    parts_per_look: int = 10_000,
    clock: Callable[[], float] = time.thread_time,
) -> Middleware[object]:
    """Return middleware that checks every action and state; under ``python -O`` none.

    List it last, one per store.  What is unchanged keeps its identity and is not checked again, so
    the cost grows with the change, and with the number of records by one comparison each.

    Args:
        mutations: raise `StateMutatedError` when a part of the state was changed in place: by the
            reducer after the commit, or before an action, which then goes no further.
        unserialisable: give a `RefoldWarning` of the first value that no log can carry.
        ignored_types: values that are neither reported nor looked into.
        ignored_paths: paths of such values, such as ``Root.cache.*`` or ``TodoAdded.tags[?]``;
            ``*`` stands for any text, ``?`` for any character.
        ignored_slices: fields of the root to leave alone.
        ignored_actions: classes of actions whose values are not checked.
        slow_seconds: a check that takes longer gives a `RefoldWarning`, one for each of the two
            checks; what reducers take is not counted.
        parts_per_look: how many records of the state are compared, before an action and after it;
            the records of a larger state take turns.
        clock: seconds from anywhere; by default those that this thread computed, so that a busy
            machine makes no check look slow.

    Raises:
        ValueError: parts_per_look is less than 1.
    """
    if parts_per_look < 1:
        message = f"state_checks expects a parts_per_look of 1 or more, got {parts_per_look}"
        raise ValueError(message)
    if not __debug__:
        return _no_checks
    ignored = IgnoredParts(ignored_types, ignored_paths)
    slices = frozenset(ignored_slices)
    return _StateChecks(
        MutationFinder(ignored, slices, parts_per_look) if mutations else None,
        UnserialisableFinder(ignored, slices) if unserialisable else None,
        ignored_actions=frozenset(ignored_actions),
        stopwatch=CheckStopwatch(slow_seconds, clock),
    )


@attrs.define
class _Handled:
    """One action on its way to the reducer."""

    action: Action

    was_looked_after: bool = False
    """Whether the state was looked at since the reducer."""

    mutation: Mutation | None = None
    """What the reducer did, if it did."""


class _StateChecks:
    """The checks of one store."""

    def __init__(
        self,
        mutations: MutationFinder | None,
        unserialisable: UnserialisableFinder | None,
        *,
        ignored_actions: frozenset[type[Action]],
        stopwatch: CheckStopwatch,
    ) -> None:
        self._mutations = mutations
        self._unserialisable = unserialisable
        self._ignored_actions = ignored_actions
        self._stopwatch = stopwatch
        self._handled: list[_Handled] = []
        """The actions being handled, one that answers another behind it."""
        self._store: StoreAPI[Any]

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Look through the state that is there, then check each action."""
        self._store = store
        if self._mutations is not None:
            self._mutations.remember(store.state)
        if self._unserialisable is not None:
            self._report(self._unserialisable.find_in_state(store.state))

        def handle(action: Action) -> Action:
            if not isinstance(action, Action):  # pyright: ignore[reportUnnecessaryIsInstance]  # what middleware takes
                return next(action)
            finder = self._unserialisable
            if finder is not None and type(action) not in self._ignored_actions:
                self._check_values(finder.find_in_action, action)
            try:
                self._look_before(action)
            except InsideReducerError:
                return next(action)  # which refuses it in its own words
            result = self._let_through(action, next)
            if finder is not None:
                self._check_values(finder.find_in_state, store.state)
            for text in self._stopwatch.take_unsaid():
                warnings.warn(text, RefoldWarning, stacklevel=2)
            return result

        return handle

    def committed(self, actions: tuple[Action, ...]) -> None:
        """Look at the state before subscribers can touch it; what is found is raised after them.

        An error here would keep the actions from those who record them.
        """
        del actions
        if self._handled:
            self._look_after(self._handled[-1])

    def _look_before(self, action: Action) -> None:
        if self._mutations is not None:
            self._mutations.turn()
            mutation = self._look(self._mutations)
            if mutation is not None:
                raise _mutated_outside(mutation, action, sees_all=self._mutations.sees_all)

    def _look_after(self, handled: _Handled) -> None:
        if self._mutations is not None and not handled.was_looked_after:
            handled.was_looked_after = True
            handled.mutation = self._look(self._mutations)

    def _look(self, mutations: MutationFinder) -> Mutation | None:
        state = self._store.state
        return self._stopwatch.measured("mutations", lambda: mutations.look(state))

    def _let_through(self, action: Action, next_dispatch: Dispatch) -> Action:
        """Let an action go on, and raise if its reducer changed the state in place."""
        handled = _Handled(action)
        self._handled.append(handled)
        try:
            result = next_dispatch(action)
        except Exception as error:
            self._look_after(handled)
            if handled.mutation is not None:
                error.add_note(f"besides, {_describe_reducers(handled.mutation, action)}")
            raise
        finally:
            self._handled.pop()
        self._look_after(handled)
        if handled.mutation is not None:
            message = _describe_reducers(handled.mutation, action)
            raise StateMutatedError(message, path=handled.mutation.path)
        return result

    def _check_values(self, find: Callable[[Any], Unserialisable | None], root: object) -> None:
        self._report(self._stopwatch.measured("unserialisable", lambda: find(root)))

    def _report(self, found: Unserialisable | None) -> None:
        if found is not None:
            warnings.warn(_describe_unserialisable(found), RefoldWarning, stacklevel=4)


def _no_checks(_store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
    return next


def _name_of(action: Action) -> str:
    return str(getattr(action, "wire_name", type(action).__name__))


def _describe(mutation: Mutation) -> str:
    old, new = reprlib.repr(mutation.old), reprlib.repr(mutation.new)
    return f"{mutation.path} was {old} and is {new}, in the same object"


def _describe_reducers(mutation: Mutation, action: Action) -> str:
    return (
        f"the reducer for {_name_of(action)} changed its input in place: {_describe(mutation)};"
        f" return a new state (attrs.evolve, or set and append of a persistent collection)"
    )


def _mutated_outside(mutation: Mutation, action: Action, *, sees_all: bool) -> StateMutatedError:
    when = "" if sees_all else ", or by an earlier action while other parts were looked at"
    message = (
        f"the state was changed in place outside of a reducer, before {_name_of(action)}{when}:"
        f" {_describe(mutation)}; dispatch an action for the change; this one was not dispatched"
    )
    return StateMutatedError(message, path=mutation.path)


def _describe_unserialisable(found: Unserialisable) -> str:
    others = f" (and {found.others} more behind it)" if found.others else ""
    return (
        f"{found.path} holds a value of type {type(found.value).__qualname__}, which no log can"
        f" carry: {reprlib.repr(found.value)}{others}; use what its declared type says, or leave it"
        f" out by ignored_paths or ignored_types"
    )
