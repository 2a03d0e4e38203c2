"""`mutants_of`: every mutant of the functions of a file, by the operators of mutmut.

What belongs here: which code is mutated, and names for mutants.  What does not: trying them.

mutmut itself leaves out functions with decorators, which handlers of a reducer are: of it only the
operators are used.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import attrs

__all__ = ["Mutant", "mutants_of"]

_NEVER_CALLED_OTHERWISE: Final = frozenset({"isinstance", "len"})
"""mutmut leaves these calls as they are, too: each mutant would be a TypeError."""


@attrs.frozen
class Mutant:
    """A file with one change."""

    key: str
    """Where it is and what it is, without a line's number: it stays the same while other code
    changes."""

    line: int
    """The number of the first line that changed, from 1."""

    source: str
    """The whole file."""


def mutants_of(source: str, left_out: tuple[str, ...] = ()) -> list[Mutant]:
    """Return all mutants of the bodies of functions and lambdas, in the order of the file.

    Args:
        source: the file.
        left_out: names of functions that are not mutated.

    Raises:
        ModuleNotFoundError: mutmut is not installed.
    """
    cst: Any = import_module("libcst")
    operators = import_module("mutmut.mutation.mutators").mutation_operators
    module = cst.parse_module(source)
    seen: Counter[str] = Counter()
    mutants: list[Mutant] = []
    for place, node in _nodes_in_functions(cst, module, left_out):
        for kind, operator in operators:
            if not isinstance(node, kind):
                continue
            for changed in operator(node):
                mutated = module.deep_replace(node, changed).code
                key, line = _describe(place, source, mutated)
                seen[key] += 1
                numbered = key if seen[key] == 1 else f"{key} #{seen[key]}"
                mutants.append(Mutant(numbered, line, mutated))
    return mutants


def _nodes_in_functions(
    cst: Any, module: Any, left_out: tuple[str, ...]
) -> Iterator[tuple[str, Any]]:
    """Yield every node that may be mutated, each with the name of what it is in."""

    def walk(node: Any, place: str) -> Iterator[tuple[str, Any]]:
        if isinstance(node, cst.FunctionDef):
            if node.name.value not in left_out:
                name = _name_of(cst, module, node)
                yield from walk(node.body, f"{place}.{name}" if place else name)
            return
        if _is_kept(cst, node):
            return
        if isinstance(node, cst.Lambda) and not place:
            place = "lambda"
        if place:
            yield place, node
        for child in node.children:
            yield from walk(child, place)

    return walk(module, "")


def _is_kept(cst: Any, node: Any) -> bool:
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name):
        return node.func.value in _NEVER_CALLED_OTHERWISE
    return isinstance(node, cst.Annotation | cst.Decorator | cst.Parameters)


def _name_of(cst: Any, module: Any, function: Any) -> str:
    """Return a function's name; of a handler without one, what it handles."""
    name: str = function.name.value
    if name != "_" or not function.decorators:
        return name
    decorator = function.decorators[0].decorator
    code: str = module.code_for_node(decorator)
    return code.rpartition(".on")[2] if isinstance(decorator, cst.Call) else code


def _describe(place: str, source: str, mutated: str) -> tuple[str, int]:
    before, after = source.splitlines(), mutated.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    old = " ".join(text.strip() for _, a, b, _, _ in changes for text in before[a:b])
    new = " ".join(text.strip() for _, _, _, a, b in changes for text in after[a:b])
    line = changes[0][1] + 1 if changes else 0
    return f"{place}: {old}  =>  {new}", line
