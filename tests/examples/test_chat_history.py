"""The chat server's file: what it keeps, what it cuts off, what it refuses.

What belongs here: `examples/chat/history.py`.  What does not: the server around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.chat.history import History, Said

if TYPE_CHECKING:
    from pathlib import Path

HELLO = Said("a", "ann", "hello")
ANSWER = Said("b", "ben", "hello, ann")


async def test_messages_are_there_again(tmp_path: Path) -> None:
    """Another server that opens the file knows all messages in order, each once."""
    path = tmp_path / "history.jsonl"
    history = History(path)
    for said in (HELLO, HELLO, ANSWER):
        await history.add("lobby", said)
    history.close()
    again = History(path)
    assert again.room("lobby").messages == [HELLO, ANSWER]
    assert again.room("cellar").messages == []
    again.close()


async def test_a_line_that_was_not_finished_is_cut_off(tmp_path: Path) -> None:
    """What a killed server had begun to write was seen by nobody; the next message follows well."""
    path = tmp_path / "history.jsonl"
    history = History(path)
    await history.add("lobby", HELLO)
    history.close()
    path.write_bytes(path.read_bytes() + b'{"room": "lob')
    again = History(path)
    await again.add("lobby", ANSWER)
    again.close()
    last = History(path)
    assert last.room("lobby").messages == [HELLO, ANSWER]
    last.close()


@pytest.mark.parametrize("line", ["no JSON", "[]", "{}", '{"room": "lobby", "price": 1}'])
def test_another_file_is_refused(tmp_path: Path, line: str) -> None:
    """A file that is no history is named with the line, and stays as it is."""
    path = tmp_path / "other.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match=r"other\.jsonl, line 1, is no message of a chat"):
        History(path)
    assert path.read_text() == line + "\n"


async def test_a_client_gets_what_came_after_what_it_saw(tmp_path: Path) -> None:
    """One that saw nothing, or what the server does not know, begins at the beginning."""
    history = History(tmp_path / "history.jsonl")
    for said in (HELLO, ANSWER):
        await history.add("lobby", said)
    room = history.room("lobby")
    assert [room.count_seen(seen) for seen in (None, "unknown", "a", "b")] == [0, 0, 1, 2]
    history.close()
