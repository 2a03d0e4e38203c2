"""Reducers of entities: plain, sorted, indexed, renamed."""

from __future__ import annotations

from typing import Final, NewType

import attrs

from refold.actions.action import Action, action
from refold.reducers.entities import Entities
from refold.reducers.entity_adapter import EntityAdapter
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]

# --- plain, with handlers that are operations -------------------------------------------

BookId = NewType("BookId", str)


@attrs.frozen
class Book:
    """One book."""

    book_id: BookId
    title: str
    is_lent: bool = False


@action("correct_entities/book_bought")
class BookBought(Action):
    """One more book."""

    book: Book


@action("correct_entities/book_lost")
class BookLost(Action):
    """One less."""

    book_id: BookId


@action("correct_entities/book_lent")
class BookLent(Action):
    """Somebody has it."""

    book_id: BookId
    is_lent: bool


books = EntityAdapter[BookId, Book](key=lambda book: book.book_id)
library = Reducer(books.empty())
library.on(BookBought)(books.add_one)
library.on(BookLost)(books.remove_one)
library.on(BookLent)(books.update_one)


def a_book_is_found_by_its_id(state: Entities[BookId, Book]) -> bool:
    """Its key is in it."""
    return all(key == book.book_id for key, book in state.by_id.items())


# --- sorted, with an index and a further order ------------------------------------------


@attrs.frozen
class Runner:
    """Who runs."""

    number: int
    team: str
    seconds: int | None = None


@attrs.frozen
class Race:
    """All who run."""

    runners: Entities[int, Runner]
    finished_count: int = 0


@action("correct_entities/runner_entered")
class RunnerEntered(Action):
    """One more runs; one of the same number is replaced."""

    number: int
    team: str


@action("correct_entities/runner_finished")
class RunnerFinished(Action):
    """Somebody is there."""

    number: int
    seconds: int


@action("correct_entities/team_withdrew")
class TeamWithdrew(Action):
    """None of them runs."""

    team: str


def _rank(runner: Runner) -> tuple[bool, int]:
    return (runner.seconds is None, runner.seconds or 0)


runners = EntityAdapter[int, Runner](
    key=lambda runner: runner.number,
    sort=_rank,
    indexes={"by_team": lambda runner: runner.team},
    orders={"by_number": lambda runner: runner.number},
)
race = Reducer(Race(runners.empty()))


@race.on(RunnerEntered)
def _(state: Race, action: RunnerEntered) -> Race:
    entered = Runner(action.number, action.team)
    return _with_runners(state, runners.set_one(state.runners, entered))


@race.on(RunnerFinished)
def _(state: Race, action: RunnerFinished) -> Race:
    changed = runners.update_one(state.runners, action.number, seconds=action.seconds)
    return _with_runners(state, changed)


@race.on(TeamWithdrew)
def _(state: Race, action: TeamWithdrew) -> Race:
    numbers = runners.find_ids(state.runners, "by_team", action.team)
    return _with_runners(state, runners.remove_many(state.runners, numbers))


def _with_runners(state: Race, changed: Entities[int, Runner]) -> Race:
    if changed is state.runners:
        return state
    finished = sum(runner.seconds is not None for runner in changed.by_id.values())
    return Race(changed, finished)


def the_fastest_stands_first(state: Race) -> bool:
    """They are in the order of their times, those without one last."""
    ranks = list(map(_rank, state.runners.all))
    return ranks == sorted(ranks)


def both_orders_have_all(state: Race) -> bool:
    """What is kept besides is of the same runners."""
    numbers = list(runners.ids_in_order(state.runners, "by_number"))
    return numbers == sorted(state.runners.by_id)


# --- whose key may change ---------------------------------------------------------------


@attrs.frozen
class User:
    """Who has a name, which may change."""

    name: str
    age: int = 0


@action("correct_entities/user_came")
class UserCame(Action):
    """Somebody new, or the same again."""

    user: User


@action("correct_entities/user_renamed")
class UserRenamed(Action):
    """Another name; who had it is gone."""

    old: str
    new: str


users = EntityAdapter[str, User](key=lambda user: user.name)
crowd = Reducer(users.of([User("ann"), User("bob", 3)]))
crowd.on(UserCame)(users.upsert_one)


@crowd.on(UserRenamed)
def _(state: Entities[str, User], action: UserRenamed) -> Entities[str, User]:
    return users.update_one(state, action.old, name=action.new)


def a_name_is_a_key(state: Entities[str, User]) -> bool:
    """Whoever is found by a name has it."""
    return all(user.name == name for name, user in state.by_id.items())


# --- many at once -----------------------------------------------------------------------


@attrs.frozen
class Price:
    """Of a product."""

    product: str
    cents: int
    is_offer: bool = False


@attrs.frozen
class Prices:
    """All of them, and how often they came."""

    by_product: Entities[str, Price]
    list_count: int = 0


@action("correct_entities/price_list_came")
class PriceListCame(Action):
    """Prices of several products; others stay."""

    prices: tuple[Price, ...]


@action("correct_entities/price_list_replaced")
class PriceListReplaced(Action):
    """These prices and no others."""

    prices: tuple[Price, ...]


@action("correct_entities/prices_dropped")
class PricesDropped(Action):
    """None are known."""


prices = EntityAdapter[str, Price](key=lambda price: price.product, sort=lambda one: one.product)
market = Reducer(Prices(prices.empty()))


@market.on(PriceListCame)
def _(state: Prices, action: PriceListCame) -> Prices:
    merged = prices.upsert_many(state.by_product, action.prices, "cents")
    return Prices(merged, state.list_count + 1)


@market.on(PriceListReplaced)
def _(state: Prices, action: PriceListReplaced) -> Prices:
    return Prices(prices.set_all(state.by_product, action.prices), state.list_count + 1)


@market.on(PricesDropped)
def _(state: Prices, _action: PricesDropped) -> Prices:
    return evolve(state, by_product=prices.remove_all(state.by_product))


def products_are_in_order(state: Prices) -> bool:
    """They stand by name."""
    return list(state.by_product.ids) == sorted(state.by_product.by_id)


CASES: Final = (
    CorrectReducer("entities with a NewType id", library, (a_book_is_found_by_its_id,)),
    CorrectReducer(
        "entities sorted and indexed", race, (the_fastest_stands_first, both_orders_have_all)
    ),
    CorrectReducer("entities whose key changes", crowd, (a_name_is_a_key,)),
    CorrectReducer("many entities at once", market, (products_are_in_order,)),
)
"""The reducers of this file."""
