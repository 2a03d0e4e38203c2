"""`DemoHub`: a server that fails in the ways in which servers fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from refold.commands.demo_hub import DemoHub


@pytest.fixture
async def hub() -> AsyncIterator[DemoHub]:
    """Return a hub that listens."""
    async with DemoHub() as hub:
        yield hub


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session of aiohttp's plain client."""
    async with aiohttp.ClientSession() as session:
        yield session


async def read_kind(socket: aiohttp.ClientWebSocketResponse[Any], kind: str) -> dict[str, Any]:
    """Return the next message of a kind."""
    while True:
        message: dict[str, Any] = await socket.receive_json()
        if message["type"] == kind:
            return message


async def test_it_sends_prices_and_confirms_orders(
    hub: DemoHub, session: aiohttp.ClientSession
) -> None:
    """A guest gets prices of known symbols, and each order's number back."""
    async with session.ws_connect(hub.url) as socket:
        assert (await read_kind(socket, "price"))["symbol"] in hub.symbols
        await socket.send_str(json.dumps({"type": "order", "number": 3}))
        assert (await read_kind(socket, "order_confirmed"))["number"] == 3
    assert (hub.orders, hub.welcomes, hub.refusals) == ([3], 1, 0)


async def test_it_refuses_as_often_as_it_is_told(
    hub: DemoHub, session: aiohttp.ClientSession
) -> None:
    """After its refusals it lets guests in again."""
    hub.refuse_next(1)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await session.ws_connect(hub.url)
    assert caught.value.status == 503
    async with session.ws_connect(hub.url):
        assert (hub.welcomes, hub.refusals) == (1, 1)


async def test_it_resets_connections(hub: DemoHub, session: aiohttp.ClientSession) -> None:
    """A reset reaches the guest as a loss without a closing handshake."""
    async with session.ws_connect(hub.url) as socket:
        await read_kind(socket, "price")
        hub.reset_connections()
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE


async def test_it_falls_silent_for_present_guests_only(
    hub: DemoHub, session: aiohttp.ClientSession
) -> None:
    """A silent hub answers no order of a guest it ignores, and serves a new one."""
    async with session.ws_connect(hub.url) as ignored, session.ws_connect(hub.url) as first:
        await read_kind(first, "price")
        await read_kind(ignored, "price")
        hub.fall_silent()
        await ignored.send_str(json.dumps({"type": "order", "number": 1}))
        async with session.ws_connect(hub.url) as welcome:
            await welcome.send_str(json.dumps({"type": "order", "number": 2}))
            await read_kind(welcome, "order_confirmed")
    assert hub.orders == [2]


async def test_it_restarts_on_its_port(hub: DemoHub, session: aiohttp.ClientSession) -> None:
    """Stopping closes with 1012; the same address works after the next start."""
    url = hub.url
    async with session.ws_connect(url) as socket:
        await read_kind(socket, "price")
        stopping = asyncio.create_task(hub.stop())
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        await stopping
        assert socket.close_code == aiohttp.WSCloseCode.SERVICE_RESTART
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.ws_connect(url)
    await hub.start()
    assert hub.url == url
    async with session.ws_connect(url) as socket:
        await read_kind(socket, "price")


async def test_stopping_twice_is_harmless(hub: DemoHub) -> None:
    """A hub that is stopped already stays so."""
    await hub.stop()
    await hub.stop()
