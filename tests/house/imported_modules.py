"""Which modules a Python file imports, read from its text.

What belongs here: reading.  What does not: judging, which `test_room_imports` does.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["imported_modules", "refold_modules_behind"]


def imported_modules(path: Path) -> set[str]:
    """Return the full name of every module that a file imports, wherever in it that stands.

    ``from a.b import c`` gives both ``a.b`` and ``a.b.c``, because c may be a module.
    """
    return set(_walk(ast.parse(path.read_text(encoding="utf-8"))))


def refold_modules_behind(start: str, imports: dict[str, set[str]]) -> set[str]:
    """Return a module of refold and all modules of refold that it imports, directly or not.

    Args:
        start: the full name of the first module.
        imports: what each module of refold imports.
    """
    found: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module in imports and module not in found:
            found.add(module)
            waiting.extend(imports[module])
    return found


def _walk(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
