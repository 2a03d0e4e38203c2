"""A small bank whose reducer can be given one of several bugs, and random sessions of it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import attrs
from pyrsistent import PMap, PSet, pmap, pset

from refold.actions.action import Action, action
from refold.middleware.record import record
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.replay.replay import replay
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from refold.replay.timeline import Timeline

__all__ = [
    "Bank",
    "DayEnded",
    "Deposited",
    "Frozen",
    "Moved",
    "Opened",
    "Renamed",
    "Withdrawn",
    "fold_bank",
    "is_balanced",
    "is_never_negative",
    "make_bank",
    "random_session",
    "record_bank",
]

NAMES: Final = "abcd"

NO_ACCOUNTS: Final[PMap[str, int]] = pmap()

NO_NAMES: Final[PSet[str]] = pset()


@attrs.frozen
class Bank:
    """Accounts, and what they should hold together."""

    accounts: PMap[str, int] = NO_ACCOUNTS
    frozen: PSet[str] = NO_NAMES
    should_hold: int = 0
    days: int = 0


@action("bank/opened")
class Opened(Action):
    """An account was opened."""

    name: str


@action("bank/deposited")
class Deposited(Action):
    """Money came in."""

    name: str
    amount: int


@action("bank/withdrawn")
class Withdrawn(Action):
    """Money went out."""

    name: str
    amount: int
    note: str | None = None


@action("bank/moved")
class Moved(Action):
    """Money went from one account to another."""

    source: str
    target: str
    amount: int


@action("bank/renamed")
class Renamed(Action):
    """An account got another name."""

    old: str
    new: str


@action("bank/frozen")
class Frozen(Action):
    """An account was frozen."""

    name: str


@action("bank/day_ended")
class DayEnded(Action):
    """A day went by."""


def is_never_negative(bank: Bank) -> bool:
    """Tell whether no account is overdrawn."""
    return all(amount >= 0 for amount in bank.accounts.values())


def is_balanced(bank: Bank) -> bool:
    """Tell whether the accounts hold what came in and did not go out."""
    return sum(bank.accounts.values()) == bank.should_hold


def make_bank(bug: str = "") -> Reducer[Bank]:
    """Return the reducer, with a bug if one is named."""
    bank = Reducer(Bank())

    @bank.on(Opened)
    def _(state: Bank, action: Opened) -> Bank:
        if action.name in state.accounts:
            return state
        return evolve(state, accounts=state.accounts.set(action.name, 0))

    @bank.on(Deposited)
    def _(state: Bank, action: Deposited) -> Bank:
        if action.name not in state.accounts or action.amount < 0:
            return state
        return _add(state, action.name, action.amount)

    _on_withdrawn(bank, bug)
    _on_moved(bank, bug)
    _on_renamed(bank, bug)

    @bank.on(Frozen)
    def _(state: Bank, action: Frozen) -> Bank:
        if action.name not in state.accounts:
            return state
        return evolve(state, frozen=state.frozen.add(action.name))

    @bank.on(DayEnded)
    def _(state: Bank, _action: DayEnded) -> Bank:
        following = evolve(state, days=state.days + 1)
        if bug != "interest from nowhere" or following.days < 3:
            return following
        rich = {name: held + held // 50 for name, held in state.accounts.items()}
        return evolve(following, accounts=pmap(rich))

    return bank


def _add(state: Bank, name: str, amount: int) -> Bank:
    accounts = state.accounts.set(name, state.accounts[name] + amount)
    return evolve(state, accounts=accounts, should_hold=state.should_hold + amount)


def _on_withdrawn(bank: Reducer[Bank], bug: str) -> None:
    @bank.on(Withdrawn)
    def _(state: Bank, action: Withdrawn) -> Bank:
        if action.name not in state.accounts or action.amount < 0:
            return state
        if action.name in state.frozen:
            if bug == "raises when frozen":
                raise ZeroDivisionError(action.name)
            return state
        is_unchecked = bug == "large sums are not checked" and action.amount > 100
        if action.amount > state.accounts[action.name] and not is_unchecked:
            return state
        return _add(state, action.name, -action.amount)


def _on_moved(bank: Reducer[Bank], bug: str) -> None:
    @bank.on(Moved)
    def _(state: Bank, action: Moved) -> Bank:
        held = state.accounts.get(action.source, -1)
        if action.target not in state.accounts or not 0 <= action.amount <= held:
            return state
        if action.source == action.target and bug != "moving to itself doubles":
            return state
        target = state.accounts[action.target] + action.amount
        paid = state.accounts.set(action.source, held - action.amount)
        return evolve(state, accounts=paid.set(action.target, target))


def _on_renamed(bank: Reducer[Bank], bug: str) -> None:
    @bank.on(Renamed)
    def _(state: Bank, action: Renamed) -> Bank:
        is_taken = action.new in state.accounts and bug != "renaming loses the other"
        if action.old not in state.accounts or action.old == action.new or is_taken:
            return state
        held = state.accounts[action.old]
        return evolve(state, accounts=state.accounts.remove(action.old).set(action.new, held))


def random_session(seed: int, count: int = 5_000) -> list[Action]:
    """Return a session that is the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  # no secret

    def name() -> str:
        return chance.choice(NAMES)

    makers: list[Callable[[], Action]] = [
        lambda: Opened(name()),
        lambda: Deposited(name(), chance.randrange(400)),
        lambda: Withdrawn(name(), chance.randrange(400), note="cash"),
        lambda: Moved(name(), name(), chance.randrange(90)),
        lambda: Renamed(name(), name()),
        DayEnded,
    ]
    session = [chance.choice(makers)() for _ in range(count)]
    session[count // 2] = Frozen(name())  # later on few withdrawals are left
    return session


def fold_bank(actions: Sequence[Action], reducer: Reducer[Bank]) -> Bank:
    """Return the state after some actions, folded in the simplest way."""
    state = reducer.initial
    for one in actions:
        state = reducer(state, one)
    return state


def record_bank(path: Path, actions: Sequence[Action], bug: str = "") -> Timeline[Bank]:
    """Return the timeline of a run over a bank without bugs, folded with one."""
    store = Store(make_bank(), middleware=[record(path)])
    for one in actions:
        store.dispatch(one)
    return replay(path, make_bank(bug))
