"""`log_actions`: print each action with the parts of the state that it changed.

It writes through the standard `logging` module, so structlog and every other logging set-up can
take it over.  While the logger's level is off, a dispatch pays one check.
"""

from __future__ import annotations

import enum
import logging
import reprlib
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.replay.changed_paths import changed_paths

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.store.middleware import Dispatch, Middleware, StoreAPI

__all__ = ["describe_action", "log_actions"]

_WIDTH: Final = 80
_INDENT: Final = "    "
_MOST_PATHS: Final = 8


def log_actions(
    logger: logging.Logger | None = None, *, level: int = logging.INFO, width: int = _WIDTH
) -> Middleware[Any]:
    """Return middleware that logs each action and the paths of the state that it changed.

    Args:
        logger: where to write; None for the logger ``refold.actions``.
        level: the level to write at.
        width: columns that no line exceeds, 40 or more.
    """
    target = logger or logging.getLogger("refold.actions")

    def set_up(store: StoreAPI[Any], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
        def handle(action: Action) -> Action:
            if not target.isEnabledFor(level):
                return next(action)
            before = store.state
            try:
                result = next(action)
            except Exception as error:
                head = describe_action(action, width)
                target.log(level, "%s\n%s", head, _fit(f"{_INDENT}! {error!r}", width))
                raise
            target.log(level, "%s", "\n".join(_lines(action, before, store.state, width)))
            return result

        return handle

    return set_up


def describe_action(action: object, width: int = _WIDTH) -> str:
    """Return an action in one line: its wire name, then its fields but the time."""
    cls = type(action)
    name = getattr(action, "wire_name", cls.__name__)
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    shown = (
        f"{field.name}={_repr.repr(getattr(action, field.name))}"
        for field in fields
        if field.name != "at_ms"
    )
    return _fit(" ".join([name, *shown]), width)


def _lines(action: Action, before: object, after: object, width: int) -> list[str]:
    lines = [describe_action(action, width)]
    changes = list(changed_paths(before, after))
    lines += [
        _fit(f"{_INDENT}{c.path or 'state'}: {_repr.repr(c.old)} -> {_repr.repr(c.new)}", width)
        for c in changes[:_MOST_PATHS]
    ]
    if not changes:
        lines.append(f"{_INDENT}(no change)")
    if len(changes) > _MOST_PATHS:
        lines.append(f"{_INDENT}... and {len(changes) - _MOST_PATHS} more")
    return lines


def _fit(line: str, width: int) -> str:
    flat = line.replace("\n", "\\n")
    if _columns(flat) <= width:
        return flat
    kept = width - 3
    while _columns(flat[:kept]) > width - 3:
        kept -= 1
    return flat[:kept] + "..."


def _columns(text: str) -> int:
    """Return the columns of a terminal that a text takes; a wide character takes two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class _ShortRepr(reprlib.Repr):
    """Short forms of values: a record or map is shown by its kind and size, not by its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 40

    def repr1(self, x: Any, level: int) -> str:
        """Return the short form; of an enum's member its name."""
        return x.name if isinstance(x, enum.Enum) else super().repr1(x, level)

    def repr_PMap(self, value: Any, _level: int) -> str:  # noqa: N802  # reprlib's name
        return f"PMap of {len(value)}"


_repr = _ShortRepr()
