"""`RunningWork`: what a store's listeners and operations still do, and what listeners raised.

What belongs here: finding and naming it.  What does not: services, which run as long as the store
does, and whatever a program starts by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs

from refold.middleware.listener_errors import log_listener_error
from refold.middleware.listener_runner import ListenerRunner
from refold.middleware.operations import Operations
from refold.testing.virtual_time import seconds_text

if TYPE_CHECKING:
    from refold.middleware.listener_declaration import ListenerDeclaration
    from refold.middleware.listener_errors import RaisedBy
    from refold.middleware.listener_policies import AttachedListener
    from refold.store.middleware import Attaches, Middleware

__all__ = ["ListenerFailure", "RunningWork"]


@attrs.frozen
class ListenerFailure:
    """What a listener raised that nobody handled."""

    name: str
    """The listener's."""

    raised_by: str
    """``effect`` or ``predicate``."""

    error: Exception
    """What it raised."""


class RunningWork:
    """Looks into the listeners and operations of one store."""

    def __init__(self, listeners: Iterable[Attaches[Any]], middleware: Iterable[Any]) -> None:
        """Keep what the store is to have.

        Args:
            listeners: the store gets `attached` in their place.
            middleware: the store's.
        """
        self.attached = tuple(_Attached(each, self) for each in listeners)
        """What a store takes as its listeners."""
        self.failures: list[ListenerFailure] = []
        """What listeners raised, unless their own ``on_error`` was told of it."""
        self._operations = [each for each in middleware if isinstance(each, Operations)]
        self._runners: list[ListenerRunner] = []

    def describe(self) -> list[str]:
        """Return a line for each listener and operation that has something running or to begin."""
        counted = Counter(self._names())
        return [name if count == 1 else f"{count} times {name}" for name, count in counted.items()]

    def watch(self, runner: ListenerRunner) -> None:
        """Look into these listeners too."""
        self._runners.append(runner)
        if runner._on_error is not log_listener_error:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a test that handles errors is not told of them
            return
        report = runner.report

        def report_and_keep(
            error: Exception, raised_by: RaisedBy, declaration: ListenerDeclaration
        ) -> None:
            report(error, raised_by, declaration)
            self.failures.append(ListenerFailure(_short(declaration.name), raised_by, error))

        runner.report = report_and_keep  # type: ignore[method-assign]  # for this one store

    def _names(self) -> Iterator[str]:
        for runner in self._runners:
            for listener in runner.listeners:
                name = _name_of(listener)
                for _ in listener.effects:
                    yield f"a run of {name}"
                if listener._timer is not None and listener._latest is not None:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the window of a throttle that nothing waits for leads to nothing
                    yield f"{name}, which waits for its time"
        for operations in self._operations:
            for run in operations.runs:
                wire_name = run._operation.actions.wire_name  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a run is not asked for its name elsewhere
                yield f"operation {wire_name!r}"


class _Attached:
    """Listeners of a store, into which a `RunningWork` looks."""

    def __init__(self, listeners: Attaches[Any], work: RunningWork) -> None:
        self._listeners = listeners
        self._work = work

    def attach(self) -> Middleware[Any]:
        """Return the middleware of these listeners for one store."""
        runner = self._listeners.attach()
        if isinstance(runner, ListenerRunner):
            self._work.watch(runner)
        return runner


def _name_of(listener: AttachedListener) -> str:
    declaration = listener.declaration
    seconds = declaration.seconds
    pace = "" if seconds is None else f", {seconds_text(seconds)} s"
    return f"listener {_short(declaration.name)} ({declaration.policy}{pace})"


def _short(name: str) -> str:
    """Return a qualified name without the function that it stands in."""
    return name.rpartition("<locals>.")[2]
