"""The types of `union_orders`, written in another order: imported first, they are the ones kept."""

from __future__ import annotations

from typing import Literal, Optional, Union

from pyrsistent import PVector

__all__ = ["KEPT"]

KEPT = [
    Optional[Union[str, int]],  # noqa: UP007, UP045  # the very form that is kept
    PVector[Literal["b", "a"]],
    PVector[Union[bytes, int]],  # noqa: UP007
]
