"""`GoldenOutcome`: what a recorded session led to, and the small file that keeps it.

What belongs here: the outcome and its file's form.  What does not: folding, comparing, and files.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import orjson

from refold.replay.scalar_codec import json_object

__all__ = [
    "FILE_VERSION",
    "Checkpoint",
    "GoldenFileError",
    "GoldenOutcome",
    "checkpoint_seqs",
    "read_golden",
    "write_golden",
]

FILE_VERSION: Final = 1
"""The version of the file's form; a reader refuses another."""

_STRETCHES: Final = 16
"""Stretches between checkpoints.

Each costs a line of the file and a digest of the whole state.  Sixteen name the first difference
exactly in a session of up to 16 records, and to 6 % of a longer one.
"""


class GoldenFileError(ValueError):
    """A text holds no accepted outcome; says why and what to do."""


@attrs.frozen
class Checkpoint:
    """What is known of the state after one record."""

    seq: int
    """The record's number; that before the first record for the start state."""

    digest: str
    """Of the state and of its fields, as `state_digest` makes it."""


@attrs.frozen
class GoldenOutcome:
    """What a session led to."""

    log_id: str
    """Of the session's log."""

    checkpoints: tuple[Checkpoint, ...]
    """From the start state to the state after the last record, in order; at least one."""

    state: Any
    """The state after the last record as JSON values; of a record an object of its fields."""

    @property
    def head(self) -> int:
        """The number of the last record."""
        return self.checkpoints[-1].seq


def checkpoint_seqs(first: int, head: int) -> list[int]:
    """Return where a session's checkpoints stand, evenly spread.

    Args:
        first: the number before that of the first record.
        head: the number of the last record.
    """
    count = head - first
    return sorted({first + count * step // _STRETCHES for step in range(_STRETCHES + 1)})


def write_golden(outcome: GoldenOutcome) -> bytes:
    """Return the text of an outcome's file: the same bytes for the same outcome."""
    value = {
        "refold_golden": FILE_VERSION,
        "log_id": outcome.log_id,
        "checkpoints": [f"{one.seq} {one.digest}" for one in outcome.checkpoints],
        "state": outcome.state,
    }
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(value, option=options)


def read_golden(text: bytes) -> GoldenOutcome:
    """Return the outcome that a file holds.

    Raises:
        GoldenFileError: it holds none.
    """
    try:
        value = json_object(orjson.loads(text))
    except ValueError as error:
        message = f"it is no JSON ({error}), perhaps after a merge; {_ADVICE}"
        raise GoldenFileError(message) from error
    version = value.get("refold_golden")
    if version != FILE_VERSION:
        message = (
            f"it is no accepted outcome of form {FILE_VERSION} (its refold_golden is {version!r});"
            f" update refold, or {_ADVICE}"
        )
        raise GoldenFileError(message)
    try:
        return _read_outcome(value)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        message = f"it is no accepted outcome: {reason}; {_ADVICE}"
        raise GoldenFileError(message) from error


_ADVICE: Final = "restore the file, or delete it and accept today's outcome with --accept"


def _read_outcome(value: dict[str, Any]) -> GoldenOutcome:
    log_id, state = value["log_id"], value["state"]
    lines: list[Any] = value["checkpoints"]
    if not isinstance(log_id, str) or type(lines) is not list or not lines:
        message = "expected a text as log_id and a list as checkpoints"
        raise TypeError(message)
    checkpoints = tuple(_read_checkpoint(line) for line in lines)
    seqs = [one.seq for one in checkpoints]
    if seqs != sorted(set(seqs)):
        message = f"the checkpoints are not in order: {seqs}"
        raise ValueError(message)
    return GoldenOutcome(log_id, checkpoints, state)


def _read_checkpoint(line: Any) -> Checkpoint:
    seq, space, digest = str(line).partition(" ")
    if not (seq.isdecimal() and space and digest):
        message = f"expected a checkpoint such as '12 0a1b...|cart=2c3d...', got {line!r}"
        raise ValueError(message)
    return Checkpoint(int(seq), digest)
