"""Row 17: going anywhere in a log of a million actions that was folded once.

The log is written by a `LogWriter` and read from disk; the keyframes are those that the first fold
leaves.  What a jump costs depends on how far behind a keyframe it ends, so one row jumps to places
drawn by chance and another to the farthest ones.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from contestant import Contestant, LocalContestant
from log_actions import Plant, make_log_actions, make_plant_reducer, outcome_of_plant
from log_folder import new_log_folder
from log_work import expect_fold, log_steps
from refold.replay.action_codec import encode_payload, encode_state
from refold.replay.canonical_digest import state_digest
from refold.replay.fast_envelope import build_record
from refold.replay.forkable_history import KEYFRAME_EVERY
from refold.replay.log_writer import LogWriter
from refold.replay.replay import replay
from refold.replay.timeline import Timeline
from row import Entry, Row, at_most
from work import Outcome

__all__ = ["jump_rows"]

_ACTIONS: Final = 1_000_000
_FOLDED: Final = 1000
_JUMPS: Final = 50
_SEED: Final = 17

_FOLD: Final = "folding 1,000 actions"


def jump_rows() -> tuple[Row, ...]:
    """Return the rows; they share one log, which is written when the first is measured."""
    log = _MillionActions()
    fold = Entry(_FOLD, _make_fold, expect_fold(log_steps(_FOLDED)))
    by_chance = random.Random(_SEED).sample(range(1, _ACTIONS + 1), _JUMPS)  # noqa: S311  # no secret
    farthest = [place // KEYFRAME_EVERY * KEYFRAME_EVERY - 1 for place in by_chance]
    places = [max(place, KEYFRAME_EVERY - 1) for place in farthest]
    return (
        _row("jump anywhere in 1,000,000 actions", log, by_chance, fold),
        _row("the same, to the places farthest from a keyframe", log, places, fold),
    )


def _row(work: str, log: _MillionActions, places: Sequence[int], fold: Entry) -> Row:
    expected = expect_fold(log_steps(places[0]))
    return Row(
        "17",
        work,
        (Entry("refold", lambda: log.make_contestant(places), expected), fold),
        (at_most(1, _FOLD),),
    )


class _MillionActions:
    """The log and its timeline, made when they are needed first and let go after the second row."""

    def __init__(self) -> None:
        self._timeline: Timeline[Plant] | None = None
        self._uses_left = 2

    def make_contestant(self, places: Sequence[int]) -> Contestant:
        timeline = self._timeline or _read_a_million()
        self._timeline = timeline

        def run_pass() -> None:
            for place in places:
                timeline.jump(place)

        def outcome() -> Outcome:
            return outcome_of_plant(timeline.jump(places[0]))

        return LocalContestant(run_pass, len(places), outcome, self._use_once)

    def _use_once(self) -> None:
        self._uses_left -= 1
        if not self._uses_left:
            self._timeline = None


def _read_a_million() -> Timeline[Plant]:
    reducer = make_plant_reducer()
    with new_log_folder() as folder:
        path = Path(folder) / "run.jsonl"
        _write(path, reducer.initial)
        timeline = replay(path, reducer)
        timeline.jump(_ACTIONS)
    return timeline


def _write(path: Path, start: Plant) -> None:
    writer = LogWriter(
        path,
        start_state=encode_state(start),
        start_digest=state_digest(start),
        digest_every=_ACTIONS,
    )
    steps = log_steps(_ACTIONS)
    for seq, action in enumerate(make_log_actions(steps), start=1):
        payload: dict[str, Any] = encode_payload(action)
        name, version, at_ms = action.wire_name, action.wire_version, action.at_ms
        values = (seq, f"w-{seq}", name, version, at_ms, None, "app", payload, None, None)
        writer.append([build_record(values)])
    writer.close()


def _make_fold() -> Contestant:
    """Return a contestant whose one operation is to fold 1,000 actions that are in memory."""
    actions, reducer = make_log_actions(log_steps(_FOLDED)), make_plant_reducer()

    def fold() -> Plant:
        state = reducer.initial
        for action in actions:
            state = reducer(state, action)
        return state

    return LocalContestant(fold, 1, lambda: outcome_of_plant(fold()))
