"""`find_failure`: where a log fails in the way that a person named.

What belongs here: importing an invariant or an exception by the person's word, and the first record
at which the run fails.  What does not: making the run shorter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import attrs

from refold.commands.import_named import import_named
from refold.commands.report_error import DID_NOT_HOLD, CommandError, explain_raised

if TYPE_CHECKING:
    from refold.replay.forkable_history import FoldFailure
    from refold.replay.timeline import Timeline

__all__ = ["NamedFailure", "find_invariant", "find_raised_class", "find_raising", "find_violation"]


@attrs.frozen
class NamedFailure:
    """A way in which a run fails, and where it does."""

    seq: int
    """The first record after which it does; that of the start if it does at once."""

    text: str
    """What happens there, such as ``is_never_negative does not hold``."""

    invariant: Callable[[Any], bool] | None
    """What does not hold; None if something is raised instead."""

    raises: type[Exception] | None
    """What the reducer raises; None if an invariant does not hold instead."""


def find_invariant(name: str) -> Callable[[Any], bool]:
    """Import the function that ``--invariant`` names.

    Raises:
        CommandError: there is none.
    """
    found = import_named(
        name, f"--invariant {name}", "a function of the state", "shop.rules:is_sound"
    )
    if callable(found) and not isinstance(found, type):
        return cast("Callable[[Any], bool]", found)
    message = (
        f"--invariant {name} is {found!r:.60}, expected a function that returns True for a sound"
        f" state"
    )
    raise CommandError(message)


def find_raised_class(name: str) -> type[Exception] | None:
    """Import the class that ``--raises`` names as module:Class.

    Returns:
        None if only the class is named; then what the reducer raises tells which it is.

    Raises:
        CommandError: there is no such class.
    """
    if ":" not in name:
        return None
    found = import_named(name, f"--raises {name}", "an exception", "shop.main:OutOfStockError")
    if isinstance(found, type) and issubclass(found, Exception):
        return found
    message = f"--raises {name} is {found!r:.60}, expected the class of an exception"
    raise CommandError(message)


def find_violation(
    timeline: Timeline[Any], invariant: Callable[[Any], bool], name: str
) -> NamedFailure | None:
    """Return where an invariant does not hold for the first time; None if it always holds.

    Raises:
        CommandError: the invariant raised, or the reducer did before.
    """

    def holds(state: Any) -> bool:
        try:
            return invariant(state)
        except Exception as error:
            message = (
                f"--invariant {name} raised {explain_raised(error)}; it must return True or False"
                f" for every state"
            )
            raise CommandError(message) from error

    try:
        seq = timeline.first_broken(holds)
    except Exception as error:
        if timeline.failure is None:
            raise
        message = (
            f"while {name} still held, the reducer raised {explain_raised(error)}; --raises"
            f" {type(error).__name__} shrinks that instead"
        )
        raise CommandError(message, status=DID_NOT_HOLD) from error
    if seq is None:
        return None
    return NamedFailure(seq, f"{invariant.__name__} does not hold", invariant, None)


def find_raising(
    timeline: Timeline[Any], cls: type[Exception] | None, name: str
) -> NamedFailure | None:
    """Return where the reducer raises; None if it does nowhere.

    Args:
        timeline: what is folded.
        cls: what it should raise; None if only its name is known.
        name: its name.

    Raises:
        CommandError: it raises something else.
    """
    failure = _fold_all(timeline)
    if failure is None:
        return None
    classes = [cls] if cls is not None else _named_classes(failure.error, name)
    found = next((each for each in classes if isinstance(failure.error, each)), None)
    if found is None:
        message = (
            f"expected {name}, but the reducer raises {explain_raised(failure.error)}; give"
            f" --raises {type(failure.error).__name__}"
        )
        raise CommandError(message)
    return NamedFailure(failure.seq, f"the reducer raises {found.__name__}", None, found)


def _fold_all(timeline: Timeline[Any]) -> FoldFailure | None:
    try:
        deque(timeline.states(), maxlen=0)
    except Exception:
        if timeline.failure is None:
            raise
    return timeline.failure


def _named_classes(error: Exception, name: str) -> list[type[Exception]]:
    """Return the classes of an exception that have a name, with or without their module."""
    return [
        cls
        for cls in type(error).__mro__
        if issubclass(cls, Exception)
        and name in {cls.__name__, cls.__qualname__, f"{cls.__module__}.{cls.__qualname__}"}
    ]
