"""`judge_session`: whether a recorded session still leads to what it led to.

What belongs here: folding one session, and what it is compared with.  What does not: which sessions
there are (`golden_folder`), where two outcomes differ (`golden_difference`), and writing files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs
import orjson

from refold.errors import LogDamagedError, LogFormatError
from refold.replay.action_codec import encode_state
from refold.replay.canonical_digest import state_digest
from refold.replay.golden_difference import SliceDifference, differences_from, first_differences
from refold.replay.golden_folder import golden_path
from refold.replay.golden_outcome import (
    Checkpoint,
    GoldenFileError,
    GoldenOutcome,
    checkpoint_seqs,
    read_golden,
    write_golden,
)
from refold.replay.log_reader import LogReader
from refold.replay.timeline import Timeline, torn_tail_error

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer

__all__ = ["Judgement", "Verdict", "judge_session"]

Verdict: TypeAlias = Literal["same", "new", "differs", "failed", "damaged", "stale"]
"""What became of a session.

``same``: it leads to what was accepted.
``new``: nothing was accepted yet, and the recorded digests are equal.
``differs``: from what was accepted or, where nothing was, from what was recorded.
``failed``: it cannot be folded to its end.
``damaged``: its log cannot be read to its end.
``stale``: it was accepted, and its log is gone.
"""

_NOT_WHOLE: Final = (LogDamagedError, LogFormatError)


@attrs.frozen(kw_only=True)
class Judgement:
    """What was found of one session."""

    verdict: Verdict
    """In a word."""

    outcome: GoldenOutcome | None = None
    """What it leads to today; None if it cannot be folded."""

    accepted: GoldenOutcome | None = None
    """What was accepted; None if nothing was yet."""

    digests: int = 0
    """How many recorded digests there are, that of the start state included."""

    slices: tuple[SliceDifference, ...] = ()
    """Where it differs, by name; empty if it does not, or if its log was recorded anew."""

    error: Exception | None = None
    """Why it cannot be folded."""

    @property
    def reason(self) -> str:
        """Why the verdict is as it is, in words; empty if `error` says it, or all is the same."""
        match self.verdict:
            case "new" if self.digests > 1:
                return f"nothing was accepted yet; all {self.digests} recorded digests are equal"
            case "new":
                return "nothing was accepted yet, and the log has no digest of a record to compare"
            case "stale":
                return "what was accepted has no log any more"
            case "differs":
                return _reason_of_difference(self)
            case _:
                return ""


@attrs.frozen
class _Fold:
    outcome: GoldenOutcome
    state: Any
    recorded: tuple[Checkpoint, ...]
    found: Mapping[int, str]


def judge_session(log: Path, reducer: Reducer[Any]) -> Judgement:
    """Fold a session and compare where it leads with what was accepted, else with its digests.

    Nothing is raised for the session: what its log, its accepted file or the reducer raises is the
    judgement.

    Args:
        log: a log's file or folder; what was accepted lies beside it.
        reducer: today's.
    """
    try:
        accepted = _read_accepted(golden_path(log))
        fold = _fold(log, reducer)
    except _NOT_WHOLE as error:
        return Judgement(verdict="damaged", error=error)
    except Exception as error:  # noqa: BLE001  # one session must not end the others
        return Judgement(verdict="failed", error=error)
    if accepted is None:
        return _against_recorded(fold)
    return _against_accepted(fold, accepted)


def _reason_of_difference(one: Judgement) -> str:
    count = "1 slice differs" if len(one.slices) == 1 else f"{len(one.slices)} slices differ"
    if one.accepted is None:
        return f"{count} from what was recorded; nothing was accepted yet"
    if one.slices:
        return f"{count} from what was accepted"
    if one.outcome is None or _run_of(one.accepted) == _run_of(one.outcome):
        return "the accepted file says the same in another way"
    return f"{_run_of(one.accepted)} was accepted, but this is {_run_of(one.outcome)}"


def _run_of(outcome: GoldenOutcome) -> str:
    return f"log {outcome.log_id} up to seq {outcome.head}"


def _read_accepted(path: Path) -> GoldenOutcome | None:
    try:
        return read_golden(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, GoldenFileError) as error:
        message = f"{path.name} cannot be read: {error}"
        raise GoldenFileError(message) from error


def _against_recorded(fold: _Fold) -> Judgement:
    first = first_differences(fold.recorded, fold.found)
    at_end = first_differences(fold.recorded[-1:], fold.found)
    slices = tuple(SliceDifference(name, *first[name], name in at_end) for name in sorted(first))
    verdict: Verdict = "differs" if slices else "new"
    return Judgement(
        verdict=verdict, outcome=fold.outcome, digests=len(fold.recorded), slices=slices
    )


def _against_accepted(fold: _Fold, accepted: GoldenOutcome) -> Judgement:
    today = fold.outcome
    verdict: Verdict = "same" if write_golden(accepted) == write_golden(today) else "differs"
    is_same_run = _run_of(accepted) == _run_of(today)
    slices = differences_from(accepted, today, fold.state) if is_same_run else ()
    return Judgement(
        verdict=verdict,
        outcome=today,
        accepted=accepted,
        digests=len(fold.recorded),
        slices=slices if verdict == "differs" else (),
    )


def _fold(log: Path, reducer: Reducer[Any]) -> _Fold:
    """Fold a whole log.

    Raises:
        LogDamagedError: it is damaged or torn.
        LogError: it cannot be read, or does not fit the reducer.
        Exception: what the reducer raised.
    """
    reader = LogReader(log, from_seq=None)
    try:
        timeline = Timeline(reader, reducer)
        head, start = timeline.head, reader.header.first_seq - 1  # reads all
        if timeline.torn_tail is not None:
            raise torn_tail_error(timeline.torn_tail)
    finally:
        reader.close()
    wanted = set(checkpoint_seqs(start, head))
    state = timeline.start
    found = {start: state_digest(state)}
    stated = reader.header.start_digest  # empty where an engine wrote the log that knows no states
    recorded = [Checkpoint(start, stated)] if stated else []
    for record, state in timeline.states():
        if record.seq in wanted or record.digest is not None:
            found[record.seq] = state_digest(state)
        if record.digest is not None:
            recorded.append(Checkpoint(record.seq, record.digest))
    outcome = GoldenOutcome(
        log_id=reader.header.log_id,
        checkpoints=tuple(Checkpoint(seq, found[seq]) for seq in sorted(wanted)),
        state=orjson.loads(orjson.dumps(encode_state(state))),
    )
    return _Fold(outcome, state, tuple(recorded), found)
