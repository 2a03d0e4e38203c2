"""Timelines of the bank in memory, and a bank that counts what it folds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.replay.bank_with_bugs import Bank, DayEnded, make_bank, random_session, record_bank

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action
    from refold.replay.timeline import Timeline

__all__ = ["BANK", "counting_bank", "days", "short_session", "timeline_of"]

BANK = make_bank()


def short_session(seed: int) -> list[Action]:
    """Return a session of 30 actions."""
    return random_session(seed, 30)


def timeline_of(
    actions: list[Action], reducer: Callable[[Any, Any], Bank] = BANK
) -> Timeline[Bank]:
    """Return the timeline of a run, read into memory, folded by some reducer."""
    with tempfile.TemporaryDirectory() as folder:
        timeline = record_bank(Path(folder, "log"), actions)
        assert timeline.head == len(actions)
    timeline.replace_reducer(reducer)
    return timeline


def counting_bank() -> tuple[list[Action], Callable[[Any, Any], Bank]]:
    """Return a list, and a reducer that adds each action that it folds."""
    folded: list[Action] = []

    def reducer(state: Bank | None, action: Action) -> Bank:
        if state is None:
            return Bank()
        folded.append(action)
        return BANK(state, action)

    return folded, reducer


def days(count: int) -> list[Action]:
    """Return so many days."""
    return [DayEnded() for _ in range(count)]
