"""What a person found out about mutants that survived, in ``reviewed_mutants.toml``.

What belongs here: reading that file.  What does not: finding out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs

__all__ = ["Review", "read_review"]

_FILE: Final = Path(__file__).with_suffix(".toml")


@attrs.frozen
class Review:
    """Reasons by the keys of mutants of one slice."""

    equivalent: dict[str, str]
    """Those that change no behaviour."""

    survivors: dict[str, str]
    """Those that do, and why nothing finds them."""

    def stale(self, keys: Iterable[str]) -> list[str]:
        """Return the keys that no mutant has any more."""
        known = set(keys)
        return [key for key in {**self.equivalent, **self.survivors} if key not in known]


def read_review(name: str) -> Review:
    """Return what the file says of one slice."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))

    def reasons(kind: str) -> dict[str, str]:
        entries: list[dict[str, str]] = tables.get(kind, {}).get(name, [])
        return {entry["key"]: entry["reason"] for entry in entries}

    return Review(reasons("equivalent"), reasons("survivor"))
