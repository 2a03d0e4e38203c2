"""`AttachedListeners`: the listeners of one store, found by the class of an action.

What belongs here: adding, removing, finding.  What does not: when they run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from refold.middleware.listener_policies import AttachedListener, Heard

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.effect import Effect
    from refold.middleware.fork import CancelReason
    from refold.middleware.listener_declaration import ListenerDeclaration

__all__ = ["AttachedListeners", "Found"]

Found: TypeAlias = tuple[tuple[AttachedListener, bool], ...]
"""Listeners that may be for an action of some class, and whether they are for every such one."""


class AttachedListeners:
    """The listeners of one store, and those removed from it that still run."""

    def __init__(
        self,
        declarations: Iterable[ListenerDeclaration],
        begin: Callable[[AttachedListener, Heard], Effect[Any]],
    ) -> None:
        """Attach listeners whose runs are begun by a function."""
        self._begin = begin
        self._attached = {each.key: AttachedListener(each, begin) for each in declarations}
        self._removed: set[AttachedListener] = set()
        self.found: dict[type[Action], Found] = {}
        """What `find` found, until a listener comes or goes."""

    def __iter__(self) -> Iterator[AttachedListener]:
        """Iterate over all that may have something running."""
        return iter((*self._attached.values(), *self._removed))

    def find(self, action_class: type[Action]) -> Found:
        """Find, and remember, the listeners for a class of actions."""
        if not hasattr(action_class, "wire_name"):
            return ()  # no action: the end of the chain refuses it
        found = self.found[action_class] = tuple(
            (each, each.declaration.trigger.is_for_class(action_class))
            for each in self._attached.values()
            if each.declaration.trigger.may_be_for(action_class)
        )
        return found

    def add(self, declaration: ListenerDeclaration) -> Callable[[], bool]:
        """Begin to listen, unless the same is listened for; return the function that ends it."""
        if declaration.key not in self._attached:
            known = [each for each in self._removed if each.declaration == declaration]
            listener = known[0] if known else AttachedListener(declaration, self._begin)
            self._removed.discard(listener)
            self._attached[declaration.key] = listener
            self.found.clear()
        return lambda: self.remove(declaration.key)

    def remove(self, key: tuple[Any, ...], *, cancel_active: bool = False) -> bool:
        """End a listener; return whether there was one."""
        listener = self._attached.pop(key, None)
        if listener is None:
            return False
        self.found.clear()
        if cancel_active:
            listener.cancel()
        if not listener.is_idle:
            self._removed.add(listener)
        return True

    def clear(self, reason: CancelReason = "cancelled") -> None:
        """End all listeners and cancel all that runs."""
        all_of_them = tuple(self)
        self._attached.clear()
        self.found.clear()
        for listener in all_of_them:
            listener.cancel(reason)
        self._removed.update(each for each in all_of_them if not each.is_idle)

    def forget_idle(self, listener: AttachedListener) -> None:
        """Forget a removed listener whose last run has ended."""
        if listener.is_idle:
            self._removed.discard(listener)
