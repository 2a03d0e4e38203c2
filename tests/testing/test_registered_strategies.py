"""Strategies of an application's own types."""

from __future__ import annotations

import functools
import math
from typing import Annotated, Any, NewType

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.errors import StrategyError
from refold.reducers.reducer import Reducer
from refold.testing.registered_strategies import find_registered, register_strategy
from refold.testing.run_strategies import runs_for
from refold.testing.strategy_of_type import values_of_type
from tests.testing.finding import find

Email = NewType("Email", str)
Percent = Annotated[float, "0 to 100"]
Reading = NewType("Reading", float)


@attrs.frozen
class Money:
    """A class whose values are not made field by field."""

    cents: int


@attrs.frozen
class Customer:
    """A record of registered types."""

    email: Email
    discount: Percent
    balance: Money


@action("registered/customer_added")
class CustomerAdded(Action):
    """There is one more."""

    customer: Customer


@action("registered/customer_removed")
class CustomerRemoved(Action):
    """There is one less."""

    email: Email


customers: Reducer[tuple[Email, ...]] = Reducer(())


@customers.on(CustomerAdded)
def _(state: tuple[Email, ...], action: CustomerAdded) -> tuple[Email, ...]:
    return (*state, action.customer.email)


@customers.on(CustomerRemoved)
def _(state: tuple[Email, ...], action: CustomerRemoved) -> tuple[Email, ...]:
    return tuple(email for email in state if email != action.email)


register_strategy(Email, st.integers(0, 10**9).map("u{}@example.org".format))
register_strategy(Percent, st.floats(0, 100))
register_strategy(Money, lambda: st.integers(1, 9).map(Money))


@given(values_of_type(Customer))
def test_a_registered_strategy_is_used_at_any_depth(customer: Customer) -> None:
    """A NewType, an Annotated form and an attrs class are drawn from what was registered."""
    assert customer.email.endswith("@example.org")
    assert 0 <= customer.discount <= 100
    assert 1 <= customer.balance.cents <= 9


def test_a_registered_strategy_is_met_again() -> None:
    """A run draws again what a registered strategy gave before, out of a thousand million."""

    def removes_what_was_added(run: tuple[Action, ...]) -> bool:
        state = functools.reduce(customers, run[:-1], customers.initial)
        last = run[-1] if run else None
        return isinstance(last, CustomerRemoved) and last.email in state

    run = find(runs_for(customers), removes_what_was_added)
    assert [type(one) for one in run] == [CustomerAdded, CustomerRemoved]


def test_a_later_registration_replaces_the_earlier() -> None:
    """Strategies that were made before use it as well."""
    register_strategy(Reading, st.just(1.0))
    readings = values_of_type(Reading)
    assert find(readings, lambda _: True) == 1.0
    register_strategy(Reading, st.just(math.nan))
    assert math.isnan(find(readings, lambda _: True))


@pytest.mark.parametrize("tp", [3, "Email", None, st.integers()], ids=repr)
def test_something_that_is_no_type_is_refused(tp: Any) -> None:
    """The error says that a type comes first."""
    with pytest.raises(StrategyError, match="expects a type first"):
        register_strategy(tp, st.integers())


@pytest.mark.parametrize("strategy", [3, None, int, "text"], ids=repr)
def test_something_that_is_no_strategy_is_refused(strategy: Any) -> None:
    """The error names the type and shows a strategy."""
    with pytest.raises(StrategyError, match=r"strategy for Money.*st\.integers"):
        register_strategy(Money, strategy)


def test_a_function_that_gives_no_strategy_is_refused() -> None:
    """It is reported when the type is first drawn."""
    other = NewType("other", int)
    register_strategy(other, lambda: 3)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]  # what a user may do
    with pytest.raises(StrategyError, match="returned 3, expected a Hypothesis strategy"):
        find_registered(other)
