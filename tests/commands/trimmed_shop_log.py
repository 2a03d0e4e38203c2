"""A log of the shop whose oldest segments were deleted."""

from __future__ import annotations

from pathlib import Path

from refold.middleware.record import record
from refold.replay.log_housekeeping import trim_segments
from refold.replay.log_segments import list_segments
from refold.store.store import Store
from tests.commands.shop_application import PutArticleIntoCart, root

__all__ = ["record_trimmed_run"]


async def record_trimmed_run(path: Path, count: int) -> int:
    """Record so many apples, two in a segment, drop the first half; return the first seq left."""
    async with Store(root, middleware=[record(path, segment_bytes=300)]) as store:
        for number in range(count):
            store.dispatch(PutArticleIntoCart("apple", at_ms=1_800_000_000_000 + 1000 * number))
    trim_segments(path, count // 2)
    first_seq = list_segments(path)[0].first_seq
    assert first_seq is not None
    assert 1 < first_seq <= count // 2
    return first_seq
