"""`nearest_paths`: the parts of a state whose paths look most like a mistyped one."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

import attrs
from pyrsistent import PDeque, PMap, PVector

from refold.replay.changed_paths import ABSENT

__all__ = ["nearest_paths"]

_MOST_PATHS: Final = 20_000
"""Parts that are compared, so that a mistyped path in a huge state is answered within a second."""

_LEAST_LIKENESS: Final = 0.5
_MOST_SHOWN: Final = 3


def nearest_paths(state: object, path: str) -> list[str]:
    """Return up to three paths of the state, the likest first; its first parts if none is like it.

    Args:
        state: where to look.
        path: one that leads nowhere in it.
    """
    paths = list(itertools.islice(_paths(state, ""), _MOST_PATHS))
    found = difflib.get_close_matches(path, paths, _MOST_SHOWN, _LEAST_LIKENESS)
    return found or [one for one, _ in itertools.islice(_children(state, ""), _MOST_SHOWN)]


def _paths(part: object, path: str) -> Iterator[str]:
    for child_path, child in _children(part, path):
        yield child_path
        yield from _paths(child, child_path)


def _children(part: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield what stands directly in a part, with paths as `changed_paths` writes them."""
    cls: Any = type(part)
    if attrs.has(cls):
        for field in attrs.fields(cls):
            yield f"{path}.{field.name}".lstrip("."), getattr(part, field.name, ABSENT)
    elif isinstance(part, PMap):
        for key, value in cast("PMap[Any, Any]", part).items():  # type: ignore[redundant-cast]  # not for pyright
            yield f"{path}[{key!r}]", value
    elif isinstance(part, PVector | PDeque | tuple):
        for index, value in enumerate(cast("Iterable[Any]", part)):
            yield f"{path}[{index}]", value
