"""Rules about the shop of `shop_application`, kept and broken, as ``refold bisect`` asks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.commands.shop_application import ShopState

__all__ = ["NUMBER", "RULES", "few", "forgetful", "holds", "never", "no_plum", "odd", "raising"]

NUMBER = 3
"""No rule."""

RULES = "tests.commands.shop_rules"


def holds(_state: ShopState) -> bool:
    """Hold in every state."""
    return True


def never(_state: ShopState) -> bool:
    """Hold in no state, not even in the first one."""
    return False


def few(state: ShopState) -> bool:
    """Hold up to one apple; a second one breaks it for good."""
    return state.cart.counts.get("apple", 0) < 2


def no_plum(state: ShopState) -> bool:
    """Hold until there is a plum."""
    return "plum" not in state.cart.counts


def odd(state: ShopState) -> bool:
    """Hold unless there is exactly one article: broken by the first, healed by the second."""
    return sum(state.cart.counts.values()) != 1


def raising(state: ShopState) -> bool:
    """Raise as soon as there is a pear."""
    return 1 // (1 - state.cart.counts.get("pear", 0)) == 1


def forgetful(state: ShopState) -> None:
    """Ask, and forget to return the answer."""
    few(state)
