"""python-redux: Immutable action classes, its own ``combine_reducers`` and ``Store``.

In its favour: no side effect thread, the state read from ``_state`` (its documentation allows it),
plain subscribers by ``_subscribe`` (what its own ``autorun`` uses), and the same frozen attrs
slices as all Python contestants.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable
from typing import Any

from contestant import LocalContestant
from heard import Heard
from peer_library import import_peer
from scenario import Scenario
from shared_states import (
    CounterState,
    EntitiesState,
    Entity,
    SliceState,
    entity_key,
    new_entities,
    outcome_of,
)
from slice_getters import COUNT_GETTERS
from work import Outcome, Step, Work

__all__ = ["PythonRedux", "make_python_redux"]

Fold = Callable[[Any, Any], Any]


def make_python_redux(scenario: Scenario) -> LocalContestant:
    """Return the contestant.

    Raises:
        ContestantMissingError: python-redux cannot be used here.
    """
    library = PythonRedux()
    store = library.make_store(scenario)
    heard = _subscribe(store, scenario)
    actions = library.make_actions(scenario.work)

    def run_pass() -> None:
        dispatch = store.dispatch
        for action in actions:
            dispatch(action)

    def run_pass_and_read() -> None:
        dispatch = store.dispatch
        for action in actions:
            dispatch(action)
            store._state  # noqa: B018, SLF001  # pyright: ignore[reportUnusedExpression]  # measured

    def outcome() -> Outcome:
        return [*outcome_of(scenario.work, store._state), [heard.calls]]  # noqa: SLF001

    chosen = run_pass_and_read if scenario.reads_root else run_pass
    return LocalContestant(chosen, len(actions), outcome)


class PythonRedux:
    """The library, with the action classes of one work."""

    def __init__(self) -> None:
        """Import it."""
        self.module = import_peer("redux", "python-redux")
        self._classes: dict[str, Any] = {}

    def action_class(self, name: str, **fields: type) -> Any:  # a class of its own
        """Return an action class of this name, the same one each time."""
        if name not in self._classes:
            body = {"__annotations__": fields, "__module__": __name__}
            self._classes[name] = types.new_class(
                name, (self.module.BaseAction,), exec_body=lambda space: space.update(body)
            )
        return self._classes[name]

    def make_store(self, scenario: Scenario) -> Any:  # a library without types
        """Return a store after its first action."""
        middleware: list[Any] = [_make_pass_through() for _ in range(scenario.pass_through)]
        if scenario.keep_last:
            middleware.append(_make_ring(scenario.keep_last))
        options = self.module.StoreOptions(
            auto_init=True, side_effect_threads=0, action_middlewares=middleware
        )
        return self.module.Store(self._make_reducer(scenario.work), options)

    def make_actions(self, work: Work) -> list[Any]:
        """Return the actions of one pass."""
        return [self._make_action(work, step) for step in work.steps]

    def _make_action(self, work: Work, step: Step) -> Any:  # a class of its own
        if step.verb == "ignore":
            return self.action_class("IgnoredByAll")()
        if work.kind == "counter":
            return self.action_class(step.verb, amount=int)(amount=step.amount)
        if work.kind == "entities":
            return self.action_class("Update")(key=entity_key(step.target), value=step.amount)
        if step.verb == "add":
            return self.action_class(f"Add{step.target}")(amount=step.amount)
        return self.action_class(f"Rename{step.target}")(label=step.label)

    def _make_reducer(self, work: Work) -> Fold:
        if work.kind == "counter":
            return self._make_counter_reducer()
        if work.kind == "entities":
            return self._make_entities_reducer(work.size)
        slices = {f"s{i}": self._make_slice_reducer(i) for i in range(work.size)}
        combined: Fold
        combined, _ = self.module.combine_reducers(self.module.BaseCombineReducerState, **slices)
        return combined

    def _make_slice_reducer(self, number: int) -> Fold:
        add = self.action_class(f"Add{number}", amount=int)
        rename = self.action_class(f"Rename{number}", label=str)

        def reduce_slice(state: SliceState | None, action: Any) -> SliceState:
            if state is None:
                return SliceState()
            if isinstance(action, add):
                return SliceState(state.count + action.amount, state.total + 1, state.label)
            if isinstance(action, rename):
                return SliceState(state.count, state.total, action.label)
            return state

        return reduce_slice

    def _make_counter_reducer(self) -> Fold:
        add = self.action_class("add", amount=int)
        subtract = self.action_class("subtract", amount=int)

        def reduce_counter(state: CounterState | None, action: Any) -> CounterState:
            if state is None:
                return CounterState()
            if isinstance(action, add):
                return CounterState(state.count + action.amount)
            if isinstance(action, subtract):
                return CounterState(state.count - action.amount)
            return state

        return reduce_counter

    def _make_entities_reducer(self, size: int) -> Fold:
        update = self.action_class("Update", key=str, value=int)

        def reduce_entities(
            state: EntitiesState | None,
            action: Any,  # any action
        ) -> EntitiesState:
            if state is None:
                return new_entities(size)
            if isinstance(action, update):
                old = state.entities[action.key]
                new = Entity(action.value, old.revision + 1, old.name)
                return EntitiesState(state.entities.set(action.key, new))
            return state

        return reduce_entities


def _make_pass_through() -> Callable[[Any], Any]:
    def handle(action: Any) -> Any:  # any action, as it came
        return action

    return handle


def _make_ring(limit: int) -> Callable[[Any], Any]:
    ring: deque[Any] = deque(maxlen=limit)

    def keep(action: Any) -> Any:  # any action, as it came
        ring.append(action)
        return action

    return keep


def _subscribe(store: Any, scenario: Scenario) -> Heard:  # without types
    heard = Heard(counts=scenario.counts_calls)
    for _ in range(scenario.subscribers):
        store._subscribe(heard.listener(1))  # noqa: SLF001  # it has no public one for this
    for number in range(scenario.selections):
        store.autorun(COUNT_GETTERS[number % scenario.work.size])(heard.listener(1))
    heard.calls = 0  # autorun calls once at subscription
    return heard
