"""`print_lines`: lines that are cut to the width already, for a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["print_lines"]


def print_lines(console: Console, lines: Iterable[Text]) -> None:
    """Print each line as it is, never wrapped."""
    for line in lines:
        console.print(line, soft_wrap=True)
