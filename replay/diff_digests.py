"""Comparing a fold with the digests that were recorded, and saying where it went astray.

What belongs here: finding the first action and the part of the state that differ.  What does not:
making digests, which `canonical_digest` does.

A digest tells which field of the root differs, and one stands only on some records.  What lies
below the field and between the digests is told where it can be told for certain: a reducer that
gives two results for the same state and action betrays its record and its path, and a record of
one field can only differ in that field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from refold.errors import ReplayMismatchError
from refold.replay.canonical_digest import changed_slices, state_digest
from refold.replay.changed_paths import changed_paths

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.forkable_history import ForkableHistory
    from refold.replay.log_record import LogRecord

__all__ = ["compare_with_digests"]

S = TypeVar("S")

_MOST_PATHS: Final = 3
"""Parts that a message lists as changed since the last digest that fitted."""


def compare_with_digests(
    history: ForkableHistory[S],
    reducer: Callable[[S, Action], S],
    records: Sequence[LogRecord],
    start_digest: str,
) -> None:
    """Fold a whole log and compare each digest that was recorded.

    Args:
        history: the log as it was recorded.
        reducer: what it is folded by.
        records: its records, the first at index 0.
        start_digest: the digest of its start state.

    Raises:
        ReplayMismatchError: a state is not the one that was recorded.
    """
    found = state_digest(history.base)
    if found != start_digest:
        where = _Where(history.base_seq, _path_by_digests(history.base, start_digest, found), "")
        raise _mismatch(where, "in the start state", start_digest, found)
    last_good = 0
    for place, state in history.states():
        expected = records[place - 1].digest
        if expected is None:
            continue
        found = state_digest(state)
        if found != expected:
            since = f"after seq {history.seq_at(last_good)} and up to seq {history.seq_at(place)}"
            where = _impure_step(history, reducer, last_good, place) or _Where(
                history.seq_at(place),
                path := _path_by_digests(state, expected, found),
                _changed_since(history.state_at(last_good), state, path),
            )
            raise _mismatch(where, since, expected, found)
        last_good = place


@attrs.frozen
class _Where:
    seq: int
    path: str
    remark: str


def _mismatch(where: _Where, since: str, expected: str, found: str) -> ReplayMismatchError:
    message = (
        f"the replayed state differs from the recorded one at seq {where.seq}, in {where.path}:"
        f" digest {expected[:32]} was recorded, {found[:32]} was found; a reducer changed, or one"
        f" is not pure, {since}{where.remark}"
    )
    return ReplayMismatchError(
        message, seq=where.seq, path=where.path, expected=expected, found=found
    )


def _impure_step(
    history: ForkableHistory[S], reducer: Callable[[S, Action], S], first: int, last: int
) -> _Where | None:
    """Return the first action for which the reducer gives two results; None if it never does."""
    state = history.state_at(first)
    for place in range(first + 1, last + 1):
        seq = history.seq_at(place)
        action = history.actions.action(seq)
        following, again = reducer(state, action), reducer(state, action)
        difference = next(changed_paths(following, again), None)
        if difference is not None:
            path = ".".join(part for part in (type(state).__name__, difference.path) if part)
            remark = (
                f"; folding seq {seq} ({action.wire_name}) twice over one state gave"
                f" {difference.old!r} and {difference.new!r} there"
            )
            return _Where(seq, path, remark)
        state = following
    return None


def _path_by_digests(state: Any, expected: str, found: str) -> str:
    """Return the first field that differs, and what is below it as long as there is no choice."""
    path = type(state).__name__
    for name in changed_slices(expected, found)[:1]:
        path = f"{path}.{name}"
        part: Any = getattr(state, name, None)
        while len(names := _field_names(part)) == 1:
            path, part = f"{path}.{names[0]}", getattr(part, names[0], None)
    return path


def _field_names(part: Any) -> list[str]:
    cls: type[Any] = type(part)  # pyright: ignore[reportUnknownVariableType]  # narrowed to a generic of unknown elements
    return [field.name for field in attrs.fields(cls)] if attrs.has(cls) else []


def _changed_since(old: object, new: object, path: str) -> str:
    """Return a remark on the parts below a path that the replay changed since a state."""
    root = type(new).__name__
    full = (f"{root}.{one.path}" if one.path else root for one in changed_paths(old, new))
    below = [one for one in full if one.startswith((f"{path}.", f"{path}[")) or one == path]
    if not below:
        return f"; the replay changed nothing in {path} since"
    more = "" if len(below) <= _MOST_PATHS else f" and {len(below) - _MOST_PATHS} more"
    return f"; since then the replay changed {', '.join(below[:_MOST_PATHS])}{more}"
