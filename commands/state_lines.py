"""`state_lines`: an encoded state as indented lines that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeGuard

import orjson

from refold.commands.printable import printable

__all__ = ["state_lines"]

_INDENT: Final = "  "
_MOST_ENTRIES: Final = 40
"""Entries shown of one collection: a ledger of ten thousand must not push the rest away."""

_LONGEST_INLINE: Final = 60
"""Characters up to which a collection stands on one line."""


def state_lines(value: Any, indent: str = "") -> Iterator[str]:
    """Yield the lines of a JSON value, one entry each, nested ones indented.

    Args:
        value: as `encode_state` gives it.
        indent: what every line begins with.
    """
    if _is_list(value):
        entries = [(f"{index}:", entry) for index, entry in enumerate(value[:_MOST_ENTRIES])]
    elif _is_mapping(value) and value:
        entries = [(f"{printable(key)}:", value[key]) for key in list(value)[:_MOST_ENTRIES]]
    else:
        yield indent + _inline(value)
        return
    width = max((len(name) for name, entry in entries if _fits(entry)), default=0)
    for name, entry in entries:
        if _fits(entry):
            yield f"{indent}{name:<{width}} {_inline(entry)}"
        else:
            yield indent + name
            yield from state_lines(entry, indent + _INDENT)
    if len(value) > _MOST_ENTRIES:
        yield f"{indent}... and {len(value) - _MOST_ENTRIES:,} more (--json shows all)"


def _fits(value: Any) -> bool:  # any JSON value
    """Tell whether a value stands on one line: a record never does, unless it is empty."""
    if _is_mapping(value):
        return not value
    return not _is_list(value) or len(_inline(value)) <= _LONGEST_INLINE


def _inline(value: Any) -> str:  # any JSON value
    return printable(orjson.dumps(value).decode())


def _is_list(value: Any) -> TypeGuard[list[Any]]:  # any JSON value
    return isinstance(value, list) and bool(value)  # pyright: ignore[reportUnknownArgumentType]


def _is_mapping(value: Any) -> TypeGuard[dict[str, Any]]:  # any JSON value
    return isinstance(value, dict)
