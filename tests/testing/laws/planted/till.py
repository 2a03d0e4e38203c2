"""A till that folds by one function with `match`, and five bugs that can be planted in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import attrs
from pyrsistent import PVector, pvector

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.planted.planted_bug import Handler, PlantedBug, reducer_of

__all__ = ["BUGS"]


@attrs.frozen
class Coupon:
    """What makes it cheaper."""

    code: str = ""
    percent: int = attrs.field(
        default=0, validator=[attrs.validators.ge(0), attrs.validators.le(90)]
    )


NO_COUPON: Final = Coupon()


class _Tally:
    """Where a till remembers what it need not count again."""

    __slots__ = ("seen",)

    seen: list[int]


NO_LINES: Final[PVector[str]] = pvector()


@attrs.frozen
class Till(_Tally):
    """What is bought."""

    lines: PVector[str] = NO_LINES
    cents: int = 0
    coupon: Coupon = NO_COUPON
    coupon_count: int = 0
    most_cents: int = 0


def _to_cents(amount: float) -> int:
    return round(amount * 100)


@action("planted_till/article_scanned")
class ArticleScanned(Action):
    """One more article."""

    product: str
    cents: int = attrs.field(validator=attrs.validators.ge(0))


@action("planted_till/price_typed")
class PriceTyped(Action):
    """The price was typed, in whole units; the action turns it into cents by itself."""

    cents: int = attrs.field(converter=_to_cents)


@action("planted_till/basket_scanned")
class BasketScanned(Action):
    """A whole basket at once."""

    products: frozenset[str]


@action("planted_till/coupon_shown")
class CouponShown(Action):
    """Somebody has a coupon, or has none."""

    coupon: Coupon = NO_COUPON


@action("planted_till/till_emptied")
class TillEmptied(Action):
    """The next customer, please."""


_EMPTY: Final = Till()


def _fold(state: Till, action: Action) -> Till:
    match action:
        case ArticleScanned(product=product, cents=cents):
            lines, total = state.lines.append(product), state.cents + cents
            return evolve(state, lines=lines, cents=total, most_cents=max(state.most_cents, cents))
        case BasketScanned(products=products):
            return evolve(state, lines=state.lines.extend(sorted(products))) if products else state
        case CouponShown(coupon=coupon):
            return _with_coupon(state, coupon, is_one=coupon != NO_COUPON)
        case TillEmptied():
            return _EMPTY
        case _:
            return state


def _with_coupon(state: Till, coupon: Coupon, *, is_one: bool) -> Till:
    count = state.coupon_count + 1
    return evolve(state, coupon=coupon, coupon_count=count) if is_one else state


def _add_the_typed_price(state: Till, action: PriceTyped) -> Till:
    return evolve(state, cents=state.cents + action.cents)


def _fold_a_basket_as_it_lies(state: Till, action: Action) -> Till:
    if isinstance(action, BasketScanned):
        return evolve(state, lines=state.lines.extend(action.products))
    return _fold(state, action)


def _fold_that_very_coupon(state: Till, action: Action) -> Till:
    if isinstance(action, CouponShown):
        return _with_coupon(state, action.coupon, is_one=action.coupon is not NO_COUPON)
    return _fold(state, action)


def _fold_into_a_new_one(state: Till, action: Action) -> Till:
    after = _fold(state, action)
    return attrs.evolve(after) if after is state else after


def _fold_with_a_tally(state: Till, action: Action) -> Till:
    if not isinstance(action, ArticleScanned):
        return _fold(state, action)
    seen: list[int] = getattr(state, "seen", [])
    seen.append(action.cents)
    after = evolve(_fold(state, action), most_cents=sum(seen))
    object.__setattr__(state, "seen", seen)
    object.__setattr__(after, "seen", seen)
    return after


ACTIONS: Final = (ArticleScanned, BasketScanned, CouponShown, TillEmptied)
"""What a till of one function sees; the function cannot tell it."""

_FOLDED: Final[Mapping[type[Action], Handler]] = dict.fromkeys(ACTIONS, _fold)

_sound = partial(Reducer.of, _fold, _EMPTY)

BUGS: Final = (
    PlantedBug(
        kind="mutates its input through a hidden reference",
        place="a list that a till and the next share",
        broken=partial(Reducer.of, _fold_with_a_tally, _EMPTY),
        sound=_sound,
        law="same_input_same_output",
        also=("input_untouched", "log_round_trip"),
        shortest=1,
        actions=ACTIONS,
    ),
    PlantedBug(
        kind="depends on set order",
        place="a basket's articles as they lie",
        broken=partial(Reducer.of, _fold_a_basket_as_it_lies, _EMPTY),
        sound=_sound,
        law="same_input_same_output",
        shortest=1,
        actions=ACTIONS,
    ),
    PlantedBug(
        kind="returns an equal but new object for an unknown action",
        place="one function that copies what it does not know",
        broken=partial(Reducer.of, _fold_into_a_new_one, _EMPTY),
        sound=_sound,
        law="unknown_action_keeps_identity",
        shortest=0,
        actions=ACTIONS,
    ),
    PlantedBug(
        kind="differs after a log round trip",
        place="an action that makes cents of cents when it is read",
        broken=partial(reducer_of, _EMPTY, {**_FOLDED, PriceTyped: _add_the_typed_price}),
        sound=partial(reducer_of, _EMPTY, _FOLDED),
        law="log_round_trip",
        shortest=1,
    ),
    PlantedBug(
        kind="differs after a log round trip",
        place="a coupon that is told by its identity",
        broken=partial(Reducer.of, _fold_that_very_coupon, _EMPTY),
        sound=_sound,
        law="log_round_trip",
        shortest=1,
        actions=ACTIONS,
    ),
)
"""The bugs of the till."""
