"""`LiveTimeline`: the timeline of a running store, which grows by each action that happens.

What belongs here: whether and how a new action enters the history.  What does not: going about in
it, which `Timeline` does, and the store itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from refold.errors import LogError

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.timeline import Timeline

__all__ = ["LiveTimeline"]

S = TypeVar("S")


class LiveTimeline(Generic[S]):
    """A timeline that goes on: bounded in length, and it can be locked, paused and replaced.

    Jumps, skips and the like are made in its `timeline`.
    """

    def __init__(self, timeline: Timeline[S], /, *, max_age: int | None = None) -> None:
        """Go on with a timeline, from its end.

        Args:
            timeline: what happened so far, as `replay` gives it; a fork of it is kept.
            max_age: how many records are kept, at least 1; older ones become part of the start,
                but never one at which a reducer raised, and none after it.  None keeps all.

        Raises:
            LogError: the bound is less than 1.
        """
        if max_age is not None and max_age < 1:
            message = f"max_age is the number of records to keep, 1 or more, got {max_age}"
            raise LogError(message)
        self._max_age = max_age
        self._paused_state: S | None = None
        self.is_locked = False
        """Whether new actions are refused; may be set."""
        self.timeline = timeline.fork()
        """The history, to go about in."""
        self.timeline.go_to_end()

    @property
    def is_paused(self) -> bool:
        """Whether actions are folded without being recorded."""
        return self._paused_state is not None

    @property
    def state(self) -> S:
        """The state that the application shows: where the timeline stands, or while it is paused.

        Raises:
            Exception: what a reducer raised before it.
        """
        return self.timeline.state if self._paused_state is None else self._paused_state

    def append(self, action: Action) -> int | None:
        """Let an action happen; who stood at the end stands after it.

        A reducer that raises leaves its error in `Timeline.failure`, and the timeline stands before
        the action; while paused, the error passes through.

        Returns:
            The seq of its record; None while paused, because there is none.

        Raises:
            LogError: the history is locked.
        """
        if self.is_locked:
            message = (
                f"the history is locked, so {action.wire_name} did not happen; set is_locked to"
                f" False first"
            )
            raise LogError(message)
        if self._paused_state is not None:
            self._paused_state = self.timeline.reducer(self._paused_state, action)
            return None
        is_at_end = self.timeline.is_at_end
        seq = self.timeline.append(action)
        if is_at_end:
            self.timeline.go_to_end()
        if self._max_age is not None:
            self.timeline.commit_oldest(self._max_age)
        return seq

    def pause(self) -> None:
        """Let actions happen from the present state on, without keeping them."""
        if not self.is_paused:
            self._paused_state = self.timeline.state

    def resume(self) -> None:
        """Record actions again; if the state has changed, the history begins anew from it."""
        reached, self._paused_state = self._paused_state, None
        if reached is not None and reached is not self.timeline.state:
            self.timeline.restart_from(reached)

    def replace_reducer(
        self, reducer: Callable[[Any, Any], S], /, *, recompute: bool = True
    ) -> None:
        """Fold by another reducer, as `Timeline.replace_reducer`; who stood at the end stays there.

        An error that the new reducer does not raise is healed, so the end may be further on.
        """
        is_at_end = self.timeline.is_at_end
        self.timeline.replace_reducer(reducer, recompute=recompute)
        if is_at_end:
            self.timeline.go_to_end()

    def import_log(self, log: Timeline[S], /, *, recompute: bool = True) -> None:
        """Put another history in the place of this one, and stand at its end; a pause ends.

        Args:
            log: the other history, such as ``replay(path, reducer)``; it stays as it is.
            recompute: fold it again by this history's reducer.  If false, the states that it has
                already folded are taken as they are, and only what follows is folded.
        """
        reducer = self.timeline.reducer
        self.timeline = log.fork()
        self.timeline.replace_reducer(reducer, recompute=recompute)
        self._paused_state = None
        self.timeline.go_to_end()
