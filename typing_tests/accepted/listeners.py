"""What a listener's function is given, and what it gets from ``fx``."""

from __future__ import annotations

from typing import assert_type

from refold import Action, Effect, Listeners, Store, any_of
from refold.middleware.fork import ForkCancelled, ForkOk, ForkRejected
from refold.middleware.listener_commands import AddListener, ClearListeners, RemoveListener
from typing_tests.accepted.counter import AddToCounter, Counter, Root, counter, root

listeners = Listeners(Root)


@listeners.on(AddToCounter)
async def answer(action: AddToCounter, fx: Effect[Root]) -> None:
    """Use all that a run can do."""
    assert_type(fx.state, Root)
    assert_type(fx.original_state, Root)
    assert_type(fx.dispatch(action), AddToCounter)
    taken = await fx.take(AddToCounter, timeout=1)
    if taken is not None:
        assert_type(taken.action, AddToCounter)
        assert_type(taken.state, Root)
        assert_type(taken.old_state, Root)
    assert_type((await fx.take(AddToCounter)).action, AddToCounter)
    assert_type((await fx.take("counter/add_to_counter")).action, Action)
    assert_type(await fx.condition(lambda state: state.counter.value > 1), bool)
    await fx.sleep(0)
    assert_type(await fx.fork(lambda: 1), ForkOk[int] | ForkRejected | ForkCancelled)
    match await fx.fork(length_of):
        case ForkOk(value):
            assert_type(value, int)
        case ForkRejected(error):
            assert_type(error, Exception)
        case ForkCancelled(reason):
            print(reason)


async def length_of() -> int:
    """Work of some length."""
    return 1


def is_large(_action: Action, state: Root, _old_state: Root) -> bool:
    """Ask about the state."""
    return state.counter.value > 1


@listeners.on("counter/add_to_counter", policy="debounce", seconds=1)
def _(action: Action, fx: Effect[Root]) -> None:
    print(action, fx.extra)


@listeners.on(AddToCounter, is_large, any_of(AddToCounter), policy="latest")
async def _(action: Action, fx: Effect[Root]) -> None:
    print(action, fx.state)


def commands_know_their_answers() -> None:
    """Dispatching a command gives what it promises."""
    store = Store(root, listeners=[listeners])
    assert_type(store.dispatch(AddListener(AddToCounter, answer))(), bool)
    assert_type(store.dispatch(RemoveListener(AddToCounter, answer)), bool)
    store.dispatch(ClearListeners())
    Store(counter, listeners=[Listeners(Counter)])
