"""Differences between two states in words, whole for programs and cut to the width for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from refold.commands.printable import printable
from refold.commands.state_changes import StateChange

if TYPE_CHECKING:
    from refold.replay.changed_paths import ChangedPath

__all__ = ["change_lines", "difference_lines", "whole_changes"]

_INDENT = "  "


def whole_changes(differences: Iterable[ChangedPath]) -> list[StateChange]:
    """Return differences in words, no value cut short."""
    return [
        StateChange(
            printable(one.path) or "state", printable(repr(one.old)), printable(repr(one.new))
        )
        for one in differences
    ]


def change_lines(changes: Iterable[StateChange], width: int) -> Iterator[Text]:
    """Yield one line for each change, or three where the two values do not fit beside each other.

    Args:
        changes: in the order in which they are shown.
        width: columns to which a line is cut.
    """
    for one in changes:
        line = f"{_INDENT}{one.path}: {one.old} -> {one.new}"
        if cell_len(line) <= width:
            yield Text(line)
            continue
        yield Text(f"{_INDENT}{one.path}:")
        for sign, value, style in (("-", one.old, "red"), ("+", one.new, "green")):
            text = Text(f"{_INDENT}{_INDENT}{sign} {value}", style=style)
            text.truncate(width, overflow="ellipsis")
            yield text


def difference_lines(changes: Sequence[StateChange], states: str, width: int) -> Iterator[Text]:
    """Yield how much two states differ, and the changes from one to the other.

    Args:
        changes: may be none.
        states: how the two are called.
        width: columns to which a line is cut.
    """
    parts = "1 part" if len(changes) == 1 else f"{len(changes):,} parts"
    title = f"{states} differ in {parts}" if changes else f"{states} are equal"
    yield Text(title, style="bold")
    yield from change_lines(changes, width)
