"""Chains of upcasters: whether they lead to the version that is loaded, and running them.

What belongs here: judging and walking the steps of one class.  What does not: declaring a step,
which `refold.actions.upcaster` does, and finding the class of a record, which `action_codec` does.
"""

from __future__ import annotations

import copy
import reprlib
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from refold.actions.action import Action
from refold.actions.registry import find_action_class
from refold.actions.upcaster import (
    Upcast,
    upcast_key,
    upcast_keys,
    upcasts_declared,
    upcasts_of,
)
from refold.errors import ActionDeclarationError

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer

__all__ = [
    "UpcastError",
    "chain_problem",
    "check_chain",
    "check_upcasters",
    "explain_missing_step",
    "orphan_problems",
    "upcast",
    "version_of",
]

_declared_when_checked: Final[dict[type, int]] = {}


class UpcastError(ValueError):
    """An upcaster raised, or returned no payload; the codecs make a PayloadError of it."""


def version_of(cls: type) -> int:
    """Return the version of a class's fields: its own ``wire_version``, 1 if it has none.

    Raises:
        ActionDeclarationError: a state class's version is no int of 1 or more.
    """
    version: Any = cls.__dict__.get("wire_version", 1)
    if type(version) is int and version >= 1:
        return version
    message = (
        f"the wire_version of {cls.__qualname__} must be an int of 1 or more, got {version!r};"
        f" write wire_version: ClassVar[int] = 2"
    )
    raise ActionDeclarationError(message)


def check_chain(cls: type) -> None:
    """Check a class's upcasters, once after each declaration of one.

    Raises:
        ActionDeclarationError: they have a gap, or one leads to a version that there is not.
    """
    declared = upcasts_declared()
    if _declared_when_checked.get(cls) == declared:
        return
    problem = chain_problem(cls)
    if problem is not None:
        raise ActionDeclarationError(problem)
    _declared_when_checked[cls] = declared


def check_upcasters(reducer: Reducer[Any]) -> None:
    """Check the upcasters of all actions that a reducer handles, and that each has its class.

    Raises:
        ActionDeclarationError: a chain has a gap, or an upcaster leads nowhere.
    """
    problems = [problem for cls in reducer.handles if (problem := chain_problem(cls)) is not None]
    problems += orphan_problems().values()
    if problems:
        raise ActionDeclarationError("\n".join(sorted(problems)))


def chain_problem(cls: type) -> str | None:
    """Return what is wrong with a class's upcasters, and what to do; None if nothing is.

    A class may have dropped its oldest versions, so a chain may begin anywhere; from there on it
    has to lead to the class's own version without a gap.
    """
    key, version = upcast_key(cls), version_of(cls)
    steps = upcasts_of(key)
    if not steps:
        return None
    last = max(steps)
    if last >= version:
        return (
            f"the upcaster of {key!r} from version {last} leads to version {last + 1}, but"
            f" {cls.__qualname__} is version {version}; {_how_to_raise(cls, key, last + 1)}, or"
            f" remove the upcaster"
        )
    gap = next((v for v in range(min(steps), version) if v not in steps), None)
    if gap is None:
        return None
    return (
        f"{key!r} has upcasters from version {_listed(steps)}, but none from version {gap}, and"
        f" {cls.__qualname__} is version {version}; {explain_missing_step(cls, gap)}"
    )


def orphan_problems() -> dict[str, str]:
    """Return the wire names that have upcasters but no loaded class, each with what to do."""
    return {
        key: f"there are upcasters of {key!r}, but no loaded module declares that action; import"
        f" the module that does, or correct the name"
        for key in upcast_keys()
        if "/" in key and find_action_class(key) is None
    }


def explain_missing_step(cls: type, from_version: int) -> str:
    """Return the advice to declare the upcaster that is missing, ready to be copied."""
    is_action = issubclass(cls, Action)
    named = repr(upcast_key(cls)) if is_action else cls.__name__
    return f"declare an upcaster for it: @upcaster({named}, from_version={from_version})"


def upcast(payload: Mapping[str, Any], cls: type, from_version: int) -> dict[str, Any] | None:
    """Return the payload that a class's upcasters make of an older one, which stays as it is.

    Returns:
        None if no upcaster leads from this version.

    Raises:
        UpcastError: an upcaster raised, or did not return a payload.
        ActionDeclarationError: the chain is not whole.
    """
    check_chain(cls)
    steps = upcasts_of(upcast_key(cls))
    if from_version not in steps:
        return None
    present: dict[str, Any] = copy.deepcopy(dict(payload))
    for version in range(from_version, version_of(cls)):
        present = _take_step(steps[version], present, version)
    return present


def _take_step(function: Upcast, payload: dict[str, Any], version: int) -> dict[str, Any]:
    step = f"the upcaster from version {version} to {version + 1}"
    try:
        result: Any = function(payload)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = (
            f"{step} raised {type(error).__name__}: {error} ({frame.filename}, line"
            f" {frame.lineno}); correct it so that it takes every payload of version {version}"
        )
        raise UpcastError(message) from error
    if isinstance(result, dict):
        return result  # pyright: ignore[reportUnknownVariableType]  # a dict of JSON, checked when it is decoded
    message = (
        f"{step} returned {reprlib.repr(result)}, expected a dict of the fields; end it with"
        f" return payload"
    )
    raise UpcastError(message)


def _how_to_raise(cls: type, key: str, version: int) -> str:
    if issubclass(cls, Action):
        return f"write @action({key!r}, version={version}) above it"
    return f"write wire_version: ClassVar[int] = {version} in it"


def _listed(steps: Mapping[int, Upcast]) -> str:
    return ", ".join(map(str, sorted(steps)))
