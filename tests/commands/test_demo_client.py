"""`DemoClient`: what it makes of the hub's messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from refold.commands.demo_client import DemoClient


async def test_a_message_of_no_known_kind_is_counted_not_lost(tmp_path: Path) -> None:
    """A message that makes no sense raises, which the connection counts as an error."""
    client = DemoClient("ws://127.0.0.1:9/prices", tmp_path / "run.jsonl")
    on_message = client.receive
    with pytest.raises(ValueError, match="no known kind"):
        on_message('{"type":"gossip"}')
    await client.store.aclose()
