"""Drawing one scalar: out of few usual values, a state, the code's constants, or anywhere.

What belongs here: how often each source is taken.  What does not: the sources.

How many choices are drawn never depends on a state, so that a shorter run still makes sense of the
choices that are left: a source that is empty gives way to the next one.
"""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hypothesis import strategies as st

from refold.testing.small_values import SMALL_VALUES
from refold.testing.value_pool import ValuePool

if TYPE_CHECKING:
    import re

    from refold.testing.field_rules import FieldRules

__all__ = ["Draw", "Plan", "Sketch", "choice_sketch", "leaf_sketch"]

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
"""What Hypothesis gives to a composite strategy."""

Plan: TypeAlias = Callable[[ValuePool], Any]
"""A value drawn, but for what it takes from a state."""

Sketch: TypeAlias = Callable[[Draw], Plan]
"""Draws a plan."""

Source: TypeAlias = Callable[[ValuePool], Sequence[Any]]

_KINDS: Final = st.integers(0, 31)
_INDEXES: Final = st.integers(0, 99)

_USUAL_BELOW: Final = 8
_KEYS_BELOW: Final = 20
_NAMED_BELOW: Final = 25
_VALUES_BELOW: Final = 27
_CONSTANTS_BELOW: Final = 29
_BESIDE_BELOW: Final = 31
"""Kinds, in 32 of which: 8 usual values, 12 keys, 5 of the same name, 2 others of the state, 2
constants, 2 beside any of these, 1 rare value."""

_BESIDE: Final[dict[type, Sequence[Any]]] = {
    int: (1, -1),
    float: (1.0, -1.0),
    decimal.Decimal: (decimal.Decimal(1), decimal.Decimal(-1)),
    datetime.datetime: (datetime.timedelta(seconds=1), datetime.timedelta(seconds=-1)),
    datetime.date: (datetime.timedelta(days=1), datetime.timedelta(days=-1)),
    datetime.timedelta: (datetime.timedelta(seconds=1), datetime.timedelta(seconds=-1)),
}
"""What is added to a value to come beside it."""


def leaf_sketch(cls: Any, rules: FieldRules, name: str) -> Sketch:
    """Return what draws a scalar.

    Args:
        cls: one of `SMALL_VALUES`.
        rules: what the value has to obey.
        name: of the field; values of the same name are likely.
    """
    usual = [one for one in _usual_values(cls, rules) if rules.accept(one)]
    rare = _rare_values(cls, rules, is_checked=not usual)
    choose = _make_choose(cls, rules, name, usual)

    def sketch(draw: Draw) -> Plan:
        kind, index = draw(_KINDS), draw(_INDEXES)
        fresh = (draw(rare),) if kind >= _BESIDE_BELOW or not usual else ()
        return lambda pool: choose(pool, kind, index, fresh)

    return sketch


def choice_sketch(choices: Sequence[Any]) -> Sketch:
    """Return what draws one of some values, the first being the simplest."""
    if len(choices) == 1:
        only: Plan = lambda _pool: choices[0]  # noqa: E731  # a plan is a function
        return lambda _draw: only
    indexes = st.integers(0, len(choices) - 1)

    def sketch(draw: Draw) -> Plan:
        index = draw(indexes)
        return lambda pool: choices[(index + pool.shift) % len(choices)]

    return sketch


def _make_choose(
    cls: type, rules: FieldRules, name: str, usual: Sequence[Any]
) -> Callable[[ValuePool, int, int, tuple[Any, ...]], Any]:
    accept = rules.accept if rules.validators else None
    sources = _sources(cls, name, usual)

    def choose(pool: ValuePool, kind: int, index: int, fresh: tuple[Any, ...]) -> Any:
        if fresh and (kind >= _BESIDE_BELOW or kind < _USUAL_BELOW):
            if accept is None or not usual or accept(fresh[0]):
                return fresh[0]
            return usual[(index + pool.shift) % len(usual)]
        for source in (*_first_sources(pool, kind, index, cls, usual), *sources[kind]):
            found = source(pool)
            if accept is not None:
                found = [one for one in found if accept(one)]
            if found:
                return found[(index + pool.shift) % len(found)]
        return fresh[0]

    return choose


def _first_sources(
    pool: ValuePool, kind: int, index: int, cls: type, usual: Sequence[Any]
) -> Sequence[Source]:
    """Return where to look first: among new values, or those of the action before."""
    if kind >= _NAMED_BELOW:
        return ()
    if pool.prefers_new and index % 4:
        known = pool.keys(cls)
        return (lambda _pool: [one for one in usual if one not in known],)
    if kind >= _USUAL_BELOW and index % 2:
        return (lambda pool: [one for one in pool.recent if type(one) is cls],)
    return ()


def _sources(cls: type, name: str, usual: Sequence[Any]) -> list[Sequence[Source]]:
    """Return, for each kind, where to look for a value, one after the other."""

    def from_usual(_pool: ValuePool) -> Sequence[Any]:
        return usual

    def from_keys(pool: ValuePool) -> Sequence[Any]:
        return pool.keys(cls)

    def from_named(pool: ValuePool) -> Sequence[Any]:
        named = pool.named(name, cls)
        return (pool.now_ms, *named) if cls is int and name.endswith("at_ms") else named

    def from_values(pool: ValuePool) -> Sequence[Any]:
        return pool.values(cls)

    def from_constants(pool: ValuePool) -> Sequence[Any]:
        return pool.constants.get(cls, ())

    def from_beside(pool: ValuePool) -> Sequence[Any]:
        steps = _BESIDE.get(cls, ())
        return [one for v in (*pool.keys(cls), *pool.values(cls)) for one in _beside(v, steps)]

    by_kind: list[tuple[int, Sequence[Source]]] = [
        (_USUAL_BELOW, (from_usual,)),
        (_KEYS_BELOW, (from_keys, from_named, from_usual)),
        (_NAMED_BELOW, (from_named, from_keys, from_usual)),
        (_VALUES_BELOW, (from_values, from_usual)),
        (_CONSTANTS_BELOW, (from_constants, from_usual)),
        (_BESIDE_BELOW + 1, (from_beside, from_constants, from_usual)),
    ]
    return [next(look for below, look in by_kind if kind < below) for kind in range(32)]


def _beside(value: Any, steps: Sequence[Any]) -> list[Any]:
    try:
        return [value + step for step in steps]
    except (ArithmeticError, ValueError):  # beyond the last day there is, or the last number
        return []


def _usual_values(cls: Any, rules: FieldRules) -> Sequence[Any]:
    if rules.options is not None:
        return [one for one in rules.options if type(one) is cls]
    usual = list(SMALL_VALUES[cls].usual)
    if rules.shortest and cls in {str, bytes}:
        letters = ("a", "b", "c") if cls is str else (b"a", b"b", b"c")
        lengths = (rules.shortest, rules.shortest + 1, rules.longest)
        usual += [one * n for n in lengths if n is not None for one in letters]
    if rules.longest is not None and cls in {str, bytes} and rules.longest < 10**4:
        usual.append(("a" if cls is str else b"a") * rules.longest)
    for bound in rules.bounds:
        usual += _around(cls, bound, rules.bounds)
    return list(dict.fromkeys(usual))


def _around(cls: Any, bound: Any, bounds: Sequence[Any]) -> list[Any]:
    """Return values at a bound, on both sides of it, and between it and the others."""
    if cls is float:
        at = float(bound)
        middles = [(at + float(other)) / 2 for other in bounds]
        return [
            at,
            *middles,
            at + 1,
            at - 1,
            *(math.nextafter(at, e) for e in (-math.inf, math.inf)),
        ]
    if cls is int:
        lowest = math.ceil(bound)
        middles = [math.floor((bound + other) / 2) for other in bounds]
        return [lowest, math.floor(bound), lowest + 1, lowest - 1, *middles]
    return [cls(bound) if cls is decimal.Decimal else bound, *_beside(bound, _BESIDE.get(cls, ()))]


def _rare_values(cls: Any, rules: FieldRules, *, is_checked: bool) -> st.SearchStrategy[Any]:
    """Return any values; only valid ones if nobody checks them later."""
    if not rules.validators:
        return SMALL_VALUES[cls].rare
    if rules.options is not None:
        return st.sampled_from([one for one in rules.options if type(one) is cls] or [None])
    ruled = _ruled_values(cls, rules)
    return ruled.filter(rules.accept) if is_checked else ruled


def _ruled_values(cls: Any, rules: FieldRules) -> st.SearchStrategy[Any]:
    """Return values most of which obey the rules."""
    if rules.pattern is not None:
        pattern: re.Pattern[str] = rules.pattern
        return st.from_regex(pattern, fullmatch=rules.is_whole_match)
    if cls in {str, bytes} and (rules.shortest or rules.longest is not None):
        longest = rules.shortest + 20 if rules.longest is None else rules.longest
        make: Any = st.text if cls is str else st.binary
        return make(min_size=rules.shortest, max_size=longest)  # type: ignore[no-any-return]  # a strategy
    if cls is int and rules.bounds:
        lowest, highest = math.floor(min(rules.bounds)), math.ceil(max(rules.bounds))
        wide = st.integers(lowest - 1000, highest + 1000)
        return st.integers(lowest, highest) if lowest < highest else wide
    if cls is float and rules.bounds:
        least, most = float(min(rules.bounds)), float(max(rules.bounds))
        return st.floats(least, most) if least < most else st.floats(least - 1000, most + 1000)
    return SMALL_VALUES[cls].rare
