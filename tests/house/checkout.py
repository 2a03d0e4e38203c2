"""Where the checkout is, and the mark for tests that need its sources."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

__all__ = ["CHECKOUT", "ROOMS", "needs_sources"]

CHECKOUT: Final = Path(__file__).parents[2]
"""The folder that `tests` stands in."""

ROOMS: Final = (
    "actions",
    "reducers",
    "selectors",
    "store",
    "replay",
    "middleware",
    "testing",
    "commands",
)
"""Every root folder that is a package inside `refold`; `facade` is `refold` itself."""

needs_sources: Final = pytest.mark.skipif(
    not (CHECKOUT / "facade").is_dir(),
    reason="the sources are not here: it is the wheel that is being tested",
)
"""Skips a test about the sources when only the tests are there."""
