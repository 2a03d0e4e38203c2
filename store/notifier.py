"""Telling observers and subscribers of a commit, in an order that nested dispatches keep.

What belongs here: who is called, and what happens when one of them raises.  What does not: which
selector subscriptions are concerned, which `selector_subscriptions` knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from refold.errors import NestedDispatchError, SubscriberError
from refold.store.selector_subscriptions import SelectorSubscription, SelectorSubscriptions

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.store.commit_core import CommitCore

__all__ = ["Notifier", "Subscriber"]

_DEEPEST_NESTING: Final = 64
"""Python's default limit of 1,000 frames leaves 15 for each level of middleware and subscriber."""


class Subscriber:
    """One subscription to every dispatch; two of the same function are two subscriptions."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], object]) -> None:
        """Keep the function."""
        self.function = function


class Notifier:
    """The observers and subscribers of one store."""

    def __init__(self, core: CommitCore) -> None:
        """Start with none."""
        self._core = core
        self._selections = SelectorSubscriptions(core)
        self._observers: tuple[Callable[[tuple[Action, ...]], None], ...] = ()
        self._subscribers: tuple[Subscriber, ...] = ()
        self._functions: tuple[Callable[[], object], ...] = ()
        self._depth = 0
        self._collected: list[Action] | None = None

    def observe(self, *observers: Callable[[tuple[Action, ...]], None]) -> None:
        """Call these with each commit's actions, before any subscriber."""
        self._observers += observers
        self._refresh()

    def add(self, function: Callable[[], object]) -> Subscriber:
        """Subscribe a function to every dispatch."""
        subscriber = Subscriber(function)
        self._subscribers += (subscriber,)
        self._refresh()
        return subscriber

    def add_selection(
        self, function: Callable[[Any, Any], object], select: Callable[[Any], Any]
    ) -> SelectorSubscription:
        """Subscribe a function to the changes of a selector's value."""
        subscription = self._selections.add(function, select)
        self._refresh()
        return subscription

    def remove(self, subscription: Subscriber | SelectorSubscription) -> None:
        """End a subscription; ending it twice does nothing."""
        self._subscribers = tuple(s for s in self._subscribers if s is not subscription)
        self._selections.remove(subscription)
        self._refresh()

    @property
    def is_collecting(self) -> bool:
        """Whether a transaction holds notifications back."""
        return self._collected is not None

    def begin_collecting(self) -> None:
        """Hold every notification back from here on."""
        self._collected = []
        self._refresh()

    def mark(self) -> int:
        """Return how many actions are collected so far."""
        return len(self._collected or ())

    def forget_since(self, mark: int) -> None:
        """Forget the actions collected since a mark: they were rolled back."""
        if self._collected is not None:
            del self._collected[mark:]

    def end_collecting(self) -> None:
        """Tell of all that was collected, as one commit; of nothing if there is nothing."""
        collected, self._collected = self._collected, None
        self._refresh()
        if collected:
            self._tell(tuple(collected))

    def _refresh(self) -> None:
        """Choose the cheapest function that tells everybody; none if there is nobody."""
        self._functions = tuple(subscriber.function for subscriber in self._subscribers)
        if self._collected is not None:
            self._core.call_after_commit(self._collected.append)
        elif self._observers:
            self._core.call_after_commit(self._tell_of_one)
        elif self._subscribers or self._selections.exist:
            self._core.call_after_commit(self._notify)
        else:
            self._core.call_after_commit(None)

    def _tell_of_one(self, action: Action) -> None:
        self._tell((action,))

    def _tell(self, actions: tuple[Action, ...]) -> None:
        """Call the observers, then the subscribers, also when an observer raises."""
        try:
            for observe in self._observers:
                observe(actions)
        finally:
            if self._functions or self._selections.exist:
                self._notify()

    def _notify(self, _action: Action | None = None) -> None:
        """Call every subscriber that is subscribed now; then raise what some of them raised."""
        if self._depth >= _DEEPEST_NESTING:
            raise _nested_too_deeply()
        self._depth += 1
        errors: list[Exception] = []
        try:
            for function in self._functions:
                try:
                    function()
                except NestedDispatchError:
                    raise
                except Exception as error:  # noqa: BLE001  # raised below, after all were called
                    errors.append(error)
            if self._selections.exist:
                self._selections.notify(errors)
        finally:
            self._depth -= 1
        if errors:
            raise _subscribers_raised(errors) from errors[0]


def _nested_too_deeply() -> NestedDispatchError:
    return NestedDispatchError(
        f"subscribers dispatched in answer to each other {_DEEPEST_NESTING} levels deep; let a"
        f" subscriber dispatch only while its condition does not hold yet (every action so far is"
        f" committed)"
    )


def _subscribers_raised(errors: list[Exception]) -> SubscriberError:
    what = "; ".join(f"{type(error).__name__}: {error}" for error in errors)
    return SubscriberError(
        f"the action is committed and every subscriber was called, but {len(errors)} of them"
        f" raised: {what}; catch errors inside the subscriber",
        errors=tuple(errors),
    )
