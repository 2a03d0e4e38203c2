"""`ListenerRunner`: the listeners of one store while it is entered.

What belongs here: from a committed action to the runs that it begins.  What does not: one run
(`effect`), and when a listener's runs begin (`listener_policies`).
"""

from __future__ import annotations

import asyncio
import contextvars
import warnings
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from refold.errors import InsideReducerError, RefoldWarning
from refold.middleware.effect import Effect
from refold.middleware.listener_commands import AddListener, ClearListeners, RemoveListener
from refold.middleware.listener_policies import AttachedListener, Heard
from refold.middleware.listener_waits import Waits

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.fork import CancelReason
    from refold.middleware.listener_declaration import ListenerDeclaration
    from refold.store.middleware import Dispatch

__all__ = ["ListenerRunner", "OnError", "RaisedBy"]

R = TypeVar("R")

RaisedBy = Literal["effect", "predicate"]
"""Which part of a listener raised."""

OnError = Callable[[Exception, RaisedBy, str], object]
"""``(error, raised_by, name of the listener)``."""

_BEGUN_AT_ONCE: Final = 100
"""Runs that begin in one step of the loop, about a millisecond: ten thousand listeners of one
action let other tasks go on in between."""


class ListenerRunner:
    """Middleware, the innermost of its store, that begins runs for what was committed."""

    def __init__(
        self, declarations: Iterable[ListenerDeclaration], extra: Any, on_error: OnError
    ) -> None:
        """Attach listeners; nothing runs before the store is entered."""
        self.store: Any = None
        """The store's dispatch and state."""
        self.extra = extra
        """For every run."""
        self.waits = Waits()
        """Who waits for later actions."""
        self._on_error = on_error
        self._listeners = {
            each.key: AttachedListener(each, self._make_effect) for each in declarations
        }
        self._removed: set[AttachedListener] = set()  # that still run
        self._of_class: dict[type[Action], tuple[AttachedListener, ...]] = {}
        self._befores: deque[tuple[Action, Any]] = deque()
        self._to_begin: deque[Effect[Any]] = deque()
        self._group: asyncio.TaskGroup | None = None  # None: the store is not entered
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_beginning = False
        self._has_warned = False

    def __call__(self, store: Any, next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
        """Set up the handler, which notes the state before an action that somebody listens for."""
        self.store = store
        of_class, befores, may_be_awaited = self._of_class, self._befores, self.waits.may_want

        def handle(action: Any, /) -> Any:
            action_class = action.__class__
            listeners = of_class.get(action_class)
            if listeners is None:
                if isinstance(action, AddListener | RemoveListener | ClearListeners):
                    return self._obey(action)
                listeners = self._find_listeners(action_class)
            if self._group is None or not (listeners or may_be_awaited(action_class)):
                return next(action)
            try:
                before = (action, store.state)
            except InsideReducerError:
                return next(action)  # which refuses it
            befores.append(before)
            try:
                return next(action)
            except BaseException:
                if befores and befores[-1] is before:
                    befores.pop()
                raise

        return handle

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Let those who listen hear the actions of one commit, and settle who waits for them."""
        for action in actions:
            listeners = self._of_class.get(type(action))
            if listeners is None:
                listeners = self._find_listeners(type(action))
            if self._group is None:
                if listeners:
                    self._warn_once(action)
            elif listeners or self.waits.may_want(type(action)):
                self._tell(action, listeners)

    def add(self, declaration: ListenerDeclaration) -> Callable[[], bool]:
        """Begin to listen, unless the same is listened for; return the function that ends it."""
        if declaration.key not in self._listeners:
            known = [each for each in self._removed if each.declaration == declaration]
            listener = known[0] if known else AttachedListener(declaration, self._make_effect)
            self._removed.discard(listener)
            self._listeners[declaration.key] = listener
            self._of_class.clear()
        return lambda: self.remove(declaration.key)

    def remove(self, key: tuple[Any, ...], *, cancel_active: bool = False) -> bool:
        """End a listener; return whether there was one."""
        listener = self._listeners.pop(key, None)
        if listener is None:
            return False
        self._of_class.clear()
        if cancel_active:
            listener.cancel()
        if not listener.is_idle:
            self._removed.add(listener)
        return True

    def clear(self, reason: CancelReason = "cancelled") -> None:
        """End all listeners and cancel all that runs."""
        running = [*self._listeners.values(), *self._removed]
        self._listeners.clear()
        self._of_class.clear()
        for listener in running:
            listener.cancel(reason)

    def report(
        self, error: Exception, raised_by: RaisedBy, declaration: ListenerDeclaration
    ) -> None:
        """Tell of an error; what the telling itself raises goes to the loop's own handler."""
        try:
            self._on_error(error, raised_by, declaration.name)
        except Exception as second:  # noqa: BLE001  # one listener must not harm another
            context = {"message": "on_error of the listeners raised", "exception": second}
            asyncio.get_running_loop().call_exception_handler(context)

    def start(
        self, work: Coroutine[Any, Any, R], name: str, context: contextvars.Context | None = None
    ) -> asyncio.Task[R]:
        """Start a task of a listener, which leaving the store waits for.

        Raises:
            asyncio.CancelledError: the store is being left.
        """
        if self._group is None:
            work.close()
            reason: CancelReason = "closed"
            raise asyncio.CancelledError(reason)
        task = self._group.create_task(work, name=name, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def open(self, group: asyncio.TaskGroup, /) -> None:
        """Listen from now on."""
        self._group = group

    async def run(self) -> None:
        """Wait until the store is left, then cancel all runs and wait for them."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._stop()
            while self._tasks:
                await asyncio.wait(self._tasks)

    def _stop(self) -> None:
        self._group = None
        self._to_begin.clear()
        for listener in (*self._listeners.values(), *self._removed):
            listener.cancel("closed")
        self.waits.close()

    def _obey(self, command: AddListener | RemoveListener | ClearListeners) -> Any:
        match command:
            case AddListener():
                return self.add(command.declaration)
            case RemoveListener():
                return self.remove(command.key, cancel_active=command.cancel_active)
            case _:
                self.clear()
                return None

    def _find_listeners(self, action_class: type[Action]) -> tuple[AttachedListener, ...]:
        if not hasattr(action_class, "wire_name"):
            return ()  # no action: the end of the chain refuses it
        found = tuple(
            each
            for each in self._listeners.values()
            if each.declaration.trigger.may_be_for(action_class)
        )
        self._of_class[action_class] = found
        return found

    def _tell(self, action: Action, listeners: tuple[AttachedListener, ...]) -> None:
        old_state, state = self._state_before(action), self.store.state
        heard: Heard | None = None
        for listener in listeners:
            declaration = listener.declaration
            try:
                is_wanted = declaration.trigger.is_for(action, state, old_state)
            except Exception as error:  # noqa: BLE001  # reported; the others still hear the action
                self.report(error, "predicate", declaration)
                continue
            if is_wanted:
                heard = heard or Heard(action, old_state, contextvars.copy_context())
                listener.hear(heard)
        self.waits.offer(action, state, old_state)

    def _state_before(self, action: Action) -> Any:
        """Return the state before an action; those noted earlier were rolled back."""
        while self._befores:
            noted, state = self._befores.popleft()
            if noted is action:
                return state
        return self.store.state

    def _make_effect(self, listener: AttachedListener, heard: Heard) -> Effect[Any]:
        effect: Effect[Any] = Effect(listener, self, heard)
        self._to_begin.append(effect)
        if not self._is_beginning:
            self._is_beginning = True
            asyncio.get_running_loop().call_soon(self._begin_some)
        return effect

    def _begin_some(self) -> None:
        for _ in range(min(len(self._to_begin), _BEGUN_AT_ONCE)):
            self._to_begin.popleft().begin()
        self._is_beginning = bool(self._to_begin)
        if self._is_beginning:
            asyncio.get_running_loop().call_soon(self._begin_some)

    def _warn_once(self, action: Action) -> None:
        if not self._has_warned:
            self._has_warned = True
            message = (
                f"{action.wire_name} was dispatched, for which there is a listener, but listeners"
                f" run only while their store is entered: async with Store(...) as store"
            )
            warnings.warn(message, RefoldWarning, stacklevel=2)
