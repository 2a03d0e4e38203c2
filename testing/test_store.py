"""`TestStore`: a store that fails on everything that its test does not state.

What belongs here: the surface, and the order of what happens.  What does not: its parts, each of
which has a file of its own beside this one.  The idea is that of the TestStore of The Composable
Architecture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from refold.actions.action import Action
from refold.errors import TestStoreError
from refold.middleware.timestamps import timestamps
from refold.store.build_chain import check_middleware
from refold.store.entry import Command
from refold.store.store import Store
from refold.testing.fixed_inputs import fixed_inputs
from refold.testing.running_work import RunningWork
from refold.testing.skipped_parts import SkippedPart, SkippedParts
from refold.testing.stated_change import UNSTATED, StatedChange
from refold.testing.statement_checks import StatementChecks
from refold.testing.test_store_texts import (
    action_source,
    describe_listener_failures,
    describe_running,
    expected_source,
)
from refold.testing.virtual_clock import VirtualClock
from refold.testing.virtual_time import VirtualTime
from refold.testing.watched_actions import WatchedActions

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from refold.reducers.reducer import Reducer
    from refold.store.inputs import Inputs
    from refold.store.middleware import Attaches, Middleware

__all__ = ["TestStore"]

S = TypeVar("S")
A = TypeVar("A", bound=Action)
R = TypeVar("R")


class TestStore(Generic[S]):
    """A store whose test states every action and the whole change that follows from each.

    While it is entered, the time of the event loop stands still, for everybody in it: timers,
    `asyncio.sleep`, time limits, listeners, back-off and heartbeat move by `advance` alone.

    A change is stated by keyword, for the fields of the root state: each a new value, or a function
    of the old one, such as ``todos=lambda old: old.append(todo)``.  Of any root state it can be
    stated as a whole by a second argument: the new state, or a function of the old one.  What is
    not stated must not change.  A value that can be called cannot be a value of a state.

    Leaving it without an error fails if an action was not received, or if a run of a listener or an
    operation has not ended.  Services, which run as long as a store does, are stopped.  What a
    listener raised, and no ``on_error`` handled, fails the test as well.

    Args:
        reducer: as `Store` takes it, and so are the next ones.
        state: the state to start from; None for the reducer's own initial state.
        listeners: what reacts to actions.
        middleware: the first listed is the outermost.
        inputs: None for ids ``id-1``, ``id-2``, chance by a fixed seed, and the time of `clock`.
        clock: turned as time passes; it gives ``at_ms`` to actions that have none.  None for one
            that begins at 1,700,000,000 s since the Unix epoch.
        exhaustive: False to compare only what is stated, and to go past actions that are not
            received; `skipped` then tells what was not looked at.

    Raises:
        Exception: what making the `Store` raises.
    """

    __test__ = False  # to pytest it is no class of tests

    @overload
    def __init__(
        self,
        reducer: Reducer[S],
        /,
        *,
        state: Any = ...,
        listeners: Iterable[Attaches[S]] = ...,
        middleware: Iterable[Middleware[S]] = ...,
        inputs: Inputs | None = ...,
        clock: VirtualClock | None = ...,
        exhaustive: bool = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        reducer: Callable[[Any, Any], S],
        /,
        *,
        state: Any = ...,
        listeners: Iterable[Attaches[S]] = ...,
        middleware: Iterable[Middleware[S]] = ...,
        inputs: Inputs | None = ...,
        clock: VirtualClock | None = ...,
        exhaustive: bool = ...,
    ) -> None: ...
    def __init__(  # noqa: PLR0913  # all but the reducer by keyword
        self,
        reducer: Callable[[Any, Any], S],
        /,
        *,
        state: Any = None,  # S, or a mapping that the reducer completes
        listeners: Iterable[Attaches[S]] = (),
        middleware: Iterable[Middleware[S]] = (),
        inputs: Inputs | None = None,
        clock: VirtualClock | None = None,
        exhaustive: bool = True,
    ) -> None:
        """Make the store; nothing runs before it is entered."""
        self.clock = clock or VirtualClock()
        """The wall clock of the test, which `advance` turns."""
        listed = check_middleware(middleware, allow_twice=False)  # by its number in this list
        self._work = RunningWork(listeners, listed)
        self._watched = WatchedActions()
        self._store: Store[S] = Store(
            reducer,
            state=state,
            middleware=[self._watched, *listed, timestamps(self.clock), self._watched.innermost],
            listeners=self._work.attached,
            inputs=inputs or fixed_inputs(now=self.clock),
        )
        self._is_exhaustive = exhaustive
        self._skipped = SkippedParts()
        self._checks = StatementChecks(self._watched, None if exhaustive else self._skipped)
        self._time: VirtualTime | None = None

    @property
    def state(self) -> S:
        """The present state, after all actions so far, received or not."""
        return self._store.state

    @property
    def store(self) -> Store[S]:
        """The store itself, for code that is given one; what it dispatches is to be received."""
        return self._store

    @property
    def skipped(self) -> tuple[SkippedPart, ...]:
        """What was not looked at so far; always empty if the test is exhaustive."""
        return tuple(self._skipped.parts)

    @overload
    async def send(self, command: Command[R], /) -> R: ...
    @overload
    async def send(
        self,
        action: A,
        change: S | Callable[[S], S] = ...,
        /,
        **changes: Any | Callable[[Any], Any],
    ) -> A: ...
    async def send(
        self, action: Any, change: Any = UNSTATED, /, **changes: Any | Callable[[Any], Any]
    ) -> Any:
        """Dispatch an action, and state its whole change of the state.

        Everything that follows without time passing has happened when this returns.

        Args:
            action: or a command, such as an operation's, which by itself changes nothing.
            change: the new state, or a function of the old one; instead of ``changes``.
            changes: by the names of the root state's fields, new values or functions of old ones.

        Returns:
            What the store's dispatch returned.

        Raises:
            TestStoreError: the state changed otherwise, actions wait to be received, a listener
                raised, or there is no end of what follows.
            Exception: what dispatch raises.
        """
        await self._settle()
        what = action_source(action) if isinstance(action, Action) else f"the command {action}"
        self._checks.refuse_unreceived(what)
        stated = StatedChange(change, changes)
        if isinstance(action, Command) and not stated.is_nothing:
            message = (
                f"{what} changes nothing by itself; state the changes of the actions that follow"
                f" where they are received"
            )
            raise TestStoreError(message)
        answer, seen = self._watched.send(self._store.dispatch, action)
        if seen is not None:
            self._checks.compare(seen, stated, "send", what)
        elif not stated.is_nothing:
            message = f"{what} did not reach the reducer: a middleware kept it; state no change"
            raise TestStoreError(message)
        await self._settle()
        return answer

    @overload
    async def receive(
        self,
        kind: type[A],
        change: S | Callable[[S], S] = ...,
        /,
        **changes: Any | Callable[[Any], Any],
    ) -> A: ...
    @overload
    async def receive(
        self,
        action: A,
        change: S | Callable[[S], S] = ...,
        /,
        **changes: Any | Callable[[Any], Any],
    ) -> A: ...
    async def receive(
        self, expected: Any, change: Any = UNSTATED, /, **changes: Any | Callable[[Any], Any]
    ) -> Any:
        """Take the next action that the test did not send, and state its whole change.

        It is there already, or this fails at once: no time passes.

        Args:
            expected: an equal action, or its class or a base of that.
            change: the new state, or a function of the old one; instead of ``changes``.
            changes: by the names of the root state's fields, new values or functions of old ones.

        Returns:
            The action.

        Raises:
            TestStoreError: there is none, the next one is another, the state changed otherwise, or
                a listener raised.
        """
        await self._settle()
        seen = self._checks.take(expected, self._describe_what_leads_on)
        stated = StatedChange(change, changes)
        self._checks.compare(seen, stated, "receive", expected_source(expected))
        return seen.action

    async def advance(self, seconds: float, /) -> None:
        """Let time pass for the whole event loop, and turn the clock.

        Each timer fires at its moment, and whatever follows from it comes before the next one.

        Args:
            seconds: 0 or more.

        Raises:
            ValueError: time would run backwards.
            TestStoreError: a listener raised, or at one moment there is no end of what follows.
        """
        if not seconds >= 0:
            message = f"time can only be advanced by 0 seconds or more, got {seconds!r}"
            raise ValueError(message)
        await self._entered.advance(seconds)
        self._raise_listener_failures()

    async def __aenter__(self) -> Self:
        """Stop the time of the running event loop, and enter the store."""
        if self._time is not None:
            message = "a TestStore can be entered once; make a new one"
            raise TestStoreError(message)
        self._time = VirtualTime.hold(self.clock)
        try:
            await self._store.__aenter__()
        except BaseException:
            self._time.let_go(self.clock)
            raise
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the store, and fail if something is left; an error of the block goes on as it is.

        Raises:
            TestStoreError: an action was not received, or something still runs.
        """
        found: BaseException | None = None
        if error is None:
            try:
                await self._finish()
            except BaseException as raised:  # noqa: BLE001  # raised below, once all is stopped
                error_type, error, traceback = type(raised), raised, raised.__traceback__
                found = raised
        try:
            with self._entered.passing():  # closing a link has its time limits
                await self._store.__aexit__(error_type, error, traceback)
        finally:
            self._entered.let_go(self.clock)
        if found is not None:
            raise found

    @property
    def _entered(self) -> VirtualTime:
        if self._time is None:
            message = "enter the TestStore first: async with TestStore(reducer) as store"
            raise TestStoreError(message)
        return self._time

    async def _settle(self) -> None:
        """Let everything happen that is to happen at this moment."""
        await self._entered.until_idle()
        self._raise_listener_failures()

    def _raise_listener_failures(self) -> None:
        failures, self._work.failures = self._work.failures, []
        if not failures:
            return
        text = describe_listener_failures(failures)
        if self._is_exhaustive:
            raise TestStoreError(text) from failures[0].error
        self._skipped.add("listener error", text)

    async def _finish(self) -> None:
        """Fail if something is left, or note that it is skipped."""
        await self._settle()
        texts = [self._checks.finish(self.state), self._describe_running()]
        if any(texts):
            raise TestStoreError("\n\n".join(filter(None, texts)))
        self._skipped.report()

    def _describe_running(self) -> str:
        """Return what to say of what still runs; nothing if nothing does, or if it is skipped."""
        running = self._work.describe()
        if not running:
            return ""
        if not self._is_exhaustive:
            for each in running:
                self._skipped.add("run", f"{each} was cancelled at the end")
            return ""
        head = "the test ended before everything in its store had come to its end"
        return "\n".join([head, *self._describe_what_leads_on()])

    def _describe_what_leads_on(self) -> list[str]:
        return describe_running(self._work.describe(), self._entered.seconds_to_next_timer())
