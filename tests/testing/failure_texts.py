"""Expecting a `TestStore` to fail with a text, word for word."""

from __future__ import annotations

from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from refold.errors import TestStoreError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["fails_with", "written"]


def written(text: str) -> str:
    """Return a text that is written between the lines of a function."""
    return dedent(text).strip("\n")


@contextmanager
def fails_with(text: str) -> Generator[pytest.ExceptionInfo[TestStoreError]]:
    """Expect the block to fail with exactly this text; give the failure."""
    with pytest.raises(TestStoreError) as failure:
        yield failure
    assert str(failure.value) == written(text)
