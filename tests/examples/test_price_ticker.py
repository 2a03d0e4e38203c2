"""The price ticker: its server is killed in the middle, and its table goes on.

What belongs here: `examples/price_ticker`, as a person runs it.  What does not: what its README
shows, see `test_examples_readme`.
"""

from __future__ import annotations

import signal
from itertools import islice
from pathlib import Path

import pytest
from rich.console import Console

from examples.price_ticker.client import Price, make_ticker, render
from examples.price_ticker.server import OPENING_CENTS, walk_prices
from examples.price_ticker.state import (
    PriceArrived,
    TickerState,
    root,
    select_reconnects,
    select_rows,
    select_status_line,
)
from refold import replay
from refold.actions.connection import ConnectionEnded, LastError
from refold.actions.message import wire_type_of
from refold.replay.canonical_digest import state_digest
from tests.examples.programs import Server, free_port, program, state_when

SCRIPT = "price_ticker/server.py"


def has_updates(state: TickerState, at_least: dict[str, int]) -> bool:
    """Tell whether so many prices of each symbol came."""
    known = {symbol: quote.updates for symbol, quote in state.market.quotes.items()}
    return all(known.get(symbol, 0) >= count for symbol, count in at_least.items())


async def test_prices_go_on_when_a_killed_server_is_back(tmp_path: Path) -> None:
    """The table outlives its server, counts the reconnect, gets newer prices, and replays."""
    server = Server(SCRIPT, ("--every", 0.01))
    log = tmp_path / "run.jsonl"
    async with server.running("--seed", 1):
        store = make_ticker(server.url, log)
        statuses: list[str] = []
        store.subscribe(lambda new, _: statuses.append(new), select=lambda s: s.connection.status)
        await store.__aenter__()
        await state_when(store, lambda s: has_updates(s, dict.fromkeys(OPENING_CENTS, 3)))
    lost = await state_when(store, lambda s: s.connection.status == "reconnecting")
    assert set(lost.market.quotes) == set(OPENING_CENTS)
    wanted = {symbol: quote.updates + 3 for symbol, quote in lost.market.quotes.items()}
    async with server.running("--seed", 2):
        newer = await state_when(store, lambda s: has_updates(s, wanted))
        await store.aclose()
    assert statuses[:4] == ["connecting", "connected", "reconnecting", "connected"]
    assert select_reconnects(newer) == 1
    assert select_status_line(newer) == "connected; reconnects: 1"
    second_walk = set(islice(walk_prices(2), 10_000))
    assert {(symbol, quote.cents) for symbol, quote in newer.market.quotes.items()} <= second_walk
    timeline = replay(log, root)
    timeline.verify()
    assert state_digest(timeline.at(timeline.head)) == state_digest(store.state)


async def test_a_client_without_a_server_says_so_once_and_waits() -> None:
    """One line tells that nobody is there; Ctrl-C ends the wait without a traceback."""
    url = f"ws://127.0.0.1:{free_port()}/"
    async with program("price_ticker/client.py", "--url", url) as client:
        assert await client.line() == "connecting"
        assert await client.line() == "no server there yet (Connection refused); waiting for it"
        status, rest, errors = await client.end(signal.SIGINT)
    assert (status, errors) == (0, "")
    assert "Traceback" not in rest


async def test_ctrl_c_ends_the_server_while_it_serves() -> None:
    """Neither side shows a traceback, and the client goes on waiting."""
    server = Server(SCRIPT, ("--every", 0.01))
    async with (
        server.running() as served,
        program("price_ticker/client.py", "--url", server.url) as client,
    ):
        await client.line_with("connected; reconnects: 0")
        assert await served.end(signal.SIGINT) == (0, "", "")
        await client.line_with("reconnecting (")
        status, rest, errors = await client.end(signal.SIGINT)
    assert (status, errors) == (0, "")
    assert "AMBER" in rest


@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        ("price_ticker/server.py", ("--every", "0"), "--every must be more than 0 seconds, got 0"),
        ("price_ticker/server.py", ("--port", "99999"), "cannot listen on 127.0.0.1, port 99999"),
        ("price_ticker/client.py", ("--url", "http:/"), "error: "),
        ("price_ticker/client.py", ("--record", __file__ + "/run.jsonl"), "error: "),
    ],
)
async def test_a_bad_argument_is_told_in_one_line(
    script: str, arguments: tuple[str, ...], words: str
) -> None:
    """What cannot be used is named, and nothing is tried with it."""
    async with program(script, *arguments) as tried:
        status, _, errors = await tried.finish()
    assert (status, "Traceback" in errors) == (2, False)
    assert words in errors.splitlines()[-1]


async def test_a_busy_port_is_told_in_one_line() -> None:
    """A second server on the port says what is wrong."""
    server = Server(SCRIPT, ())
    async with server.running(), program(SCRIPT, "--port", server.port) as second:
        status, _, errors = await second.finish()
    assert status == 2
    assert "Traceback" not in errors
    assert "cannot listen" in errors


def test_a_seed_has_one_walk() -> None:
    """The same seed gives the same prices, another seed others; none falls below a cent."""
    walk = list(islice(walk_prices(1), 5_000))
    assert walk == list(islice(walk_prices(1), 5_000))
    assert walk != list(islice(walk_prices(2), 5_000))
    assert {symbol for symbol, _ in walk} == set(OPENING_CENTS)
    assert min(cents for _, cents in walk) >= 1


def test_the_change_is_told_since_the_first_price() -> None:
    """A row has the latest price, and its difference from the first in percent."""
    state = root.initial
    for cents in (200, 300, 250):
        state = root(state, PriceArrived("BASIL", cents))
    (row,) = select_rows(state)
    assert (row.symbol, row.price, row.change, row.updates) == ("BASIL", "2.50", "+25.00 %", 3)


def test_an_end_for_good_is_told_with_its_reason() -> None:
    """Whoever looks at the table sees why nothing will come any more."""
    error = LastError("http", "WSServerHandshakeError", "the server answered HTTP 404")
    state = root(root.initial, ConnectionEnded("fatal", error))
    assert select_status_line(state) == "disconnected for good (the server answered HTTP 404)"


def test_without_a_price_there_is_no_table() -> None:
    """Before the first price the status line stands alone."""
    console = Console(width=80)
    with console.capture() as shown:
        console.print(render(root.initial))
    assert shown.get() == "disconnected\n"


def test_a_price_is_called_price_on_the_wire() -> None:
    """Server and client mean the same type."""
    assert wire_type_of(Price) == "price"
