"""Every kind of mistake that a reducer may have is found, named, and shown by a shortest run."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from refold.errors import BrokenLawError
from refold.testing.check_laws import MOST_RUNS, check_reducer_laws
from tests.testing.laws.planted_bugs import KINDS, PLANTED_BUGS, PlantedBug

DEFAULT = settings(settings.get_profile("default"), max_examples=MOST_RUNS, database=None)
"""What somebody has who set nothing; a profile of this suite would look less."""

QUICK = settings(
    max_examples=15,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""A few runs of some length: that nothing is found is looked at elsewhere."""

bugs = pytest.mark.parametrize("bug", PLANTED_BUGS, ids=lambda bug: bug.name)


def first_found(bug: PlantedBug) -> BrokenLawError | None:
    """Return what the first search finds that finds something; None if neither does."""
    for seed in (1, 2):
        try:
            check_reducer_laws(
                bug.broken(), bug.invariants, actions=bug.actions, settings=DEFAULT, seed=seed
            )
        except BrokenLawError as error:
            return error
    return None


@bugs
def test_a_planted_bug_is_found_and_shown_by_a_shortest_run(bug: PlantedBug) -> None:
    """On default settings a mistake breaks the law that is about it, in as few actions as can be.

    The message shows each of these actions, and names the law.  One search in sixty misses one of
    them, so a second one may follow.  How sure each is, and how long it takes,
    ``bench/mutation/planted_bugs_time.py`` tells for as many seeds as are asked for.
    """
    error = first_found(bug)
    assert error is not None, "two searches found nothing"
    assert error.law in ({"invariant"} if bug.invariants else {bug.law, *bug.also})
    assert not bug.invariants or bug.law in str(error)
    assert len(error.actions) == bug.shortest, error
    assert all(f"{type(one).__name__}(" in str(error) for one in error.actions)


@bugs
def test_the_twin_without_the_bug_keeps_all_laws(bug: PlantedBug) -> None:
    """Nothing is found in the same reducer without the mistake."""
    check_reducer_laws(bug.sound(), bug.invariants, actions=bug.actions, settings=QUICK)


def test_each_kind_is_planted_in_two_reducers_at_least() -> None:
    """No kind of mistake is left out, and none stands in one reducer only."""
    places = {(bug.kind, bug.sound) for bug in PLANTED_BUGS}
    kinds = Counter(kind for kind, _ in places)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 2
