"""Comparing a fold with the digests that were recorded, and saying where it went astray.

What belongs here: finding the first action and the part of the state that differ.  What does not:
making digests, which `canonical_digest` does.

A digest tells which fields of the root differ, and one stands only on some records.  What lies
below a field and between two digests is told only where it is certain: a reducer that gives two
results for the same state and action betrays its record and its path, and a record of one field can
only differ in that field.  Otherwise the stretch between the last digest that fits and the first
that does not is named, with the records in it at which the replay changed the field.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from refold.errors import ReplayMismatchError
from refold.replay.canonical_digest import changed_slices, state_digest
from refold.replay.changed_paths import changed_paths
from refold.replay.recorded_schema import recorded_schema_fingerprint

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.reducer import Reducer
    from refold.replay.forkable_history import ForkableHistory
    from refold.replay.log_record import LogHeader, LogRecord

__all__ = ["compare_with_digests"]

S = TypeVar("S")

_MOST_LISTED: Final = 3
"""Parts, and records, that a message lists as changed since the last digest that fitted."""


def compare_with_digests(
    history: ForkableHistory[S],
    reducer: Reducer[S],
    records: Sequence[LogRecord],
    header: LogHeader,
) -> None:
    """Fold a whole log and compare each digest that was recorded.

    Args:
        history: the log as it was recorded.
        reducer: what it is folded by.
        records: its records, the first at index 0.
        header: its first line, which has the digest of its start state.

    Raises:
        ReplayMismatchError: a state is not the one that was recorded.  Its seq is the first record
            of which that is known; the message says after which one it may have begun.
    """
    try:
        _compare(history, reducer, records, header.start_digest)
    except ReplayMismatchError as error:
        recorded = header.schema_fingerprint
        if recorded not in {None, recorded_schema_fingerprint(reducer, history.base)}:
            error.add_note("the application's schema is not the one that was recorded")
        raise


def _compare(
    history: ForkableHistory[S],
    reducer: Reducer[S],
    records: Sequence[LogRecord],
    start_digest: str,
) -> None:
    found = state_digest(history.base)
    if found != start_digest and start_digest:  # none by an engine that knows no states
        paths = _paths_by_digests(history.base, start_digest, found)
        where = _Where(history.base_seq, paths, "")
        raise _mismatch(where, "in the start state", start_digest, found)
    last_good = 0
    for place, state in history.states():
        expected = records[place - 1].digest
        if expected is None:
            continue
        found = state_digest(state)
        if found != expected:
            paths = _paths_by_digests(state, expected, found)
            where = _impure_step(history, reducer, last_good, place) or _Where(
                history.seq_at(place), paths, _changed_since(history, last_good, place, paths[0])
            )
            raise _mismatch(where, _stretch(history, last_good, place), expected, found)
        last_good = place


@attrs.frozen
class _Where:
    seq: int
    paths: list[str]
    remark: str


def _mismatch(where: _Where, since: str, expected: str, found: str) -> ReplayMismatchError:
    message = (
        f"the replayed state differs from the recorded one at seq {where.seq}, in"
        f" {' and '.join(where.paths)}: digest {expected[:32]} was recorded, {found[:32]} was"
        f" found; a reducer changed, or one is not pure, {since}{where.remark}"
    )
    return ReplayMismatchError(
        message, seq=where.seq, path=where.paths[0], expected=expected, found=found
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
            return _Where(seq, [path], remark)
        state = following
    return None


def _stretch(history: ForkableHistory[Any], last_good: int, place: int) -> str:
    """Return between which records the replay went another way; a digest stands on the last one."""
    after, up_to = history.seq_at(last_good), history.seq_at(place)
    if place == last_good + 1:
        return f"exactly at seq {up_to}, after seq {after} and up to seq {up_to}"
    return f"at one of {place - last_good} records, after seq {after} and up to seq {up_to}"


def _paths_by_digests(state: Any, expected: str, found: str) -> list[str]:
    """Return the fields that differ, each with what is below it as long as there is no choice."""
    root = type(state).__name__
    return [
        _only_path(getattr(state, name, None), f"{root}.{name}")
        for name in changed_slices(expected, found)
    ] or [root]


def _only_path(part: Any, path: str) -> str:
    while len(names := _field_names(part)) == 1:
        path, part = f"{path}.{names[0]}", getattr(part, names[0], None)
    return path


def _field_names(part: Any) -> list[str]:
    cls: type[Any] = type(part)  # pyright: ignore[reportUnknownVariableType]  # narrowed to a generic of unknown elements
    return [field.name for field in attrs.fields(cls)] if attrs.has(cls) else []


def _changed_since(history: ForkableHistory[Any], first: int, last: int, path: str) -> str:
    """Return a remark on what the replay changed below a path in a stretch, and where."""
    parts: dict[str, None] = {}
    seqs: list[int] = []
    before = history.state_at(first)
    for place, state in history.states(first, last):
        found = [one for one in _full_paths(before, state) if _is_below(one, path)]
        if found:
            seqs.append(history.seq_at(place))
            parts.update(dict.fromkeys(found))
        before = state
    if not parts:
        return f"; the replay changed nothing in {path} since"
    return f"; since then the replay changed {_first_of(parts)}, at seq {_first_of(seqs)}"


def _full_paths(old: object, new: object) -> Iterator[str]:
    root = type(new).__name__
    return (f"{root}.{one.path}" if one.path else root for one in changed_paths(old, new))


def _is_below(path: str, above: str) -> bool:
    return path == above or path.startswith((f"{above}.", f"{above}["))


def _first_of(things: Collection[object]) -> str:
    listed = ", ".join(map(str, itertools.islice(things, _MOST_LISTED)))
    more = len(things) - _MOST_LISTED
    return f"{listed} and {more} more" if more > 0 else listed
