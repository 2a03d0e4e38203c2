"""The one function that tells subscribers of a commit, and the few that share its variables.

What belongs here: what runs at every dispatch while somebody is subscribed.  What does not: adding
and removing subscriptions, which `notifier` and `selector_subscriptions` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from refold.errors import NestedDispatchError, SubscriberError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from refold.actions.action import Action
    from refold.store.selector_subscriptions import SelectorSubscriptions

__all__ = ["Notify", "make_notify"]

_DEEPEST_NESTING: Final = 64
"""Python's default limit of 1,000 frames leaves 15 for each level of middleware and subscriber."""


class Notify(NamedTuple):
    """Functions over the same variables."""

    notify: Callable[[Action | None, int], None]
    """Call every subscriber that is subscribed now; then raise what some of them raised.

    Takes the action and the bits of the cells that may have changed.
    """

    note_changed: Callable[[int], None]
    """Remember changed cells for the next notification."""

    set_plain: Callable[[tuple[Callable[[], object], ...]], None]
    """Set the subscribers that hear of every dispatch."""


def make_notify(selections: SelectorSubscriptions, cells: list[Any]) -> Notify:
    """Return the function that tells subscribers.

    Args:
        selections: the subscriptions to selectors' values.
        cells: the store's cells.
    """
    plain: tuple[Callable[[], object], ...] = ()
    depth = 0
    changed = 0
    interested_by_cells = selections.interested_by_cells

    def notify(_action: Action | None, changed_cells: int) -> None:
        nonlocal depth, changed
        if depth >= _DEEPEST_NESTING:
            raise _nested_too_deeply()
        changed |= changed_cells
        errors: list[Exception] | None = None
        depth += 1
        try:
            if plain:
                errors = _call_all(iter(plain))
            if selections.exist:
                now_changed, changed = changed, 0
                interested = interested_by_cells.get(now_changed)
                if interested is None:
                    interested = selections.find_interested(now_changed)
                for subscription in interested:
                    try:
                        follow = subscription.follow
                        if follow is None:
                            value = selections.value_of(subscription)
                        else:
                            value = follow(cells[subscription.cell])
                        before = subscription.value
                        if value is not before and value != before:
                            subscription.value = value
                            subscription.function(value, before)
                    except NestedDispatchError:
                        raise
                    except Exception as error:  # noqa: BLE001  # raised below, after all were called
                        errors = [*(errors or ()), error]
        finally:
            depth -= 1
        if errors:
            raise _subscribers_raised(errors) from errors[0]

    def note_changed(changed_cells: int) -> None:
        nonlocal changed
        changed |= changed_cells

    def set_plain(functions: tuple[Callable[[], object], ...]) -> None:
        nonlocal plain
        plain = functions

    return Notify(notify, note_changed, set_plain)


def _call_all(functions: Iterator[Callable[[], object]]) -> list[Exception] | None:
    """Call every function, also those after one that raised; return what was raised."""
    try:
        for function in functions:
            function()
    except NestedDispatchError:
        raise
    except Exception as error:  # noqa: BLE001  # raised together by the caller
        return [error, *(_call_all(functions) or ())]
    return None


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
