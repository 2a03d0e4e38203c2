"""The shopping cart: refused changes are taken back alone, and a killed shop confirms nothing.

What belongs here: `examples/shopping_cart`, as a person runs it and as its page shows it.  What
does not: operations themselves, see `tests/operations`.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.shopping_cart.client import make_shopping
from examples.shopping_cart.questions import Articles, Refused, check_out, reserve
from examples.shopping_cart.state import (
    Shopping,
    root,
    select_cart_line,
    select_notice,
    select_order,
)
from refold import replay
from refold.actions.operation_actions import OperationError
from refold.testing.golden_sessions import check_golden
from tests.examples.programs import Program, Server, free_port, program, state_when
from tests.examples.test_examples_readme import blocks, run_shown

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER, CLIENT = "shopping_cart/server.py", "shopping_cart/client.py"

GOLDEN = Path(__file__).parent / "golden" / "shopping_cart.jsonl"
"""What `record_shopping_cart` beside it recorded."""

PRODUCTS = ("AMBER", "BASIL", "CLOVE")


def url_of(server: Server) -> str:
    """Return where a shop is."""
    return f"http://127.0.0.1:{server.port}/"


def printed_lines(log: Path) -> Iterator[str]:
    """Yield what the client prints in a recorded session: each new cart, each new notice."""
    timeline = replay(log, root)
    before = timeline.at(0)
    for seq in range(1, timeline.head + 1):
        state = timeline.at(seq)
        for select in (select_cart_line, select_notice):
            if select(state) != select(before):
                yield select(state)
        before = state


class FakeShop:
    """A shop in the test's hands: it answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def ask(self, question: str, body: dict[str, Any]) -> dict[str, Any]:
        """Give the next answer."""
        self.asked.append((question, body))
        return await self.answers.get()


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[int, str, Articles]]:
    """Return what happens to some changes, in order: each is asked for, then answered or not."""
    count = draw(st.integers(1, 8))
    steps: list[tuple[int, str, Articles]] = []
    for number in range(count):
        articles = Articles(draw(st.sampled_from(PRODUCTS)), draw(st.integers(1, 3)))
        end = draw(st.sampled_from(["fulfilled", "rejected", "waiting"]))
        begins = draw(st.integers(0, len(steps)))
        steps.insert(begins, (number, "pending", articles))
        if end != "waiting":
            steps.insert(draw(st.integers(begins + 1, len(steps))), (number, end, articles))
    return steps


@given(steps=lives())
def test_a_refused_change_leaves_no_trace(steps: list[tuple[int, str, Articles]]) -> None:
    """In whatever order changes are answered, the cart is that of the changes not refused."""
    state: Shopping = root.initial
    counts: Counter[str] = Counter()
    unsure: Counter[str] = Counter()
    for number, stage, articles in steps:
        identity = (f"request {number}", articles)
        match stage:
            case "pending":
                state = root(state, reserve.pending(*identity))
                counts[articles.product] += articles.count
                unsure[articles.product] += 1
            case "fulfilled":
                state = root(state, reserve.fulfilled(*identity, value=5))
                unsure[articles.product] -= 1
            case _:
                error = OperationError("Rejected", "the operation rejected")
                refused = Refused("sold out")
                state = root(state, reserve.rejected(*identity, error=error, payload=refused))
                counts[articles.product] -= articles.count
                unsure[articles.product] -= 1
        parts = [
            f"{count} {product}{'?' if unsure[product] else ''}"
            for product, count in sorted(counts.items())
            if count
        ]
        assert select_cart_line(state) == f"cart: {', '.join(parts) or 'nothing'}"


async def test_only_one_order_at_a_time_and_none_before_all_is_confirmed() -> None:
    """Paying is refused while a change waits, nothing is there, or it is being done."""
    shop = FakeShop()
    async with make_shopping(shop) as store:
        assert isinstance(await store.dispatch(check_out(())), check_out.rejected)
        changes = [store.dispatch(reserve(Articles("BASIL", count))) for count in (1, 2)]
        shop.answers.put_nowait({"left": 9})
        await changes[0]
        order = select_order(store.state)
        assert order == (Articles("BASIL", 1),)
        assert isinstance(await store.dispatch(check_out(order)), check_out.rejected)
        shop.answers.put_nowait({"refused": "sold out"})
        await changes[1]
        first, second = store.dispatch(check_out(order)), store.dispatch(check_out(order))
        shop.answers.put_nowait({"number": 7, "cents": 250})
        assert isinstance(await second, check_out.rejected)
        assert await first.unwrap()
        assert select_notice(store.state) == "order 7: 1 BASIL for 2.50"
        assert select_cart_line(store.state) == "cart: nothing"
    assert [question for question, _ in shop.asked] == ["reserve", "reserve", "order"]


@pytest.mark.parametrize(("left", "notice"), [(3, ""), (2, "only 2 BASIL left in the shop")])
async def test_a_low_stock_is_told(left: int, notice: str) -> None:
    """A listener says how many are left when they are few."""
    shop = FakeShop()
    shop.answers.put_nowait({"left": left})
    async with make_shopping(shop) as store:
        await store.dispatch(reserve(Articles("BASIL", 1)))
        if notice:
            await state_when(store, lambda state: bool(state.notice))
    assert select_notice(store.state) == notice


async def test_an_order_that_fails_leaves_the_cart() -> None:
    """When the shop refuses to sell, the articles stay, and can be ordered again."""
    shop = FakeShop()
    async with make_shopping(shop) as store:
        for answer in ({"left": 9}, {"refused": "closed"}, {"number": 1, "cents": 250}):
            shop.answers.put_nowait(answer)
        await store.dispatch(reserve(Articles("BASIL", 1)))
        order = select_order(store.state)
        assert isinstance(await store.dispatch(check_out(order)), check_out.rejected)
        assert select_notice(store.state) == "no order (closed)"
        assert select_cart_line(store.state) == "cart: 1 BASIL"
        assert isinstance(await store.dispatch(check_out(order)), check_out.fulfilled)


async def test_a_cart_is_filled_and_paid(tmp_path: Path) -> None:
    """With the shop as it is, all that it has is bought, the rest taken back, and it replays."""
    server, log = Server(SERVER, ("--slow", 0.01, "--busy", 0)), tmp_path / "cart.jsonl"
    async with (
        server.running(),
        program(CLIENT, "--url", url_of(server), "--record", log) as client,
    ):
        status, out, errors = await client.finish()
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "the shop has AMBER, BASIL, CLOVE, DILL"
    assert lines[-1] == "order 1: 2 AMBER, 4 BASIL, 2 CLOVE for 53.50"
    assert "taken back: 1 DILL (sold out)" in lines
    assert "taken back: 2 CLOVE (only 1 left)" in lines
    assert list(printed_lines(log)) == lines
    replay(log, root).verify()


async def test_a_killed_shop_has_confirmed_nothing(tmp_path: Path) -> None:
    """When the server is killed while it thinks, all is taken back, and the log is whole."""
    server, log = Server(SERVER, ("--slow", 10_000)), tmp_path / "cart.jsonl"
    async with server.running() as shop:
        arguments = ("--url", url_of(server), "--record", log, "BASIL=1", "AMBER=2")
        async with program(CLIENT, *arguments) as client:
            await client.line_with("cart: 2 AMBER?, 1 BASIL?")
            await shop.end(signal.SIGKILL)
            status, out, errors = await client.finish()
    assert (status, errors) == (1, "nothing was bought\n")
    assert out.count("(the shop does not answer)") == 2
    timeline = replay(log, root)
    timeline.verify()
    assert select_cart_line(timeline.at(timeline.head)) == "cart: nothing"


async def test_a_customer_waits_for_the_shop() -> None:
    """Without a server one line says so; once there is one, the customer buys."""
    server = Server(SERVER, ("--slow", 0, "--busy", 0), port=free_port())
    async with program(CLIENT, "--url", url_of(server), "BASIL=1") as client:
        waiting = "no server there yet (the shop does not answer); waiting for it"
        assert await client.line() == waiting
        async with server.running():
            assert await client.line() == "the shop has AMBER, BASIL, CLOVE, DILL"
            assert await _ends_well(client)


async def test_ctrl_c_takes_back_what_is_not_confirmed() -> None:
    """Ctrl-C ends the customer without a traceback, and says what is not in the cart after all."""
    server = Server(SERVER, ("--slow", 10_000))
    async with (
        server.running(),
        program(CLIENT, "--url", url_of(server), "BASIL=1") as client,
    ):
        await client.line_with("cart: 1 BASIL?")
        status, out, errors = await client.end(signal.SIGINT)
    assert (status, errors) == (0, "")
    assert "taken back: 1 BASIL (the store was left)" in out


async def _ends_well(client: Program) -> bool:
    status, out, errors = await client.finish()
    return (status, errors) == (0, "") and "order 1: 1 BASIL for 2.50" in out


@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        (SERVER, ("--slow", "-1"), "--slow must be 0 seconds or more, got -1"),
        (SERVER, ("--busy", "2"), "--busy must be from 0 to 1, got 2"),
        (SERVER, ("--port", "99999"), "cannot listen on 127.0.0.1, port 99999"),
        (CLIENT, ("--url", "http:/"), "invalid url_of value"),
        (CLIENT, ("BASIL",), "argument PRODUCT=COUNT"),
        (CLIENT, ("BASIL=0",), "argument PRODUCT=COUNT"),
        (CLIENT, ("--record", __file__ + "/run.jsonl"), "error: "),
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


def test_the_page_shows_the_golden_session() -> None:
    """What the page shows is what the client printed in the recorded session."""
    assert list(printed_lines(GOLDEN)) == blocks("text")[2].splitlines()


def test_the_golden_session_leads_where_it_led() -> None:
    """The recorded session folds to what was accepted."""
    check_golden(GOLDEN, root)


async def test_the_shown_commands_record_and_replay(tmp_path: Path) -> None:
    """The commands of the page buy, record and verify."""
    buy, replay_shown = blocks("sh")[2].splitlines()
    server = Server(SERVER, ("--slow", 0, "--busy", 0))
    async with server.running():
        bought = run_shown(f"{buy} --url {url_of(server)}", tmp_path)
    assert (bought.returncode, bought.stderr) == (0, "")
    done = run_shown(replay_shown, tmp_path)
    assert done.returncode == 0, done.stderr
