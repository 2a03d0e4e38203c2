"""The fixture of tests that share three processes with peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.peers.processes.cast import Cast, cast_of_three

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast() -> AsyncGenerator[Cast]:
    """Give the tests of a file the peers that they take theirs from."""
    async with cast_of_three() as three:
        yield three
