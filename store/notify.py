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
    """Functions over the same variables.

    The first three take the action and the bits of the cells that may have changed; they call
    everybody who is subscribed at that moment, then raise what some of them raised.
    """

    tell_plain: Callable[[Action | None, int], None]
    """Call the subscribers that hear of every dispatch, while there are no others."""

    tell_selections: Callable[[Action | None, int], None]
    """Call the subscribers to the values that changed, while there are no others."""

    tell_all: Callable[[Action | None, int], None]
    """Call both kinds, in this order."""

    note_changed: Callable[[int], None]
    """Remember changed cells for the next notification."""

    set_plain: Callable[[tuple[Callable[[], object], ...]], None]
    """Set the subscribers that hear of every dispatch."""


def make_notify(  # noqa: C901, PLR0915  # its functions share their variables
    selections: SelectorSubscriptions, cells: list[Any]
) -> Notify:
    """Return the functions that tell subscribers.

    Args:
        selections: the subscriptions to selectors' values.
        cells: the store's cells.
    """
    plain: tuple[Callable[[], object], ...] = ()
    depth = 0
    changed = 0
    interested_by_cells = selections.interested_by_cells

    def tell_plain(_action: Action | None, _changed_cells: int) -> None:
        nonlocal depth
        if depth >= _DEEPEST_NESTING:
            raise _nested_too_deeply()
        depth += 1
        rest = iter(plain)
        try:
            for function in rest:
                function()
        except NestedDispatchError:
            raise
        except Exception as error:
            raise _subscribers_raised([error, *_call_rest(rest)]) from error
        finally:
            depth -= 1

    def tell_selections(_action: Action | None, changed_cells: int) -> None:
        nonlocal depth, changed
        if depth >= _DEEPEST_NESTING:
            raise _nested_too_deeply()
        if changed:
            changed_cells |= changed
            changed = 0
        try:
            interested = interested_by_cells[changed_cells]
        except KeyError:
            interested = selections.find_interested(changed_cells)
        errors: list[Exception] | None = None
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
                    function = subscription.function
                    depth += 1
                    try:
                        function(value, before)
                    finally:
                        depth -= 1
            except NestedDispatchError:
                raise
            except Exception as error:  # noqa: BLE001  # raised below, after all were called
                errors = [*(errors or ()), error]
        if errors is not None:
            raise _subscribers_raised(errors) from errors[0]

    def tell_all(action: Action | None, changed_cells: int) -> None:
        note_changed(changed_cells)  # plain subscribers may dispatch, which tells the selections
        errors: list[Exception] = []
        for tell in (tell_plain, tell_selections):
            try:
                tell(action, 0)
            except SubscriberError as error:
                errors += error.errors
        if errors:
            raise _subscribers_raised(errors) from errors[0]

    def note_changed(changed_cells: int) -> None:
        nonlocal changed
        changed |= changed_cells

    def set_plain(functions: tuple[Callable[[], object], ...]) -> None:
        nonlocal plain
        plain = functions

    return Notify(tell_plain, tell_selections, tell_all, note_changed, set_plain)


def _call_rest(functions: Iterator[Callable[[], object]]) -> list[Exception]:
    """Call the functions after one that raised; return what they raise."""
    errors: list[Exception] = []
    for function in functions:
        try:
            function()
        except NestedDispatchError:
            raise
        except Exception as error:  # noqa: BLE001  # raised together by the caller
            errors.append(error)
    return errors


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
