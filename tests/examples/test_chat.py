"""The chat: its server is killed in the middle, and every line arrives once, in order.

What belongs here: `examples/chat`, as a person runs it.  What does not: its history by itself, see
`test_chat_history`; what its README shows, see `test_examples_readme`.
"""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from examples.chat.session import ChatSession, make_session
from examples.chat.state import ChatState, LineGivenUp, LineTyped, root
from examples.chat.status_line import select_status_line
from refold import replay
from refold.replay.canonical_digest import state_digest
from tests.examples.programs import Server, free_port, program, state_when

SCRIPT = "chat/server.py"


def texts_of(session: ChatSession, name: str | None = None) -> list[str]:
    """Return what arrived, from everybody or from one."""
    messages = session.store.state.talk.messages
    return [message.text for message in messages if name in (None, message.name)]


async def wait_for_count(session: ChatSession, count: int) -> None:
    """Wait until so many messages arrived and none is waited for."""

    def holds(state: ChatState) -> bool:
        return len(state.talk.messages) >= count and not state.talk.waiting

    await state_when(session.store, holds)


async def wait_for_status(session: ChatSession, status: str) -> None:
    """Wait until the connection stands there."""
    await state_when(session.store, lambda state: state.connection.status == status)


def assert_replays(log: Path, session: ChatSession) -> None:
    """A recorded session, folded again, ends in the state in which it ended."""
    timeline = replay(log, root)
    timeline.verify()
    assert state_digest(timeline.at(timeline.head)) == state_digest(session.store.state)


async def test_what_is_typed_while_the_server_is_away_arrives_once_and_in_order(
    tmp_path: Path,
) -> None:
    """Nothing is lost by a killed server, for those who were there and for one who comes later."""
    server = Server(SCRIPT, ("--history", tmp_path / "history.jsonl"))
    async with AsyncExitStack() as left_at_the_end:
        async with server.running():
            ann = make_session(server.url, "lobby", "ann", tmp_path / "ann.jsonl")
            ben = make_session(server.url, "lobby", "ben", tmp_path / "ben.jsonl")
            for session in (ann, ben):
                await left_at_the_end.enter_async_context(session.store)
            ann.say("one")
            ann.say("two")
            await wait_for_count(ann, 2)
            await wait_for_count(ben, 2)
        for session in (ann, ben):
            await wait_for_status(session, "reconnecting")
        for line in ("three", "four", "five"):
            ann.say(line)
        ben.say("aside")
        assert [line.text for line in ann.store.state.talk.waiting] == ["three", "four", "five"]
        async with server.running():
            carol = make_session(server.url, "lobby", "carol")
            await left_at_the_end.enter_async_context(carol.store)
            for session in (ann, ben, carol):
                await wait_for_count(session, 6)
            for session in (ann, ben, carol):
                await session.store.aclose()
    assert texts_of(ben, "ann") == ["one", "two", "three", "four", "five"]
    assert texts_of(ann) == texts_of(ben) == texts_of(carol)
    assert sorted(texts_of(ann)) == sorted(["one", "two", "three", "four", "five", "aside"])
    assert ann.store.state.connection.total_connects == 2
    assert ann.handlers.duplicate_count == 0  # it asked for what it missed, and no more
    assert_replays(tmp_path / "ann.jsonl", ann)
    assert_replays(tmp_path / "ben.jsonl", ben)


async def test_a_kill_in_the_middle_of_many_lines_loses_and_doubles_none(tmp_path: Path) -> None:
    """Lines that were on their way when the server died arrive once, in the order of typing."""
    server = Server(SCRIPT, ("--history", tmp_path / "history.jsonl"))
    lines = [f"line {number}" for number in range(400)]
    async with AsyncExitStack() as left_at_the_end:
        async with server.running():
            ann = make_session(server.url, "lobby", "ann")
            ben = make_session(server.url, "lobby", "ben", tmp_path / "ben.jsonl")
            for session in (ann, ben):
                await left_at_the_end.enter_async_context(session.store)
                await wait_for_status(session, "connected")
            for line in lines:
                ann.say(line)
            await state_when(ben.store, lambda state: len(state.talk.messages) >= 50)
        assert ann.store.state.talk.waiting  # or the kill came too late to prove anything
        async with server.running():
            for session in (ann, ben):
                await wait_for_count(session, len(lines))
                await session.store.aclose()
    assert texts_of(ben) == texts_of(ann) == lines
    assert_replays(tmp_path / "ben.jsonl", ben)


async def test_rooms_are_apart(tmp_path: Path) -> None:
    """What is said in one room is not heard in another."""
    server = Server(SCRIPT, ("--history", tmp_path / "history.jsonl"))
    async with server.running():
        lobby = make_session(server.url, "lobby", "ann")
        cellar = make_session(server.url, "cellar", "ben")
        async with lobby.store, cellar.store:
            lobby.say("hello")
            cellar.say("dark here")
            await wait_for_count(lobby, 1)
            await wait_for_count(cellar, 1)
    assert (texts_of(lobby), texts_of(cellar)) == (["hello"], ["dark here"])


async def test_leaving_with_lines_unsent_raises_nothing() -> None:
    """A session that ends without a server keeps its lines in the state, and asyncio is content."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: complaints.append(found))
    ann = make_session(f"ws://127.0.0.1:{free_port()}/", "lobby", "ann")
    async with ann.store:
        ann.say("is anybody there?")
        await wait_for_status(ann, "reconnecting")
        assert select_status_line(ann.store.state).endswith("waiting for it; lines kept: 1")
    assert [line.text for line in ann.store.state.talk.waiting] == ["is anybody there?"]
    assert complaints == []


async def test_a_line_that_is_cleared_is_given_up_in_the_state() -> None:
    """What will not be sent again is waited for no longer."""
    ann = make_session(f"ws://127.0.0.1:{free_port()}/", "lobby", "ann")
    async with ann.store:
        ann.say("never mind")
        ann.connection.clear_queue()
        await state_when(ann.store, lambda state: not state.talk.waiting)
    assert not texts_of(ann)


def test_the_reducer_gives_up_the_line_that_is_meant() -> None:
    """The other lines go on waiting."""
    state = root.initial
    for action in (LineTyped("a", "first"), LineTyped("b", "second"), LineGivenUp("a", "late")):
        state = root(state, action)
    assert [line.text for line in state.talk.waiting] == ["second"]


@pytest.mark.parametrize("said", ["no JSON", "[]", '{"room": "lobby"}'])
async def test_the_server_sends_away_who_does_not_join(tmp_path: Path, said: str) -> None:
    """What is no join is answered by code 1008, which says that it is no use to come again."""
    server = Server(SCRIPT, ("--history", tmp_path / "history.jsonl"))
    async with (
        server.running(),
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url) as client,
    ):
        await client.send_str(said)
        assert (await client.receive()).type is aiohttp.WSMsgType.CLOSE
        assert client.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_the_server_takes_an_id_once(tmp_path: Path) -> None:
    """A line that is sent again, because its echo was lost, is no second message."""
    server = Server(SCRIPT, ("--history", tmp_path / "history.jsonl"))
    async with (
        server.running(),
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url) as client,
    ):
        await client.send_json({"room": "lobby", "name": "ann", "last_seen": None})
        for message_id in ("a", "a", "b"):
            await client.send_json({"id": message_id, "text": f"text of {message_id}"})
        heard = [json.loads(await client.receive_str()) for _ in range(2)]
    assert [message["text"] for message in heard] == ["text of a", "text of b"]


async def test_a_client_without_a_server_says_so_once_and_waits() -> None:
    """One line tells that nobody is there; Ctrl-C ends the wait without a traceback."""
    url = f"ws://127.0.0.1:{free_port()}/"
    async with program("chat/client.py", "--name", "ann", "--url", url) as client:
        assert await client.line() == "-- connecting"
        said = await client.line()
        assert said == "-- no server there yet (Connection refused); waiting for it"
        assert await client.end(signal.SIGINT) == (0, "-- disconnected\n", "")


async def test_the_clients_of_two_people_talk(tmp_path: Path) -> None:
    """What one types the other reads; the end of the input, and Ctrl-C, end without a traceback."""
    server = Server(SCRIPT, ("--history", tmp_path / "history.jsonl"))
    async with (
        server.running() as served,
        program("chat/client.py", "--name", "ann", "--url", server.url) as ann,
        program("chat/client.py", "--name", "ben", "--url", server.url) as ben,
    ):
        await ann.line_with("connected")
        status, _, errors = await ben.finish(b"hello\n\nis anybody there?\n")
        assert (status, errors) == (0, "")
        assert await ann.line() == "ben hello"
        assert await ann.line() == "ben is anybody there?"
        assert await served.end(signal.SIGINT) == (0, "", "")
        assert await ann.line() == "-- the server is away; reconnecting"
        assert await ann.end(signal.SIGINT) == (0, "-- disconnected\n", "")


async def test_lines_that_did_not_arrive_are_counted_at_the_end(tmp_path: Path) -> None:
    """A client whose server never takes its line says so, and ends with status 1."""
    server = Server(SCRIPT, ("--history", tmp_path / "history.jsonl"))
    async with (
        server.running() as served,
        program("chat/client.py", "--name", "ann", "--url", server.url) as ann,
    ):
        await ann.line_with("connected")
        await served.end(signal.SIGKILL)
        status, said, errors = await ann.finish(b"too late\n")
    assert (status, errors) == (1, "")
    assert said.splitlines()[-1] == "-- 1 of your lines did not arrive"
