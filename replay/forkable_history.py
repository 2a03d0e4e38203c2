"""`ForkableHistory`: a start state and a line of actions that can be cut, reordered and copied.

What belongs here: the line, its keyframes, and folding it.  What does not: where the actions come
from, and asking questions about the states.

A place is where an action stands in the line, from 1; place 0 is the start.  A seq is the name of
an action, which it keeps wherever it is moved.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from refold.errors import LogError
from refold.replay.cell_fold import CellFold

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.forkable_actions import ForkableActions

__all__ = ["KEYFRAME_EVERY", "FoldFailure", "ForkableHistory"]

S = TypeVar("S")

KEYFRAME_EVERY: Final = 250
"""Places between two kept states.

A jump may cost as much as folding 1,000 actions that are decoded already.  It folds at most 249,
and 125 on average, but each costs up to 2.5 times as much on the way: its record is found and
decoded, and record and state lie in memory that nobody touched for long.  So the farthest jump
costs 0.6 of the limit (measured in a log of a million records; with 500 places it was 1.3).  That
line keeps 4,000 states, which share all that did not change between them: 1.3 KB each for a small
bank, 5 MB in all.  Fewer places would cost more memory without need.
"""


_FEWEST_STRAIGHT: Final = 8
"""Fewer actions are folded one by one, because finding the reducer's steps takes as long."""


@attrs.frozen
class FoldFailure:
    """A reducer's exception, where the line stopped."""

    seq: int
    """The action that it raised at; all later ones are interrupted."""

    error: Exception
    """What it raised."""


class ForkableHistory(Generic[S]):
    """A start state and the actions after it, folded as far as somebody asks."""

    def __init__(
        self, base: S, base_seq: int, fold: Callable[[S, Action], S], actions: ForkableActions
    ) -> None:
        """Start with all actions, in the order of their seqs.

        Args:
            base: the start state.
            base_seq: the seq before the first action; 0 for a whole log.
            fold: the reducer.
            actions: read as far as somebody asks.
        """
        self.base = base
        self.base_seq = base_seq
        self.skipped: frozenset[int] = frozenset()
        """The actions that are left out of every fold."""
        self.failure: FoldFailure | None = None
        """Where folding stopped; None as far as nothing is known to raise."""
        self._fold = fold
        self._cell_fold = CellFold(fold)
        self.actions = actions
        self._line: list[int] | None = None  # None: all seqs in order, as far as they are read
        self._place_of: dict[int, int] = {}
        self._keyframe_places = [0]
        self._keyframes = [base]
        self._latest = (0, base)

    def copy(self, up_to: int | None = None) -> ForkableHistory[S]:
        """Return a history of its own with the same line, or its beginning up to a place."""
        twin = ForkableHistory(self.base, self.base_seq, self._fold, self.actions.copy())
        twin._cell_fold = self._cell_fold
        twin.skipped, twin.failure = self.skipped, self.failure
        twin._line = None if self._line is None else list(self._line)
        twin._place_of = dict(self._place_of)
        twin._keyframe_places = list(self._keyframe_places)
        twin._keyframes = list(self._keyframes)
        twin._latest = self._latest
        if up_to is not None:
            line = twin._line
            if line is None:  # a damaged end that is not asked for does no harm
                line = list(range(self.base_seq + 1, self.base_seq + 1 + up_to))
            twin._relay(line[:up_to], unchanged_up_to=up_to)
        return twin

    def replace_fold(self, fold: Callable[[S, Action], S], *, recompute: bool = True) -> None:
        """Fold by another reducer from now on; what the old one raised is forgotten.

        Args:
            fold: the reducer.
            recompute: forget the states that are known, so that all are folded again.
        """
        self._fold, self.failure = fold, None
        self._cell_fold = CellFold(fold)
        if recompute:
            self._forget_after(0)

    def seqs(self) -> list[int]:
        """Return the seqs of the line in order; all that can be read is read."""
        if self._line is not None:
            return list(self._line)
        return list(range(self.base_seq + 1, self.actions.last_seq() + 1))

    @property
    def head(self) -> int:
        """The seq of the last action of the line; that of the start if there is none."""
        if self._line is None:
            return self.actions.last_seq()
        return self._line[-1] if self._line else self.base_seq

    def active_actions(self) -> Iterator[tuple[int, Action]]:
        """Yield each action that is not skipped, with its seq, in the order of the line."""
        for seq in self.seqs():
            if seq not in self.skipped:
                yield seq, self.actions.action(seq)

    def place_of(self, seq: int) -> int:
        """Return where an action stands, or would stand beyond the end; 0 for the start.

        Raises:
            LogError: it is not in the line.
        """
        if seq == self.base_seq:
            return 0
        if self._line is None:
            if seq > self.base_seq:
                return seq - self.base_seq
        elif seq in self._place_of:
            return self._place_of[seq]
        raise LogError(self._explain_missing(seq))

    def seq_at(self, place: int) -> int:
        """Return the seq of the action at a place.

        Raises:
            IndexError: the line ends before it.
        """
        if place == 0:
            return self.base_seq
        return self.base_seq + place if self._line is None else self._line[place - 1]

    def state_at(self, place: int) -> S:
        """Return the state after the action at a place.

        Raises:
            LogError: the line ends before it.
            Exception: what the reducer raised at it or before it.
        """
        if self.failure is not None and place >= self.place_of(self.failure.seq):
            raise self.failure.error
        present, state = self._nearest(place)
        present, state = self._fold_to(present, state, place)
        if present < place:
            seq, asked = self.seq_at(present), self.base_seq + place
            message = f"the log ends at seq {seq}, so there is no state at seq {asked}"
            raise LogError(message)
        self._latest = (place, state)
        return state

    def states(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, S]]:
        """Yield the places after the first one, up to the last one or the end, and the states."""
        return self._states(first, self.state_at(first), last)

    def keyframes(self) -> list[tuple[int, S]]:
        """Return the kept states with their places, the start first."""
        return list(zip(self._keyframe_places, self._keyframes, strict=True))

    def skip(self, seqs: Iterable[int], *, skipped: bool) -> None:
        """Leave actions out of every fold, or take them in again."""
        chosen = frozenset(seqs)
        changed = (chosen - self.skipped) if skipped else (chosen & self.skipped)
        missing = [seq for seq in changed if not self._stands(seq)]
        if missing:
            raise LogError(self._explain_missing(min(missing)))
        if changed:
            first = min(self.place_of(seq) for seq in changed)
            self.skipped = self.skipped ^ changed
            self._forget_after(first - 1)

    def move(self, seq: int, before: int | None) -> None:
        """Let an action stand before another one, or at the end."""
        missing = [one for one in (seq, before) if one is not None and not self._stands(one)]
        if missing:
            raise LogError(self._explain_missing(missing[0]))
        if seq == before:
            return
        old = self.seqs()
        line = [one for one in old if one != seq]
        line.insert(len(line) if before is None else line.index(before), seq)
        pairs = enumerate(zip(old, line, strict=True))
        first_change = next((index for index, (was, now) in pairs if was != now), len(line))
        self._relay(line, unchanged_up_to=first_change)

    def append(self, action: Action) -> int:
        """Let an action be the last one of the line; return its seq."""
        line = self._line
        if line is None:
            line = self.seqs()
            self._relay(line, unchanged_up_to=len(line))
        seq = self.actions.append(action)
        line.append(seq)
        self._place_of[seq] = len(self._place_of) + 1
        return seq

    def sweep(self) -> None:
        """Drop the skipped actions for good; no state changes, so nothing is folded again."""
        line, skipped, failure = self.seqs(), self.skipped, self.failure
        new_place = [0, *itertools.accumulate(seq not in skipped for seq in line)]
        kept = {new_place[place]: state for place, state in self.keyframes()}
        latest = (new_place[self._latest[0]], self._latest[1])
        self.skipped = frozenset()
        self._relay([seq for seq in line if seq not in skipped], unchanged_up_to=0)
        self._keyframe_places, self._keyframes = list(kept), list(kept.values())
        self._latest, self.failure = latest, failure

    def sound_up_to(self, place: int) -> int:
        """Return the last place, up to this one, before which no reducer raises."""
        if place > max(self._latest[0], self._keyframe_places[-1]):  # else it was folded already
            with contextlib.suppress(Exception):
                self.state_at(place)
        if self.failure is None:
            return place
        return min(place, self.place_of(self.failure.seq) - 1)

    def rebase(self, place: int) -> None:
        """Let the state at a place be the start, with the later actions after it."""
        latest, failure = self._latest, self.failure
        self.base, seq = self.state_at(place), self.seq_at(place)
        line, kept = self.seqs()[place:], [(p - place, s) for p, s in self.keyframes() if p > place]
        self.base_seq = seq
        self.skipped &= frozenset(line)
        self._relay(line, unchanged_up_to=0)
        self._keyframe_places += [kept_place for kept_place, _ in kept]
        self._keyframes += [state for _, state in kept]
        self.failure = failure
        if latest[0] >= place:
            self._latest = (latest[0] - place, latest[1])
        self._forget_actions(line)

    def clear(self, base: S, base_seq: int) -> None:
        """Begin again from a state, without any action."""
        self.base, self.base_seq = base, base_seq
        self.skipped = frozenset()
        self._relay([], unchanged_up_to=0)
        self._forget_actions([])

    def _forget_actions(self, line: list[int]) -> None:
        """Drop the actions that are in the line no more, as far as none before them is."""
        self.actions.forget_before(min(line, default=self.actions.last_seq() + 1))

    def _relay(self, line: list[int], *, unchanged_up_to: int) -> None:
        self._line = line
        self._place_of = {seq: place for place, seq in enumerate(line, 1)}
        self._forget_after(unchanged_up_to)

    def _forget_after(self, place: int) -> None:
        """Drop what was folded beyond a place."""
        keep = bisect.bisect_right(self._keyframe_places, max(place, 0))
        del self._keyframe_places[keep:], self._keyframes[keep:]
        self._keyframes[0] = self.base
        if self._latest[0] > place or place == 0:
            self._latest = (0, self.base)
        if self.failure is not None:
            seq = self.failure.seq
            if not self._stands(seq) or self.place_of(seq) > place:
                self.failure = None

    def _nearest(self, place: int) -> tuple[int, S]:
        nearest = bisect.bisect_right(self._keyframe_places, place) - 1
        found = self._keyframe_places[nearest], self._keyframes[nearest]
        return self._latest if found[0] <= self._latest[0] <= place else found

    def _fold_to(self, present: int, state: S, last: int) -> tuple[int, S]:
        """Return the last place that there is up to this one, and the state there."""
        while present < last:
            end = min(last, max(self._keyframe_places[-1] + KEYFRAME_EVERY, present + 1))
            following = self._fold_straight(present, state, end)
            if following is None:
                for step in self._states(present, state, end):
                    present, state = step  # the last one counts
                if present < end:
                    break
            else:
                present, state = end, following
                self._keep(present, state)
        return present, state

    def _fold_straight(self, present: int, state: S, last: int) -> S | None:
        """Return the state at a place; None if `_states` has to find out what is there."""
        if last - present < _FEWEST_STRAIGHT:
            return None
        first = self.base_seq + 1
        seqs: Sequence[int] = range(first + present, first + last)
        if self._line is not None:
            seqs = self._line[present:last]
            if len(seqs) < last - present:
                return None
        if self.skipped:
            seqs = [seq for seq in seqs if seq not in self.skipped]
        try:
            actions = self.actions.actions(seqs)
        except Exception:  # noqa: BLE001  # whatever it is, it is met again where it stands
            return None
        return self._cell_fold.fold(state, actions)

    def _keep(self, place: int, state: S) -> None:
        if place >= self._keyframe_places[-1] + KEYFRAME_EVERY:
            self._keyframe_places.append(place)
            self._keyframes.append(state)

    def _states(self, present: int, state: S, last: int | None) -> Iterator[tuple[int, S]]:
        while last is None or present < last:
            try:
                seq = self.seq_at(present + 1)
            except IndexError:
                return
            if seq in self.skipped:  # it is there: only such can be skipped
                pass
            elif (action := self._read(seq)) is None:
                return
            else:
                state = self._fold_one(state, seq, action)
            present += 1
            self._keep(present, state)
            yield present, state

    def _fold_one(self, state: S, seq: int, action: Action) -> S:
        try:
            return self._fold(state, action)
        except Exception as error:
            error.add_note(f"raised while replaying seq {seq} ({action.wire_name})")
            self.failure = FoldFailure(seq, error)
            raise

    def _read(self, seq: int) -> Action | None:
        try:
            return self.actions.action(seq)
        except IndexError:
            return None

    def _stands(self, seq: int) -> bool:
        if self._line is None:
            return seq > self.base_seq and self.actions.has(seq)
        return seq in self._place_of

    def _explain_missing(self, seq: int) -> str:
        if self._line is None:
            return f"seq must be {self.base_seq} (the start) or more, got {seq}"
        return (
            f"seq {seq} is not in the timeline: it was swept or committed, or never there; there"
            f" are {len(self._line)} records, from seq {self.seq_at(min(1, len(self._line)))}"
        )
