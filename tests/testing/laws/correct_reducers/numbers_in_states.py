"""Reducers that count and compute: floats, Decimals, bounds."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

import attrs

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]

# --- a counter that stops at its bounds -------------------------------------------------


@action("correct_numbers/volume_turned")
class VolumeTurned(Action):
    """Somebody turned the knob."""

    by: int


volume = Reducer(50)


@volume.on(VolumeTurned)
def _(state: int, action: VolumeTurned) -> int:
    return min(100, max(0, state + action.by))


def volume_has_its_bounds(state: int) -> bool:
    """It is 0 to 100."""
    return 0 <= state <= 100


# --- floats of every kind, also those that are no number --------------------------------


@attrs.frozen
class Meter:
    """What a meter shows."""

    last: float = math.nan
    least: float = math.inf
    most: float = -math.inf
    sum: float = 0.0


@action("correct_numbers/meter_read")
class MeterRead(Action):
    """The meter showed something, which may be no number."""

    value: float


meter = Reducer(Meter())


@meter.on(MeterRead)
def _(state: Meter, action: MeterRead) -> Meter:
    value = action.value
    if math.isnan(value):
        return evolve(state, last=value)
    least, most = min(state.least, value), max(state.most, value)
    return Meter(value, least, most, state.sum + value)


# --- exact amounts ----------------------------------------------------------------------


def _is_amount(_action: object, _field: object, value: Decimal) -> None:
    if not (value.is_finite() and abs(value) <= 1_000_000):
        message = f"no amount: {value}"
        raise ValueError(message)


@attrs.frozen
class Account:
    """What is in it."""

    balance: Decimal = Decimal(0)
    bounced_count: int = 0


@action("correct_numbers/money_moved")
class MoneyMoved(Action):
    """Money was paid in, or out if it is below 0."""

    amount: Decimal = attrs.field(validator=_is_amount)


account = Reducer(Account())


@account.on(MoneyMoved)
def _(state: Account, action: MoneyMoved) -> Account:
    balance = state.balance + action.amount
    if balance < 0:
        return evolve(state, bounced_count=state.bounced_count + 1)
    return evolve(state, balance=balance)


def nobody_owes(state: Account) -> bool:
    """An account is never below 0."""
    return state.balance >= 0


# --- any Decimal at all, kept as it came ------------------------------------------------


@action("correct_numbers/quote_given")
class QuoteGiven(Action):
    """A price from elsewhere; it may be NaN, infinite, or have trailing zeros."""

    price: Decimal
    is_final: bool = False


@attrs.frozen
class Quotes:
    """The last two."""

    last: Decimal | None = None
    before: Decimal | None = None
    is_closed: bool = False


quotes = Reducer(Quotes())


@quotes.on(QuoteGiven)
def _(state: Quotes, action: QuoteGiven) -> Quotes:
    if state.is_closed:
        return state
    return Quotes(action.price, state.last, action.is_final)


# --- an average that is kept without its numbers ----------------------------------------


@attrs.frozen
class Average:
    """How many, and their mean."""

    count: int = 0
    mean: float | None = None


@action("correct_numbers/grade_given")
class GradeGiven(Action):
    """A grade of 1 to 6."""

    grade: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(6)])


@action("correct_numbers/grades_forgotten")
class GradesForgotten(Action):
    """None was given."""


average = Reducer(Average())


@average.on(GradeGiven)
def _(state: Average, action: GradeGiven) -> Average:
    mean = 0.0 if state.mean is None else state.mean
    count = state.count + 1
    return Average(count, mean + (action.grade - mean) / count)


@average.on(GradesForgotten)
def _(_state: Average, _action: GradesForgotten) -> Average:
    return average.initial


def a_mean_is_a_grade(state: Average) -> bool:
    """It is 1 to 6, but for rounding."""
    return state.mean is None or 1 - 1e-9 <= state.mean <= 6 + 1e-9


# --- whole numbers beyond every bound ---------------------------------------------------


@action("correct_numbers/doubled")
class Doubled(Action):
    """Twice as much."""

    and_added: int = 0


doubling = Reducer(1)


@doubling.on(Doubled)
def _(state: int, action: Doubled) -> int:
    return state * 2 + action.and_added


CASES: Final = (
    CorrectReducer("a counter that saturates", volume, (volume_has_its_bounds,)),
    CorrectReducer("floats with nan and infinity", meter),
    CorrectReducer("amounts in Decimal with a validator", account, (nobody_owes,)),
    CorrectReducer("any Decimal", quotes),
    CorrectReducer("a mean of floats", average, (a_mean_is_a_grade,)),
    CorrectReducer("whole numbers without bounds", doubling),
)
"""The reducers of this file."""
