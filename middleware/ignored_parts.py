"""`IgnoredParts`: which parts of a state or an action the checks leave alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["IgnoredParts"]


class IgnoredParts:
    """Types and paths; whatever stands under an ignored part is ignored too."""

    def __init__(self, types: Iterable[type] = (), paths: Iterable[str] = ()) -> None:
        """Keep the choice; see `state_checks`."""
        self._types = tuple(types)
        patterns = [_as_expression(path) for path in paths]
        self._paths = re.compile("|".join(patterns), re.DOTALL) if patterns else None

    @property
    def by_path(self) -> bool:
        """Whether it depends on a part's path if it is ignored."""
        return self._paths is not None

    def has(self, value: object, path: str) -> bool:
        """Tell whether a part is ignored, by its type or its path."""
        if self._types and isinstance(value, self._types):
            return True
        return self._paths is not None and self._paths.fullmatch(path) is not None


def _as_expression(path: str) -> str:
    """Return the regular expression of a path in which ``*`` is any text and ``?`` any character.

    Not `fnmatch`, to which ``[3]`` is a set of characters.
    """
    return re.escape(path).replace(r"\*", ".*").replace(r"\?", ".")
