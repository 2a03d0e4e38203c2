"""Where today's outcome of a session differs from the accepted one, slice by slice.

What belongs here: comparing.  What does not: folding (`golden_session`) and showing.

A slice is a field of the root state.  Its digests at the checkpoints tell when it first differs;
the accepted values are there only for the last state, so only there the paths can be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.replay.canonical_digest import changed_slices
from refold.replay.golden_paths import ABSENT, PathDifference, part_below, path_differences
from refold.replay.scalar_codec import json_object

if TYPE_CHECKING:
    from refold.replay.golden_outcome import Checkpoint, GoldenOutcome

__all__ = ["WHOLE_STATE", "SliceDifference", "differences_from", "first_differences"]

WHOLE_STATE: Final = ""
"""Stands for the slice where a state has no fields, or its class has another name."""


@attrs.frozen
class SliceDifference:
    """One slice whose states differ."""

    slice: str
    """The field's name, or `WHOLE_STATE`."""

    equal_until: int | None
    """The last record at which it is known to be equal; None if it differs from the start on."""

    differs_at: int | None
    """The first record at which it is known to differ; None if it is only written otherwise."""

    differs_at_end: bool
    """Whether the last states differ, too."""

    paths: tuple[PathDifference, ...] = ()
    """Where the last states differ, in order; empty if the accepted values are not known."""

    @property
    def where(self) -> str:
        """Since when it differs, in words."""
        if self.differs_at is None:
            return "is written otherwise, though its digests are equal"
        if self.equal_until is None:
            words = "differs from the start state on"
        elif self.equal_until + 1 == self.differs_at:
            words = f"first differs at seq {self.differs_at}"
        else:
            words = f"first differs between seq {self.equal_until + 1} and {self.differs_at}"
        return words if self.differs_at_end else f"{words}, is equal again at the end"


def differences_from(
    accepted: GoldenOutcome, today: GoldenOutcome, state: object
) -> tuple[SliceDifference, ...]:
    """Return every slice in which two outcomes of one log differ, sorted by name.

    Args:
        accepted: what is right.
        today: what was found.
        state: the state that today's values were encoded from.
    """
    found = {one.seq: one.digest for one in today.checkpoints}
    first = first_differences(accepted.checkpoints, found)
    at_end = first_differences(accepted.checkpoints[-1:], found)
    paths = _paths_by_slice(accepted.state, today.state, state)
    found_slices: list[SliceDifference] = []
    for name in sorted({*first, *paths}):
        until, at = first.get(name, (None, None))
        is_at_end = name in at_end or name in paths
        found_slices.append(SliceDifference(name, until, at, is_at_end, paths.get(name, ())))
    return tuple(found_slices)


def first_differences(
    expected: Iterable[Checkpoint], found: Mapping[int, str]
) -> dict[str, tuple[int | None, int]]:
    """Return for each slice that differs the last equal checkpoint and the first other one.

    Every checkpoint is looked at, because a difference may heal.

    Args:
        expected: in order.
        found: digests by the number of the record; where there is none, nothing is compared.
    """
    first: dict[str, tuple[int | None, int]] = {}
    previous = None
    for one in expected:
        digest = found.get(one.seq)
        if digest is None:
            continue
        if digest != one.digest:
            for name in changed_slices(one.digest, digest) or [WHOLE_STATE]:
                first.setdefault(name, (previous, one.seq))
        previous = one.seq
    return first


def _paths_by_slice(
    accepted: Any, today: Any, state: object
) -> dict[str, tuple[PathDifference, ...]]:
    """Return the differences of two encoded states by slice; slices without any are left out."""
    if isinstance(accepted, dict) and isinstance(today, dict) and attrs.has(type(state)):
        old, new = json_object(accepted), json_object(today)
        found = {
            name: path_differences(
                old.get(name, ABSENT), new.get(name, ABSENT), part_below(state, name), name
            )
            for name in {*old, *new}
        }
    else:
        found = {WHOLE_STATE: path_differences(accepted, today, state, "state")}
    return {name: paths for name, each in found.items() if (paths := tuple(each))}
