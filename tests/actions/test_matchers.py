"""Composing matchers out of classes, matchers and predicates.

What belongs here: `any_of` and `all_of`.  What does not: the matchers of operations.
"""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.action import Action, action
from refold.actions.matchers import all_of, any_of


@action("matchers/rain_fell")
class RainFell(Action):
    """It rained."""

    millimetres: int


@action("matchers/sun_rose")
class SunRose(Action):
    """The sun rose."""


def is_heavy(found: Action) -> bool:
    """Match more than 10 mm of rain."""
    return isinstance(found, RainFell) and found.millimetres > 10


def yes(_found: Action) -> bool:
    """Match everything."""
    return True


def no(_found: Action) -> bool:
    """Match nothing."""
    return False


@given(st.lists(st.booleans(), min_size=1, max_size=5))
def test_any_of_and_all_of_are_any_and_all(answers: list[bool]) -> None:
    """The composed matchers answer as `any` and `all` over the answers of their parts."""
    parts = [yes if answer else no for answer in answers]
    assert any_of(*parts)(SunRose()) is any(answers)
    assert all_of(*parts)(SunRose()) is all(answers)


def test_classes_match_their_own_instances() -> None:
    """A class as a part matches instances of itself."""
    assert any_of(RainFell)(RainFell(1)) is True
    assert any_of(RainFell)(SunRose()) is False
    assert all_of(RainFell, RainFell)(RainFell(1)) is True


def test_matches_of_a_class_is_a_matcher() -> None:
    """The classmethod `matches` serves as a part too."""
    assert any_of(RainFell.matches, no)(RainFell(1)) is True
    assert all_of(RainFell.matches, is_heavy)(RainFell(10)) is False


def test_matchers_nest() -> None:
    """Composed matchers are parts of others."""
    dry_or_heavy = any_of(SunRose, all_of(RainFell, is_heavy))
    assert dry_or_heavy(SunRose()) is True
    assert dry_or_heavy(RainFell(11)) is True
    assert dry_or_heavy(RainFell(10)) is False


@pytest.mark.parametrize("part", [None, 5, "matchers/rain_fell"], ids=repr)
@pytest.mark.parametrize("compose_matchers", [any_of, all_of])
def test_part_that_is_no_matcher_is_refused(compose_matchers: Any, part: object) -> None:
    """Something that is no class, matcher or predicate raises `TypeError` when composed."""
    with pytest.raises(TypeError, match=re.escape(repr(part))):
        compose_matchers(RainFell, cast("Any", part))
