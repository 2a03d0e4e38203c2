"""Who is told of a commit: observers first, then subscribers.

What belongs here: adding and removing them, and holding notifications back in a transaction.  What
does not: the telling itself, which `notify` does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from refold.store.notify import make_notify
from refold.store.selector_subscriptions import SelectorSubscription, SelectorSubscriptions

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.store.batch_timer import BatchTimer
    from refold.store.commit_core import CommitCore

__all__ = ["Notifier", "Observe", "Subscriber"]

Observe: TypeAlias = "Callable[[tuple[Action, ...]], None]"
"""Takes note of the actions of one commit."""


class Subscriber:
    """One subscription to every dispatch; two of the same function are two subscriptions."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], object]) -> None:
        """Keep the function."""
        self.function = function


class Notifier:
    """The observers and subscribers of one store."""

    def __init__(self, core: CommitCore, batch: BatchTimer) -> None:
        """Start with none."""
        self._core = core
        self._batch = batch
        self._selections = SelectorSubscriptions(core)
        self._notify = make_notify(self._selections, core.cells)
        self._observers: tuple[Observe, ...] = ()
        self._subscribers: tuple[Subscriber, ...] = ()
        self._collected: list[Action] = []
        self._joined: list[tuple[int, SelectorSubscription]] = []
        """Selections added in a transaction, each with how many actions were collected then."""
        self._is_due = False
        """Whether the time of a batch was over in a transaction."""
        self.is_collecting = False
        """Whether a transaction holds notifications back."""
        self.is_closing = False
        """Whether the store was closed, or is closed at once."""

    def observe(self, *observers: Observe) -> None:
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
        if self.is_collecting:
            self._joined.append((len(self._collected), subscription))
        self._refresh()
        return subscription

    def remove(self, subscription: Subscriber | SelectorSubscription) -> None:
        """End a subscription; ending it twice does nothing."""
        self._subscribers = tuple(s for s in self._subscribers if s is not subscription)
        self._selections.remove(subscription)
        self._refresh()

    def begin_collecting(self) -> None:
        """Hold every notification back from here on."""
        self.is_collecting = True
        self._refresh()

    def mark(self) -> int:
        """Return how many actions are collected so far."""
        return len(self._collected)

    def forget_since(self, mark: int) -> None:
        """Forget the actions collected since a mark: they, and the state, were rolled back."""
        del self._collected[mark:]
        for place, (joined_at, subscription) in enumerate(self._joined):
            if joined_at >= mark:
                self._joined[place] = mark, subscription
                with suppress(Exception):  # it raises again when the subscription is told
                    subscription.value = self._selections.value_of(subscription)

    def end_collecting(self) -> None:
        """Tell of all that was collected, as one commit; of nothing if there is nothing."""
        collected, self._collected = self._collected, []
        self._joined = []
        self.is_collecting = False
        self._refresh()
        is_due, self._is_due = self._is_due, False
        if collected:
            try:
                for observe in self._observers:
                    observe(tuple(collected))
            finally:
                self._batch.stop()
                self._tell_now()
        elif is_due and not self._batch.start(self._when_batch_is_over):
            self._tell_now()

    def settle(self) -> None:
        """Tell the subscribers, before the store closes, of what they were to be told later.

        Raises:
            SubscriberError: some raised.
        """
        try:
            self._when_batch_is_over()
        finally:
            self.is_closing = True

    def _when_batch_is_over(self) -> None:
        """Tell of the batch, if there is one; in a transaction, whose state is half done, later."""
        if self._batch.stop():
            if self.is_collecting:
                self._is_due = True
            else:
                self._tell_now()

    def _tell_now(self) -> None:
        tell = self._tell_subscribers()
        if tell is not None:
            tell(None, 0)

    def _refresh(self) -> None:
        """Choose the cheapest function that tells everybody; none if there is nobody."""
        self._notify.set_plain(tuple(subscriber.function for subscriber in self._subscribers))
        tell: Callable[[Action, int], None] | None = self._tell_subscribers()
        if tell is not None and self._batch.classes:
            tell = self._telling_later(tell)
        if self.is_collecting:
            self._core.call_after_commit(self._collect)
        elif self._observers:
            self._core.call_after_commit(_tell_observers(self._observers, tell))
        else:
            self._core.call_after_commit(tell)

    def _tell_subscribers(self) -> Callable[[Action | None, int], None] | None:
        if self._subscribers and self._selections.exist:
            return self._notify.tell_all
        if self._subscribers:
            return self._notify.tell_plain
        return self._notify.tell_selections if self._selections.exist else None

    def _telling_later(self, tell: Callable[[Action, int], None]) -> Callable[[Action, int], None]:
        """Return a function that tells at once, but of actions of a batched class later."""
        batch, note_changed = self._batch, self._notify.note_changed

        def tell_or_wait(action: Action, changed_cells: int) -> None:
            if action.__class__ in batch.classes and batch.start(self._when_batch_is_over):
                note_changed(changed_cells)
            else:
                batch.stop()
                tell(action, changed_cells)

        return tell_or_wait

    def _collect(self, action: Action, changed_cells: int) -> None:
        self._notify.note_changed(changed_cells)
        self._collected.append(action)


def _tell_observers(
    observers: tuple[Observe, ...], notify: Callable[[Action, int], None] | None
) -> Callable[[Action, int], None]:
    """Return a function that calls the observers, then the subscribers even if one raised."""
    if notify is None and len(observers) == 1:
        observe = observers[0]
        return lambda action, _changed_cells: observe((action,))

    def tell(action: Action, changed_cells: int) -> None:
        try:
            for observe in observers:
                observe((action,))
        finally:
            if notify is not None:
                notify(action, changed_cells)

    return tell
