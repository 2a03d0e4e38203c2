"""pydux: a literal translation of Redux; dictionary actions and closures.

It has no selector subscriptions, so a listener compares, as in Redux.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from contestant import LocalContestant
from dict_action_reducers import Fold, make_dict_actions, make_reducer
from heard import Heard
from peer_library import import_peer
from scenario import Scenario
from shared_states import outcome_of
from work import Outcome

__all__ = ["make_pydux"]


def make_pydux(scenario: Scenario) -> LocalContestant:
    """Return the contestant.

    Raises:
        ContestantMissingError: pydux cannot be used here.
    """
    store = _make_store(import_peer("pydux", "pydux"), scenario)
    heard = _subscribe(store, scenario)
    dispatch, get_state = store["dispatch"], store["get_state"]
    actions = make_dict_actions(scenario.work)

    def run_pass() -> None:
        for action in actions:
            dispatch(action)

    def run_pass_and_read() -> None:
        for action in actions:
            dispatch(action)
            get_state()

    def outcome() -> Outcome:
        return [*outcome_of(scenario.work, get_state()), [heard.calls]]

    chosen = run_pass_and_read if scenario.reads_root else run_pass
    return LocalContestant(chosen, len(actions), outcome)


def _make_store(library: Any, scenario: Scenario) -> Any:  # without types
    middleware: list[Any] = [_make_pass_through() for _ in range(scenario.pass_through)]
    if scenario.keep_last:
        middleware.append(_make_ring(scenario.keep_last))
    enhancer = library.apply_middleware(*middleware) if middleware else None
    reducer = make_reducer(scenario.work, library.combine_reducers)
    return library.create_store(reducer, enhancer=enhancer)


def _make_pass_through() -> Callable[[Any], Callable[[Fold], Fold]]:
    def set_up(_store: Any) -> Any:  # a library without types
        def wrap(next_handler: Any) -> Any:
            def handle(action: Any) -> Any:
                return next_handler(action)

            return handle

        return wrap

    return set_up


def _make_ring(limit: int) -> Callable[[Any], Callable[[Fold], Fold]]:
    ring: deque[Any] = deque(maxlen=limit)

    def set_up(_store: Any) -> Any:  # a library without types
        def wrap(next_handler: Any) -> Any:
            def handle(action: Any) -> Any:
                ring.append(action)
                return next_handler(action)

            return handle

        return wrap

    return set_up


def _subscribe(store: Any, scenario: Scenario) -> Heard:  # without types
    heard = Heard(counts=scenario.counts_calls)
    for _ in range(scenario.subscribers):
        store["subscribe"](heard.listener(0))
    for number in range(scenario.selections):
        name = f"s{number % scenario.work.size}"
        store["subscribe"](_comparing(store["get_state"], name, heard.listener(2)))
    return heard


def _comparing(
    get_state: Callable[[], Any], name: str, hear: Callable[..., None]
) -> Callable[[], None]:
    last = get_state()[name].count

    def listen() -> None:
        nonlocal last
        value = get_state()[name].count
        if value != last:
            old, last = last, value
            hear(value, old)

    return listen
