"""Hypothesis strategies: actions, runs and states of the observatory.

What belongs here: what a property draws.  What does not: values of any type (`typed_values`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from pyrsistent import pmap

from refold.reducers.evolve import evolve
from tests.strategies.observatory_actions import (
    ExposureAdded,
    InstrumentAdded,
    InstrumentAimed,
    InstrumentJudged,
    InstrumentRemoved,
    NobodyCares,
    ReadingTaken,
    SessionEnded,
    SessionMarked,
    SessionOpened,
)
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_states import START, Aim, Health, Observatory, Phase, Position
from tests.strategies.typed_values import (
    any_datetimes,
    any_decimals,
    any_floats,
    any_integers,
    any_text,
)

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["actions", "runs", "states"]

names = st.sampled_from(["north", "süd", "", "o'west"])
"""Few, so that actions meet the instruments that are there."""

notes = st.one_of(
    st.none(), any_text, any_integers, any_floats, st.booleans(), st.dates(), st.uuids()
)
aims = st.builds(Aim, st.builds(Position, any_floats, any_floats), any_decimals)
times = st.none() | st.integers(0, 2**45)


def _at_some_time(action: Action, at_ms: int | None) -> Action:
    """Return the action, as if `timestamps()` had seen it."""
    return evolve(action, at_ms=at_ms)


untimed: st.SearchStrategy[Action] = st.one_of(
    st.builds(ReadingTaken, names, any_floats, any_integers),
    st.builds(
        InstrumentAdded,
        names,
        st.uuids(),
        st.binary(max_size=8),
        st.frozensets(any_text, max_size=3),
    ),
    st.builds(InstrumentRemoved, names),
    st.builds(InstrumentAimed, names, st.none() | aims),
    st.builds(InstrumentJudged, names, st.sampled_from(Health), notes, st.none() | any_datetimes),
    st.builds(SessionOpened, any_text),
    st.builds(
        SessionMarked,
        st.sampled_from(Phase),
        st.dictionaries(any_text, any_integers, max_size=3).map(pmap),
    ),
    st.builds(SessionEnded),
    st.builds(ExposureAdded, st.dates(), st.timedeltas()),
    st.builds(NobodyCares, any_floats),
)

actions: st.SearchStrategy[Action] = st.builds(_at_some_time, untimed, times)
"""Any action of the observatory that does not fail, with or without a time."""

runs: st.SearchStrategy[list[Action]] = st.lists(actions, max_size=12)
"""What may happen in a run."""


def _fold(run: list[Action]) -> Observatory:
    return functools.reduce(make_observatory(), run, START)


states: st.SearchStrategy[Observatory] = runs.map(_fold)
"""Any state that the observatory can reach."""
