"""`StatementChecks`: holds what happened in a store against what its test states.

What belongs here: which action is next, what its change is, and what a test that is not exhaustive
may pass over.  What does not: the store, and time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from refold.actions.registry import is_declared_action_class
from refold.errors import TestStoreError
from refold.testing.stated_change import exact_changes
from refold.testing.test_store_texts import (
    call_source,
    describe_change_without_action,
    describe_no_action,
    describe_other_action,
    describe_other_change,
    describe_unreceived,
    short_action,
    unstated_lines,
)

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.testing.skipped_parts import SkippedParts
    from refold.testing.stated_change import StatedChange
    from refold.testing.watched_actions import SeenAction, WatchedActions

__all__ = ["StatementChecks"]


class StatementChecks:
    """Checks the statements of one test, in their order."""

    def __init__(self, watched: WatchedActions, skipped: SkippedParts | None) -> None:
        """Check against what is watched.

        Args:
            watched: what reaches the reducer.
            skipped: gets what is passed over; None to pass over nothing.
        """
        self._watched = watched
        self._unreceived = watched.unreceived
        self._skipped = skipped

    def refuse_unreceived(self, what: str) -> None:
        """Pass over the actions that wait, before something is sent.

        Raises:
            TestStoreError: some wait, and nothing may be passed over.
        """
        if self._skipped is not None:
            self._skip(len(self._unreceived))
        elif self._unreceived:
            head = f"{what} was sent before these actions were received:"
            raise TestStoreError(self._describe_unreceived(head, "before it, write:"))

    def take(self, expected: Any, describe_rest: Callable[[], list[str]]) -> SeenAction:
        """Take the action that the test receives.

        Args:
            expected: an action, or a class of actions.
            describe_rest: says what may still dispatch it.

        Raises:
            TestStoreError: there is none, or another one comes before it.
        """
        waiting = list(self._unreceived)
        places = [place for place, seen in enumerate(waiting) if _fits(expected, seen.action)]
        is_refused = self._skipped is None and 0 not in places
        if waiting and is_refused:
            raise TestStoreError(describe_other_action(expected, waiting))
        if not places:
            raise TestStoreError(describe_no_action(expected, waiting, describe_rest()))
        self._skip(places[0])
        return self._unreceived.popleft()

    def compare(self, seen: SeenAction, stated: StatedChange, method: str, written: str) -> None:
        """Hold the change that an action made against the stated one.

        Args:
            seen: the action, and the state after it.
            stated: what the test states.
            method: what the test calls, ``send`` or ``receive``.
            written: its first argument, as source.

        Raises:
            TestStoreError: it is another change.
            Exception: what a function of the test raises.
        """
        expected = stated.apply_to(seen.before)
        names = stated.stated_fields(seen.before, expected)
        if self._skipped is not None:
            for line in unstated_lines(seen, names, is_all=stated.is_nothing):
                self._skipped.add("change", f"{short_action(seen)}: {line}")
            expected = stated.among(seen.after, expected, names)
        if any(exact_changes(expected, seen.after)):
            advice = call_source(method, written, seen)
            text = describe_other_change(seen, expected, names, advice)
            raise TestStoreError(text)

    def finish(self, present: Any) -> str:
        """Pass over the actions that wait at the end; return what to say if that is no way to end.

        Args:
            present: the state at the end.
        """
        if self._skipped is not None:
            self._skip(len(self._unreceived))
            return ""
        if self._unreceived:
            head = "the test ended before these actions were received:"
            return self._describe_unreceived(head, "at its end, write:")
        self._watched.look_at(present)
        changes = self._watched.changes_between
        return describe_change_without_action(changes) if changes else ""

    def _skip(self, count: int) -> None:
        for _ in range(count):
            seen = self._unreceived.popleft()
            if self._skipped is not None:
                self._skipped.add("action", f"{short_action(seen)} was not received")

    def _describe_unreceived(self, head: str, advice: str) -> str:
        return describe_unreceived(head, list(self._unreceived), advice)


def _fits(expected: Any, action: Action) -> bool:
    if not isinstance(expected, type):
        return bool(action == expected)
    return isinstance(action, expected) or (
        is_declared_action_class(expected) and cast("type[Action]", expected).matches(action)
    )
