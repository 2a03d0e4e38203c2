"""Which action last changed a part of the state.

What belongs here: reading a path as `changed_paths` writes it, finding the part, looking back.
What does not: all differences between two states, which `changed_paths` finds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs
from pyrsistent import PDeque, PVector

from refold.errors import LogError
from refold.replay.changed_paths import ABSENT, changed_paths

if TYPE_CHECKING:
    from refold.replay.forkable_history import ForkableHistory

__all__ = ["last_change_place", "part_at", "split_path"]

S = TypeVar("S")

_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_STEP: Final = re.compile(
    rf"""\.?(?P<field>[^\W\d]\w*)|\[(?P<key>(?:{_QUOTED}|[^\[\]'"]|\[(?:{_QUOTED}|[^\[\]'"])*\])+)\]"""
)
"""One step: a field's name, or a key in brackets, which may hold quotes and a pair of brackets."""


@attrs.frozen
class PathStep:
    """One step into a state."""

    field: str | None
    """The name of a record's field; None if this step is a key or an index."""

    text: str
    """The key as it is written."""

    key: Any
    """The key itself; `ABSENT` if it is no literal, so that only its text can be compared."""


def split_path(path: str) -> list[PathStep]:
    """Return the steps of a path such as ``todos['a'].done``; none for the whole state.

    Raises:
        LogError: the text is no path.
    """
    steps: list[PathStep] = []
    end = 0
    while end < len(path):
        found = _STEP.match(path, end)
        if found is None or (found["field"] and (path[end] == ".") == (end == 0)):
            message = (
                f"{path!r} is no path from its character {end + 1} on; write fields and keys as in"
                f" todos['a'].done or items[0]"
            )
            raise LogError(message)
        steps.append(PathStep(found["field"], found["key"] or "", _literal(found["key"])))
        end = found.end()
    return steps


def part_at(state: object, steps: Sequence[PathStep]) -> Any:
    """Return what stands at a path; `ABSENT` if nothing does.

    Raises:
        LogError: a record on the way has no such field.
    """
    part: Any = state
    for step in steps:
        if part is ABSENT:
            return ABSENT
        part = _field(part, step.field) if step.field is not None else _entry(part, step)
    return part


def last_change_place(history: ForkableHistory[S], path: str) -> int | None:
    """Return the last place at which a part of the state became another; None if none did.

    The states are looked at from the end backwards, from one keyframe to the next.

    Raises:
        LogError: the text is no path, or the states have no such part.
    """
    steps = split_path(path)
    part_at(history.base, steps)
    for before, stretch in _stretches_backwards(history):
        part, changed = part_at(before, steps), None
        for place, state in stretch:
            following = part_at(state, steps)
            if following is not part and _differ(part, following):
                changed = place
            part = following
        if changed is not None:
            return changed
    return None


def _stretches_backwards(
    history: ForkableHistory[S],
) -> Iterator[tuple[S, Iterator[tuple[int, S]]]]:
    for _ in history.states(history.keyframes()[-1][0]):
        pass
    last: int | None = None
    for place, state in reversed(history.keyframes()):
        yield state, history.states(place, last)
        last = place


def _differ(old: object, new: object) -> bool:
    return next(changed_paths(old, new), None) is not None


def _field(part: Any, name: str) -> Any:
    if part is None:  # an optional record that is not there
        return ABSENT
    cls: type[Any] = type(part)  # pyright: ignore[reportUnknownVariableType]  # narrowed to a generic of unknown elements
    names = [field.name for field in attrs.fields(cls)] if attrs.has(cls) else []
    if name not in names:
        has = f"the fields {', '.join(names)}" if names else "no fields"
        message = f"there is no field {name!r} in {cls.__name__}, which has {has}"
        raise LogError(message)
    return getattr(part, name, ABSENT)


def _entry(part: Any, step: PathStep) -> Any:
    if isinstance(part, Mapping):
        entries = cast("Mapping[Any, Any]", part)  # type: ignore[redundant-cast]  # not for pyright
        if step.key is not ABSENT:
            return entries.get(step.key, ABSENT)
        return next((value for key, value in entries.items() if repr(key) == step.text), ABSENT)
    if isinstance(part, PVector | PDeque | tuple) and isinstance(step.key, int):
        items = cast("Sequence[Any]", part)
        return items[step.key] if 0 <= step.key < len(items) else ABSENT
    if part is None:
        return ABSENT
    cls: type[Any] = type(part)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # narrowed to a generic of unknown elements
    message = f"[{step.text}] leads nowhere: {cls.__name__} has no such entries"
    raise LogError(message)


def _literal(text: str | None) -> Any:
    try:
        return ABSENT if text is None else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return ABSENT
