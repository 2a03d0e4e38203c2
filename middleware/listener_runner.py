"""`ListenerRunner`: the listeners of one store while it is entered.

What belongs here: from a committed action to the runs that it begins.  What does not: one run
(`effect`), and when a listener's runs begin (`listener_policies`).
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from refold.errors import InsideReducerError, NotAnActionError
from refold.middleware.attached_listeners import AttachedListeners, Found
from refold.middleware.effect import Effect
from refold.middleware.listener_commands import AddListener, ClearListeners, RemoveListener
from refold.middleware.listener_errors import OnError, RaisedBy, tell_of_error
from refold.middleware.listener_not_entered import warn_not_entered
from refold.middleware.listener_policies import AttachedListener, Heard
from refold.middleware.listener_states import StatesAround
from refold.middleware.listener_waits import Waits
from refold.middleware.paced_calls import PacedCalls

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.middleware.fork import CancelReason
    from refold.middleware.listener_declaration import ListenerDeclaration
    from refold.store.middleware import Dispatch

__all__ = ["ListenerRunner"]

R = TypeVar("R")


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
        self.listeners = AttachedListeners(declarations, self._begin_later)
        """Who listens."""
        self.paced = PacedCalls()
        """Begins runs and wakes them."""
        self.waits = Waits(self.paced)
        """Who waits for later actions."""
        self._on_error = on_error
        self._states = StatesAround()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._phase: Literal["new", "open", "left"] = "new"
        self._left = asyncio.Event()
        self._all_ended = asyncio.Event()  # once the store is being left
        self._has_warned = False

    @property
    def is_open(self) -> bool:
        """Whether the store is entered, and not being left."""
        return self._phase == "open"

    def __call__(self, store: Any, next: Dispatch, /) -> Dispatch:  # noqa: A002  # its usual name
        """Set up the handler, which notes the states around an action that somebody listens for."""
        self.store = store
        states, found, may_be_awaited = self._states, self.listeners.found, self.waits.may_want

        def handle(action: Any, /) -> Any:
            action_class = action.__class__
            listeners = found.get(action_class)
            if listeners is None:
                if isinstance(action, AddListener | RemoveListener | ClearListeners):
                    return self._obey(action, next)
                listeners = self.listeners.find(action_class)
            if self._phase != "open" or not (listeners or may_be_awaited(action_class)):
                return next(action)
            try:
                noted = states.note(action, store.state)
            except InsideReducerError:
                return next(action)  # which refuses it
            try:
                result = next(action)
            except BaseException:
                states.forget(noted)
                raise
            if states.is_pending(noted):
                states.pass_on(noted, store.state)
            return result

        return handle

    def committed(self, actions: tuple[Action, ...], /) -> None:
        """Let those who listen hear the actions of one commit, and settle who waits for them."""
        wanted = [action for action in actions if self._is_wanted(type(action))]
        if self._phase != "open":
            if wanted and self._phase == "new" and not self._has_warned:
                self._has_warned = True
                warn_not_entered(wanted[0])
            return
        noted = [self._states.take(action) for action in wanted]  # all, before anybody is told
        for action, states in zip(wanted, noted, strict=True):
            present = self.store.state
            old_state = present if states is None else states.before
            state = states.after if states is not None and states.has_passed else present
            self._tell(action, state, old_state)
            self.waits.offer(action, state, old_state)

    def report(
        self, error: Exception, raised_by: RaisedBy, declaration: ListenerDeclaration
    ) -> None:
        """Tell of an error."""
        tell_of_error(self._on_error, error, raised_by, declaration.name)

    def start(
        self, work: Coroutine[Any, Any, R], name: str, context: contextvars.Context | None = None
    ) -> asyncio.Task[R]:
        """Start a task of a listener, which leaving the store waits for; whoever starts it ends it.

        Raises:
            asyncio.CancelledError: the store is being left.
        """
        if self._phase != "open":
            work.close()
            reason: CancelReason = "closed"
            raise asyncio.CancelledError(reason)
        task = asyncio.get_running_loop().create_task(work, name=name, context=context)
        self._tasks.add(task)
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        """Take note that a task that was started has ended."""
        self._tasks.discard(task)
        if self._phase == "left" and not self._tasks:
            self._all_ended.set()

    def open(self, group: asyncio.TaskGroup, /) -> None:
        """Listen from now on.

        Runs are no tasks of the group, which would cancel them without a reason, and again while
        they clean up; but one of its tasks waits for them.
        """
        self._phase = "open"
        group.create_task(self._outlive_runs(), name="refold listeners")

    async def run(self) -> None:
        """Wait until the store is left, then cancel all runs and wait for them."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._stop()
            if self._tasks:  # a run that closes the store cancels this waiting for itself
                await self._all_ended.wait()

    async def _outlive_runs(self) -> None:
        """Wait until the store is left and all runs have ended, whoever cancels this."""
        while self._tasks or self._phase == "open":
            with contextlib.suppress(asyncio.CancelledError):
                await (self._left if self._phase == "open" else self._all_ended).wait()

    def _stop(self) -> None:
        self._phase = "left"
        self._left.set()
        for listener in self.listeners:
            listener.stop_waiting()
            for effect in tuple(listener.effects):
                if effect.has_begun:
                    self.paced.add(partial(effect.cancel, "closed"))
                else:
                    effect.cancel("closed")

    def _obey(
        self, command: AddListener | RemoveListener | ClearListeners, next_dispatch: Dispatch
    ) -> Any:
        """Obey a command, as do the listeners further in, of which one may have answered."""
        answer: Any = None
        with contextlib.suppress(NotAnActionError):  # there are none further in
            answer = next_dispatch(command)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # obeyed there too
        match command:
            case AddListener():
                return answer or self.listeners.add(command.declaration)
            case RemoveListener():
                was_here = self.listeners.remove(command.key, cancel_active=command.cancel_active)
                return was_here or bool(answer)
            case _:
                self.listeners.clear()
                return None

    def _is_wanted(self, action_class: type[Action]) -> bool:
        """Tell whether somebody may listen or wait for actions of this class."""
        return bool(self._listeners_of(action_class)) or self.waits.may_want(action_class)

    def _listeners_of(self, action_class: type[Action]) -> Found:
        found = self.listeners.found.get(action_class)
        return self.listeners.find(action_class) if found is None else found

    def _tell(self, action: Action, state: Any, old_state: Any) -> None:
        heard = Heard(action, old_state, contextvars.copy_context())
        for listener, is_certain in self._listeners_of(type(action)):
            try:
                is_wanted = is_certain or listener.declaration.trigger.is_for(
                    action, state, old_state
                )
            except Exception as error:  # noqa: BLE001  # reported; the others still hear the action
                self.report(error, "predicate", listener.declaration)
                continue
            if is_wanted:
                listener.hear(heard)

    def _begin_later(self, listener: AttachedListener, heard: Heard) -> Effect[Any]:
        effect: Effect[Any] = Effect(listener, self, heard)
        self.paced.add(effect.begin)
        return effect
