"""The one function that every dispatch runs through, and the few that share its variables.

What belongs here: what must be fast.  What does not: anything that runs once per action class, per
subscription or per error; `commit_core` does that.

Closures, because a variable of an enclosing function costs a third of an attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from refold.store.thread_test import make_thread_test

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.action import Action

__all__ = ["HotPath", "SlowPath", "Steps", "make_hot_path"]

Steps: TypeAlias = tuple[int, int, "Callable[[Any, Action], Any]"]
"""The cell that an action changes, the bits of all that it may change, and the step.

Of an action that changes several cells the step fills them itself and leaves its own cell, the last
one, alone.
"""


class SlowPath(Protocol):
    """What the hot path calls when it cannot go on."""

    def find_steps(self, action: Action) -> Steps | None:
        """Return the steps for a class that the table does not have; None if nobody handles it."""
        ...

    def refuse(self, action: Action) -> Exception:
        """Return the error for a dispatch at the wrong time or from the wrong place."""
        ...

    def refuse_reading(self) -> Exception:
        """Return the error for reading the state inside a reducer."""
        ...

    def note_where(self, error: Exception, cell: int, action: Action) -> None:
        """Say in the error's notes which reducer raised it."""
        ...

    def check_none(self, cell: int, action: Action) -> None:
        """Raise if None is no value of the cell."""
        ...

    def build(self, cells: Sequence[Any]) -> Any:
        """Return the root for the cells."""
        ...


class HotPath(NamedTuple):
    """Functions over the same variables."""

    commit: Callable[[Action], Action]
    """Fold one action into the cells, then call what `call_after_commit` set."""

    read_state: Callable[[], Any]
    """Return the root, building it if a cell changed since."""

    put_root: Callable[[Any], None]
    """Take a root that fits the cells; None to build it when it is read."""

    call_after_commit: Callable[[Callable[[Action, int], None] | None], None]
    """Set what is called after each commit, with the action and the bits of the cells that may
    have changed; None for nothing.
    """

    is_reducing: Callable[[], bool]
    """Tell whether a reducer runs."""

    adopt_thread: Callable[[], None]
    """Let the running thread be the one that may dispatch."""

    admit_only: Callable[[Callable[[], bool] | None], None]
    """Let dispatches of this thread through only while a question is answered by true; None to
    let all of them through.
    """

    is_own_thread: Callable[[], bool]
    """Tell whether the running thread is the one that may dispatch."""


def make_hot_path(  # noqa: C901, PLR0915  # its functions share their variables
    slow: SlowPath, cells: list[Any], table: dict[type, Steps | None]
) -> HotPath:
    """Return the hot path over cells and a table that others fill in place."""
    own_thread = make_thread_test()
    may_dispatch = own_thread
    is_reducing = False
    root: Any = None  # None: to be built, because a cell changed
    after_commit: Callable[[Action, int], None] | None = None

    def commit(action: Action, /) -> Action:
        nonlocal is_reducing, root
        if is_reducing or not may_dispatch():
            raise slow.refuse(action)
        try:
            steps = table[action.__class__]
        except KeyError:
            steps = slow.find_steps(action)
        if steps is None:
            if after_commit is not None:
                after_commit(action, 0)
            return action
        cell, bits, step = steps
        before = cells[cell]
        is_reducing = True
        try:
            following = step(before, action)
        except Exception as error:
            slow.note_where(error, cell, action)
            raise
        finally:
            is_reducing = False
        if following is not before:
            if following is None:
                slow.check_none(cell, action)
            cells[cell] = following
            root = None
        elif cell >= 0:
            bits = 0
        if after_commit is not None:
            after_commit(action, bits)
        return action

    def read_state() -> Any:
        nonlocal root
        if is_reducing:
            raise slow.refuse_reading()
        if root is None:
            root = slow.build(cells)
        return root

    def put_root(new_root: Any) -> None:
        nonlocal root
        root = new_root

    def call_after_commit(function: Callable[[Action, int], None] | None) -> None:
        nonlocal after_commit
        after_commit = function

    def adopt_thread() -> None:
        nonlocal own_thread, may_dispatch
        own_thread = may_dispatch = make_thread_test()

    def admit_only(is_admitted: Callable[[], bool] | None) -> None:
        nonlocal may_dispatch
        if is_admitted is None:
            may_dispatch = own_thread
            return

        def own_thread_and_admitted() -> bool:
            return own_thread() and is_admitted()

        may_dispatch = own_thread_and_admitted

    return HotPath(
        commit=commit,
        read_state=read_state,
        put_root=put_root,
        call_after_commit=call_after_commit,
        is_reducing=lambda: is_reducing,
        adopt_thread=adopt_thread,
        admit_only=admit_only,
        is_own_thread=lambda: own_thread(),  # noqa: PLW0108  # another one after adopt_thread
    )
