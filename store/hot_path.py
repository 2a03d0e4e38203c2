"""The one function that every dispatch runs through, and the few that share its variables.

What belongs here: what must be fast.  What does not: anything that runs once per action class, per
subscription or per error; `commit_core` does that.

Closures, because a variable of an enclosing function costs a third of an attribute.  One variable
serves two guards: ``owner`` is the thread that may use the store, and nobody while a reducer runs.
"""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refold.actions.action import Action

__all__ = ["HotPath", "SlowPath", "Steps", "make_hot_path"]

_STALE: Final[Any] = object()
"""Stands for a root that must be built again, because a cell changed."""

_NOBODY: Final = 0
"""No thread has this identifier."""

Steps: TypeAlias = tuple[int, int, "Callable[[Any, Action], Any]"]
"""The cell that an action changes, the cell's bit, and the step that changes it."""


class SlowPath(Protocol):
    """What the hot path calls when it cannot go on."""

    def find_steps(self, action: Action) -> Steps:
        """Return the steps for a class that the table does not have."""
        ...

    def refuse(self, action: Action, *, is_foreign_thread: bool) -> Exception:
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

    put_root: Callable[[Any, int], None]
    """Take a root that fits the cells, and the bits of those that changed; None: build it later."""

    take_changed: Callable[[], int]
    """Return the bits of the cells that changed since the last call."""

    call_after_commit: Callable[[Callable[[Action], None] | None], None]
    """Set what is called after each commit; None for nothing."""

    is_reducing: Callable[[], bool]
    """Tell whether a reducer runs."""

    adopt_thread: Callable[[], None]
    """Let the running thread be the one that may dispatch."""


def make_hot_path(slow: SlowPath, cells: list[Any], table: dict[type, Steps]) -> HotPath:
    """Return the hot path over cells and a table that others fill in place."""
    thread = owner = get_ident()
    root, changed = _STALE, 0
    after_commit: Callable[[Action], None] | None = None

    def commit(action: Action, /) -> Action:
        nonlocal owner, root, changed
        if get_ident() != owner:
            raise slow.refuse(action, is_foreign_thread=get_ident() != thread)
        try:
            cell, bit, step = table[action.__class__]
        except KeyError:
            cell, bit, step = slow.find_steps(action)
        before = cells[cell]
        owner = _NOBODY
        try:
            following = step(before, action)
        except Exception as error:
            slow.note_where(error, cell, action)
            raise
        finally:
            owner = thread
        if following is not before:
            if following is None:
                slow.check_none(cell, action)
            cells[cell] = following
            changed |= bit
            root = _STALE
        if after_commit is not None:
            after_commit(action)
        return action

    def read_state() -> Any:
        nonlocal root
        if owner == _NOBODY:
            raise slow.refuse_reading()
        if root is _STALE:
            root = slow.build(cells)
        return root

    def put_root(new_root: Any, bits: int) -> None:
        nonlocal root, changed
        root = _STALE if new_root is None else new_root
        changed |= bits

    def take_changed() -> int:
        nonlocal changed
        taken, changed = changed, 0
        return taken

    def call_after_commit(function: Callable[[Action], None] | None) -> None:
        nonlocal after_commit
        after_commit = function

    def adopt_thread() -> None:
        nonlocal owner, thread
        owner = thread = get_ident()

    return HotPath(
        commit=commit,
        read_state=read_state,
        put_root=put_root,
        take_changed=take_changed,
        call_after_commit=call_after_commit,
        is_reducing=lambda: owner == _NOBODY,
        adopt_thread=adopt_thread,
    )
