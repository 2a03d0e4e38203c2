"""`backoff_delay`: how long to wait, for every rule, every row of failures and every draw."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refold.reducers.backoff_delay import Backoff, Jitter, backoff_delay
from tests.connection.connection_strategies import jitters

ALL_JITTERS: tuple[Jitter, ...] = get_args(Jitter)
MOST_FAILURES = 100_000
LARGEST = 1.7976931348623157e308

seconds = st.floats(1e-3, 1e6) | st.integers(1, 1_000_000)
failure_counts = st.integers(1, 50) | st.integers(1, MOST_FAILURES)


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    """Draw a rule, with numbers that are ints as often as floats."""
    floor, initial, cap = sorted(draw(st.tuples(seconds, seconds, seconds)))
    return Backoff(
        initial_seconds=initial,
        factor=draw(st.floats(1, 1e9) | st.integers(1, 10)),
        cap_seconds=cap,
        floor_seconds=floor,
        jitter=draw(st.sampled_from(ALL_JITTERS)),
    )


def delays(backoff: Backoff, draws: list[float]) -> list[float]:
    """Return the schedule of a row of failures."""
    schedule: list[float] = []
    for failures, jitter in enumerate(draws, start=1):
        previous = schedule[-1] if schedule else None
        schedule.append(backoff_delay(backoff, failures, jitter, previous))
    return schedule


def test_the_defaults() -> None:
    """Rule 14: From 1 s by twos to 30 s, never under 0.1 s, spread by decorrelated jitter."""
    assert Backoff() == Backoff(
        initial_seconds=1, factor=2, cap_seconds=30, floor_seconds=0.1, jitter="decorrelated"
    )
    assert set(ALL_JITTERS) == {"full", "equal", "decorrelated", "none"}


def test_without_jitter_each_delay_is_twice_the_one_before_up_to_the_cap() -> None:
    """Rule 14: The plain schedule, which the others spread."""
    assert delays(Backoff(jitter="none"), [0.5] * 7) == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("jitter", "least", "middle"),
    [("full", 0.1, 4.05), ("equal", 4.0, 6.0), ("decorrelated", 1.0, 6.5), ("none", 8.0, 8.0)],
)
def test_an_example_of_each_jitter(jitter: Jitter, least: float, middle: float) -> None:
    """Rule 14: The fourth failure, after a delay of 4 s, with the least and the middle draw."""
    backoff = Backoff(jitter=jitter)
    assert backoff_delay(backoff, 4, 0.0, 4.0) == pytest.approx(least)
    assert backoff_delay(backoff, 4, 0.5, 4.0) == pytest.approx(middle)


@pytest.mark.parametrize("jitter", ALL_JITTERS)
@given(backoff=backoffs(), draw=jitters, failures=failure_counts, previous=st.floats(0, 1))
@example(Backoff(), 1 - 2**-53, MOST_FAILURES, 1.0)
def test_no_delay_leaves_its_bounds(
    jitter: Jitter, backoff: Backoff, draw: float, failures: int, previous: float
) -> None:
    """Rule 15.

    From the floor to the cap, for up to 100,000 failures, any rule and any delay before.
    """
    rule = Backoff(
        initial_seconds=backoff.initial_seconds,
        factor=backoff.factor,
        cap_seconds=backoff.cap_seconds,
        floor_seconds=backoff.floor_seconds,
        jitter=jitter,
    )
    span = rule.cap_seconds - rule.floor_seconds
    before = None if failures == 1 else min(rule.cap_seconds, rule.floor_seconds + previous * span)
    delay = backoff_delay(rule, failures, draw, before)
    assert rule.floor_seconds <= delay <= rule.cap_seconds
    assert type(delay) is float  # an int would be another value in the log


@pytest.mark.parametrize("jitter", ALL_JITTERS)
def test_a_row_of_100_000_failures_never_overflows(jitter: Jitter) -> None:
    """Rule 15: The whole row stays within bounds."""
    chance = random.Random(1)  # noqa: S311  # jitter is no secret
    backoff = Backoff(jitter=jitter)
    schedule = delays(backoff, [chance.random() for _ in range(MOST_FAILURES)])
    assert min(schedule) >= backoff.floor_seconds
    assert max(schedule) <= backoff.cap_seconds


@pytest.mark.parametrize(
    "backoff",
    [
        Backoff(factor=LARGEST),
        Backoff(initial_seconds=1e-300, floor_seconds=1e-300, cap_seconds=1e300, factor=1e200),
        Backoff(cap_seconds=LARGEST, factor=10),
        Backoff(factor=1 + 2**-52),
    ],
)
@pytest.mark.parametrize("failures", [1, 2, 3, 1000, MOST_FAILURES])
@pytest.mark.parametrize("jitter", [0.0, 1 - 2**-53])
def test_extreme_rules_stay_within_bounds(backoff: Backoff, failures: int, jitter: float) -> None:
    """Rule 15: Neither a huge factor nor a huge cap overflows, whichever jitter is used."""
    for name in ALL_JITTERS:
        rule = Backoff(
            initial_seconds=backoff.initial_seconds,
            factor=backoff.factor,
            cap_seconds=backoff.cap_seconds,
            floor_seconds=backoff.floor_seconds,
            jitter=name,
        )
        delay = backoff_delay(rule, failures, jitter, rule.cap_seconds)
        assert rule.floor_seconds <= delay <= rule.cap_seconds


@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated"])
@given(draws=st.lists(st.integers(0, 999), min_size=2, max_size=2, unique=True).map(sorted))
def test_jitter_is_applied_after_the_cap(jitter: Jitter, draws: list[int]) -> None:
    """Rule 15: At the cap two draws still give two delays: a clamp would have made them one."""
    backoff = Backoff(jitter=jitter)
    lower, higher = (backoff_delay(backoff, 1000, draw / 1000, 30.0) for draw in draws)
    assert lower < higher < 30


@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated"])
def test_few_delays_at_the_cap_are_the_cap(jitter: Jitter) -> None:
    """Rule 15.

    Clients that have all reached the cap stay spread: most wait clearly less than it.
    """
    chance = random.Random(2)  # noqa: S311  # jitter is no secret
    schedule = delays(Backoff(jitter=jitter), [chance.random() for _ in range(10_000)])[100:]
    assert sum(delay > 29.9 for delay in schedule) / len(schedule) < 0.05


@given(backoff=backoffs(), seed=st.integers())
def test_a_seed_reproduces_its_schedule(backoff: Backoff, seed: int) -> None:
    """Rule 14: Chance comes from outside, so the same draws give the same delays."""
    chances = random.Random(seed), random.Random(seed)  # noqa: S311  # jitter is no secret
    first, second = ([chance.random() for _ in range(50)] for chance in chances)
    assert delays(backoff, first) == delays(backoff, second)


@given(backoff=backoffs())
def test_without_jitter_delays_never_shrink(backoff: Backoff) -> None:
    """The plain schedule only grows, whatever the factor."""
    rule = Backoff(
        initial_seconds=backoff.initial_seconds,
        factor=backoff.factor,
        cap_seconds=backoff.cap_seconds,
        floor_seconds=backoff.floor_seconds,
        jitter="none",
    )
    assert all(former <= latter for former, latter in pairwise(delays(rule, [0.0] * 60)))


@pytest.mark.parametrize("failures", [0, -1])
def test_there_is_no_delay_before_the_first_failure(failures: int) -> None:
    """Failures are counted from 1."""
    with pytest.raises(ValueError, match="failures >= 1"):
        backoff_delay(Backoff(), failures, 0.5, None)


@pytest.mark.parametrize("jitter", [-0.1, 1.0, float("nan"), float("inf")])
def test_a_draw_is_at_least_0_and_less_than_1(jitter: float) -> None:
    """What a broken source of chance draws is refused."""
    with pytest.raises(ValueError, match="0 <= jitter < 1"):
        backoff_delay(Backoff(), 1, jitter, None)


@pytest.mark.parametrize("name", ["initial_seconds", "factor", "cap_seconds", "floor_seconds"])
@pytest.mark.parametrize("value", [True, "1", None, 1j, [1]])
def test_what_is_no_number_is_refused_by_name(name: str, value: Any) -> None:
    """A bool, a text or None raises TypeError naming the argument."""
    with pytest.raises(TypeError, match=rf"^{name} must be a number, got "):
        Backoff(**{name: value})


@pytest.mark.parametrize("name", ["initial_seconds", "factor", "cap_seconds", "floor_seconds"])
@pytest.mark.parametrize("value", [0, -1, 0.0, float("nan"), float("inf"), -float("inf"), 10**400])
def test_a_number_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    """Zero, negatives, NaN, infinities and what no float holds raise ValueError."""
    with pytest.raises(ValueError, match=rf"^{name} must be finite and above 0, got "):
        Backoff(**{name: value})  # type: ignore[arg-type]  # all of them are numbers


def test_a_factor_less_than_1_is_refused() -> None:
    """Delays do not shrink."""
    with pytest.raises(ValueError, match=r"^factor must be 1 or more, got 0\.5"):
        Backoff(factor=0.5)


@pytest.mark.parametrize(
    "wrong", [{"cap_seconds": 0.5}, {"initial_seconds": 31}, {"floor_seconds": 2}]
)
def test_a_cap_below_the_initial_delay_is_refused(wrong: dict[str, float]) -> None:
    """The floor, the initial delay and the cap have an order, which the error spells out."""
    with pytest.raises(ValueError, match="floor_seconds <= initial_seconds <= cap_seconds, got"):
        Backoff(**wrong)  # type: ignore[arg-type]  # all of them are numbers


def test_an_unknown_jitter_is_refused_with_the_choices() -> None:
    """The error lists what there is."""
    wrong: Any = "some"
    with pytest.raises(ValueError, match="jitter must be one of full, equal, decorrelated, none"):
        Backoff(jitter=wrong)
