"""The refusal of whatever was dispatched and is no action, naming what it is."""

from __future__ import annotations

import inspect
from typing import NoReturn

from refold.actions.action import Action
from refold.errors import NotAnActionError
from refold.store.entry import Command

__all__ = ["refuse_non_action"]


def refuse_non_action(candidate: object) -> NoReturn:
    """Raise the error that says what was dispatched instead of an action.

    Raises:
        NotAnActionError: always.
    """
    message = (
        f"dispatch expects an instance of a class declared by @action, got"
        f" {_describe(candidate)}; the state is unchanged"
    )
    if inspect.iscoroutine(candidate):
        candidate.close()  # otherwise Python warns that it was never awaited
    raise NotAnActionError(message)


def _describe(candidate: object) -> str:
    if candidate is None:
        return "None"
    if isinstance(candidate, type):
        return _describe_class(candidate)
    if inspect.iscoroutine(candidate):
        return f"the coroutine {candidate.__qualname__}: await it and dispatch what it returns"
    if callable(candidate):
        name = getattr(candidate, "__qualname__", type(candidate).__name__)
        return (
            f"the function {name} (type {type(candidate).__name__}): call it, or add the thunks"
            f" middleware"
        )
    if isinstance(candidate, Action | Command):
        return _describe_instance(candidate)  # pyright: ignore[reportUnknownArgumentType]  # of any answer
    return f"{candidate!r} (type {type(candidate).__name__})"


def _describe_instance(candidate: Action | Command[object]) -> str:
    """Describe an undecorated action; or a command and, if it has ``obeyed_by``, its middleware."""
    name = type(candidate).__name__
    if isinstance(candidate, Action):
        return f"an instance of {name}, which lacks its own @action('group/name') decorator"
    is_named = type(candidate).__str__ is not object.__str__
    return (
        f"the command {candidate if is_named else name}, which no middleware of this store obeys;"
        f" add {getattr(candidate, 'obeyed_by', 'the one that does')} to the store's middleware"
    )


def _describe_class(candidate: type) -> str:
    if issubclass(candidate, Action):
        name = candidate.__name__
        return f"the action class itself, not an instance: write {name}(...) with its fields"
    return f"the class {candidate.__name__}"
