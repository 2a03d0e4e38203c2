"""Golden sessions of the bank: recorded, accepted, and folded once more in the simplest way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from hypothesis import strategies as st

from refold.middleware.record import record
from refold.replay.golden_folder import golden_path
from refold.replay.golden_outcome import write_golden
from refold.replay.golden_session import Judgement, judge_session
from refold.store.store import Store
from tests.replay.bank_with_bugs import (
    NAMES,
    Bank,
    DayEnded,
    Deposited,
    Frozen,
    Moved,
    Opened,
    Renamed,
    Withdrawn,
    make_bank,
)
from tests.strategies.recorded_runs import close_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer

__all__ = ["BUGS", "accept_session", "differing_slices", "record_session", "sessions"]

BUGS: Final = (
    "large sums are not checked",
    "moving to itself doubles",
    "renaming loses the other",
    "interest from nowhere",
)
"""Changes of the reducer that never raise."""

_names: Final = st.sampled_from(NAMES[:2])
_amounts: Final = st.integers(0, 200)

_actions: Final[st.SearchStrategy[Action]] = st.one_of(
    st.builds(Opened, _names),
    st.builds(Deposited, _names, _amounts),
    st.builds(Withdrawn, _names, _amounts),
    st.builds(Moved, _names, _names, _amounts),
    st.builds(Renamed, _names, _names),
    st.builds(Frozen, _names),
    st.builds(DayEnded),
    st.sampled_from(
        [Moved("a", "a", 9), Withdrawn("a", 199), Renamed("a", "b"), DayEnded(), DayEnded()]
    ),
)

_BEGINNING: Final = (Opened("a"), Deposited("a", 150), Opened("b"), Deposited("b", 30))

sessions: Final = st.lists(_actions, max_size=40).map(lambda rest: [*_BEGINNING, *rest])
"""Short ones, whose every record has a checkpoint, and longer ones, with money to be moved."""


def record_session(
    log: Path, actions: Sequence[Action], reducer: Reducer[Any] | None = None
) -> None:
    """Record a whole session, of the bank without bugs if no reducer is given."""
    store = Store(reducer or make_bank(), middleware=[record(log)])
    for one in actions:
        store.dispatch(one)
    close_store(store)


def accept_session(log: Path, reducer: Reducer[Any] | None = None) -> Judgement:
    """Accept what a session leads to, by the bank without bugs if no reducer is given."""
    judgement = judge_session(log, reducer or make_bank())
    assert judgement.outcome is not None
    golden_path(log).write_bytes(write_golden(judgement.outcome))
    return judgement


def differing_slices(
    actions: Sequence[Action], bug: str, seqs: Sequence[int]
) -> dict[str, tuple[int | None, int, bool]]:
    """Return by slice the last equal record, the first other one, and whether the ends differ.

    Args:
        actions: folded by the bank with and without the bug, one after the other.
        bug: the bug.
        seqs: the records that are looked at.
    """
    sound, buggy = make_bank(), make_bank(bug)
    states: list[tuple[Bank, Bank]] = [(sound.initial, buggy.initial)]
    for one in actions:
        before = states[-1]
        states.append((sound(before[0], one), buggy(before[1], one)))
    found: dict[str, tuple[int | None, int, bool]] = {}
    for field in attrs.fields(Bank):
        pairs = [[getattr(state, field.name) for state in states[seq]] for seq in seqs]
        other = [index for index, (a, b) in enumerate(pairs) if a != b]
        if other:
            until = seqs[other[0] - 1] if other[0] else None
            found[field.name] = until, seqs[other[0]], other[-1] == len(pairs) - 1
    return found
