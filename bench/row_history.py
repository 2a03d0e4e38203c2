"""Rows 14 and 15: what it costs to remember.

Row 14 counts bytes, row 15 CPU time and, for the worst dispatch, milliseconds.  Where a goal is not
a ratio between two contestants, the other one is a constant: one byte, one millisecond.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from contestant import Contestant, LocalContestant
from refold.actions.action import Action
from refold.middleware.recent_actions import RecentActions
from refold.reducers.reducer import Reducer
from refold.replay.forkable_history import KEYFRAME_EVERY
from refold.store.middleware import Dispatch, StoreAPI
from refold.store.store import Store
from row import Entry, Row, at_most
from shared_actions import UpdateEntity, make_actions
from shared_states import EntitiesState, Entity, entity_key, new_entities
from work import Outcome, entities_work

__all__ = ["history_rows"]

_ENTITIES: Final = 10_000
_KEPT: Final = 1000
_DISPATCHES: Final = 400
_COLLECT_EVERY: Final = 100

_BYTE, _MILLISECOND = "one byte", "one millisecond"
_NOTHING: Final = "no history"


def history_rows() -> tuple[Row, ...]:
    """Return the rows."""
    done: Outcome = [[_DISPATCHES]]
    none = Entry(_NOTHING, lambda: _make_store([]), done)
    return (
        Row(
            "14",
            "memory of history, per entry: an action, and the one entity that it replaced",
            (Entry("refold", _Memory, [[_KEPT]]), Entry(_BYTE, lambda: _Constant(1.0), [[]])),
            (at_most(300, _BYTE),),
        ),
        Row(
            "15",
            "10,000 entities, a collection every 100 dispatches, the last 1,000 actions kept",
            (Entry("refold", lambda: _make_store([RecentActions(_KEPT)]), done), none),
            (at_most(1.15, _NOTHING),),
        ),
        Row(
            "15",
            f"the same, and keyframes of them, every {KEYFRAME_EVERY} actions",
            (Entry("refold", lambda: _make_store(_ring_with_keyframes()), done), none),
            (at_most(1.4, _NOTHING),),
        ),
        Row(
            "15",
            "the same, the worst single dispatch",
            (
                Entry("refold", _WorstDispatch, [[_DISPATCHES]]),
                Entry(_MILLISECOND, lambda: _Constant(0.001), [[]]),
            ),
            (at_most(5, _MILLISECOND),),
        ),
    )


class _Keyframes:
    """Middleware that keeps every so many-th state, as many as the kept actions need."""

    def __init__(self) -> None:
        self._kept: deque[Any] = deque(maxlen=_KEPT // KEYFRAME_EVERY + 1)
        self._count = 0
        self._read: Callable[[], Any] = lambda: None

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
        self._read = lambda: store.state
        return next

    def committed(self, actions: tuple[Action, ...], /) -> None:
        self._count += len(actions)
        if self._count >= KEYFRAME_EVERY:
            self._count = 0
            self._kept.append(self._read())


def _ring_with_keyframes() -> list[Any]:
    return [RecentActions(_KEPT), _Keyframes()]


def _make_reducer() -> Reducer[EntitiesState]:
    reducer = Reducer(new_entities(_ENTITIES))

    @reducer.on(UpdateEntity)
    def update_entity(state: EntitiesState, action: UpdateEntity) -> EntitiesState:
        old = state.entities[action.key]
        new = Entity(action.value, old.revision + 1, old.name)
        return EntitiesState(state.entities.set(action.key, new))

    return reducer


def _make_filled_store(middleware: list[Any]) -> tuple[Store[EntitiesState], list[Action]]:
    """Return a store whose history is full, and the actions of one pass.

    What the bench itself holds is frozen out of the collections, so that they visit the store's
    objects only.
    """
    gc.collect()
    gc.freeze()
    store = Store(_make_reducer(), middleware=middleware)
    actions = make_actions(entities_work(_ENTITIES)) * (_DISPATCHES // 100)
    for number in range(_KEPT + KEYFRAME_EVERY):
        store.dispatch(UpdateEntity(entity_key(number * 7 % _ENTITIES), number))
    return store, actions


def _make_store(middleware: list[Any]) -> Contestant:
    store, actions = _make_filled_store(middleware)
    done = 0

    def run_pass() -> None:
        nonlocal done
        for number, action in enumerate(actions, start=1):
            store.dispatch(action)
            if number % _COLLECT_EVERY == 0:
                gc.collect()
        done = len(actions)

    return LocalContestant(run_pass, len(actions), lambda: [[done]], gc.unfreeze)


class _WorstDispatch:
    """Says how long the slowest dispatch took, with automatic collections in the midst of them."""

    operations = 1

    def __init__(self) -> None:
        self._store, self._actions = _make_filled_store(_ring_with_keyframes())

    def measure(self, passes: int) -> float:
        """Return the CPU seconds of the slowest dispatch of one pass, so many times."""
        return passes * self._worst_of_a_pass()

    def _worst_of_a_pass(self) -> float:
        dispatch, clock, worst = self._store.dispatch, time.process_time, 0.0
        gc.enable()
        try:
            for number, action in enumerate(self._actions, start=1):
                begin = clock()
                dispatch(action)
                worst = max(worst, clock() - begin)
                if number % _COLLECT_EVERY == 0:
                    gc.collect()
        finally:
            gc.disable()
        return worst

    def outcome(self) -> Outcome:
        """Return how many dispatches a pass has."""
        return [[len(self._actions)]]

    def close(self) -> None:
        """Let the collections see again what the bench holds."""
        gc.unfreeze()


class _Replaced:
    """Middleware that keeps, for each action, the entity that it replaced: what an undo needs."""

    def __init__(self, limit: int) -> None:
        self.entities: deque[Entity] = deque(maxlen=limit)

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
        def handle(action: Any, /) -> Any:
            self.entities.append(store.state.entities[action.key])
            return next(action)

        return handle


class _Memory:
    """Says how many bytes a full history holds per entry."""

    operations = _KEPT

    def __init__(self) -> None:
        self._kept = 0

    def measure(self, passes: int) -> float:
        """Return the bytes that are freed when a full history is let go, so many times."""
        return passes * self._bytes_of_history()

    def _bytes_of_history(self) -> int:
        ring, replaced = RecentActions(_KEPT), _Replaced(_KEPT)
        tracemalloc.start()
        try:
            store = Store(_make_reducer(), middleware=[ring, replaced])
            for number in range(2 * _KEPT):  # the first half replaces what the reducer holds too
                key = "".join(["entity-", str(number % _KEPT)])
                store.dispatch(UpdateEntity(key, 1_000_000 + number))
            self._kept = len(ring.actions)
            before, _ = tracemalloc.get_traced_memory()
            ring.committed.__self__.clear()  # type: ignore[attr-defined]
            replaced.entities.clear()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return before - after

    def outcome(self) -> Outcome:
        """Return how many entries there were."""
        return [[self._kept]]

    def close(self) -> None:
        """Do nothing."""


class _Constant:
    """What a goal in bytes or milliseconds is compared with."""

    operations = 1

    def __init__(self, amount: float) -> None:
        self._amount = amount

    def measure(self, passes: int) -> float:
        """Return so many times the amount."""
        return passes * self._amount

    def outcome(self) -> Outcome:
        """Return nothing."""
        return [[]]

    def close(self) -> None:
        """Do nothing."""
