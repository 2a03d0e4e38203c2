"""`COUNT_GETTERS`: the selectors of the subscription row, written as a user writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["COUNT_GETTERS"]

COUNT_GETTERS: Final[tuple[Callable[[Any], int], ...]] = (
    lambda root: root.s0.count,
    lambda root: root.s1.count,
    lambda root: root.s2.count,
    lambda root: root.s3.count,
    lambda root: root.s4.count,
    lambda root: root.s5.count,
    lambda root: root.s6.count,
    lambda root: root.s7.count,
)
"""One for each of eight slices."""
