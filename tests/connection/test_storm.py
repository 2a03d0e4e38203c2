"""A thousand clients that lose their server together, on the pure machine and in virtual time.

The simulation is the bench's, ``bench/storm_in_virtual_time.py``: what is counted here is what
``python bench/storm.py`` prints.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.reducers.backoff_delay import Backoff

if TYPE_CHECKING:
    from refold.reducers.backoff_delay import Jitter
    from storm_in_virtual_time import Storm

BENCH: Final = Path(__file__).parents[2] / "bench"
SEEDS: Final = range(20)


def storm_of(seed: int, jitter: Jitter | None = None, clients: int = 1000) -> Storm:
    """Return a storm after an outage of 5 s; with the default backoff unless a jitter is named."""
    backoff = Backoff() if jitter is None else Backoff(jitter=jitter)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BENCH), *sys.path])
        from storm_in_virtual_time import run_storm  # noqa: PLC0415  # a folder of scripts
    return run_storm(backoff, seed=seed, clients=clients)


def most_in(window_seconds: float, times: tuple[float, ...]) -> int:
    """Return the most events in any window, by looking at each window that begins with one."""
    return max(sum(begin <= at < begin + window_seconds for at in times) for begin in times)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_that_comes_back_is_not_run_down(seed: int) -> None:
    """Rule 20: after 5 s of outage 1,000 clients come at most 80 in 100 ms and 500 in 1 s."""
    storm = storm_of(seed)
    assert most_in(0.1, storm.reaching_the_server) <= 80
    assert most_in(1.0, storm.reaching_the_server) <= 500


@pytest.mark.parametrize("seed", SEEDS)
def test_all_clients_are_back_soon_and_with_few_attempts(seed: int) -> None:
    """Rule 20: all are back within 30 s, after at most 4.5 attempts per client on average."""
    storm = storm_of(seed)
    assert len(storm.opened) == 1000
    assert storm.all_back_after_seconds <= 30
    assert storm.attempts_per_client <= 4.5


def test_every_jitter_but_none_spreads_the_clients() -> None:
    """Rule 20: without jitter all clients come in the same instant, with any other they do not."""
    peaks = {
        jitter: most_in(0.1, storm_of(1, jitter).reaching_the_server)
        for jitter in ("full", "equal", "decorrelated", "none")
    }
    assert peaks["none"] == 1000
    assert max(peaks["full"], peaks["equal"], peaks["decorrelated"]) <= 80


def test_the_default_jitter_beats_full_jitter() -> None:
    """Rule 14: decorrelated jitter needs a third fewer attempts than full, its tail is half."""
    default, full = storm_of(1), storm_of(1, "full")
    assert default == storm_of(1, "decorrelated")
    assert default.attempts_per_client <= full.attempts_per_client * 2 / 3
    assert default.all_back_after_seconds <= full.all_back_after_seconds / 2


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), clients=st.integers(1, 30))
def test_a_storm_is_the_same_for_the_same_seed(seed: int, clients: int) -> None:
    """Rule 14: with a seed the schedule is reproducible, and each client comes back once."""
    storm = storm_of(seed, clients=clients)
    assert storm == storm_of(seed, clients=clients)
    assert len(storm.opened) == clients
    assert storm.opened == storm.reaching_the_server
