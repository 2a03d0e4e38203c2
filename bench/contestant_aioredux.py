"""aioredux: a translation of Redux whose ``dispatch`` is awaited.

All dispatches of a pass run in one coroutine, so its event loop is entered once per pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from contestant import LocalContestant
from dict_action_reducers import Fold, make_dict_actions, make_reducer
from heard import Heard
from peer_library import import_peer
from scenario import Scenario
from shared_states import outcome_of
from work import Outcome

__all__ = ["make_aioredux"]


def make_aioredux(scenario: Scenario) -> LocalContestant:
    """Return the contestant.

    Raises:
        ContestantMissingError: aioredux cannot be used here.
    """
    library = import_peer("aioredux", "aioredux")
    loop, heard = asyncio.new_event_loop(), Heard(counts=scenario.counts_calls)
    store = loop.run_until_complete(_make_store(library, scenario))
    for _ in range(scenario.subscribers):
        store.subscribe(heard.listener(0))
    actions = make_dict_actions(scenario.work)

    async def dispatch_all() -> None:
        dispatch = store.dispatch
        for action in actions:
            await dispatch(action)

    async def dispatch_all_and_read() -> None:
        dispatch = store.dispatch
        for action in actions:
            await dispatch(action)
            store.state  # noqa: B018

    chosen = dispatch_all_and_read if scenario.reads_root else dispatch_all

    def run_pass() -> None:
        loop.run_until_complete(chosen())

    def outcome() -> Outcome:
        return [*outcome_of(scenario.work, store.state), [heard.calls]]

    return LocalContestant(run_pass, len(actions), outcome, loop.close)


async def _make_store(library: Any, scenario: Scenario) -> Any:  # without types
    create_store = library.create_store
    if scenario.pass_through:
        middleware = [_make_pass_through() for _ in range(scenario.pass_through)]
        create_store = library.apply_middleware(*middleware)(create_store)
    return await create_store(make_reducer(scenario.work, library.combine_reducers))


def _make_pass_through() -> Callable[..., Callable[[Fold], Fold]]:
    def set_up(dispatch: Any, state_func: Any) -> Any:  # a library without types
        del dispatch, state_func

        def wrap(next_handler: Any) -> Any:
            def handle(action: Any) -> Any:
                return next_handler(action)

            return handle

        return wrap

    return set_up
