"""`examples/README.md` shows what is true: each command, and each output.

What belongs here: that page.  What does not: what the examples do when a server is killed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sysconfig
from itertools import islice
from pathlib import Path

import pytest
from rich.console import Console

from examples.price_ticker.client import render
from examples.price_ticker.server import OPENING_CENTS, walk_prices
from examples.price_ticker.state import PriceArrived, root
from refold.actions.connection import ConnectionOpened
from tests.examples.programs import Server, free_port, program
from tests.house.checkout import CHECKOUT

EXAMPLES = CHECKOUT / "examples"


def blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def shown_commands() -> list[str]:
    """Return the commands of the page's table, but the one that `test_connectome_page` runs."""
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"`python examples/([^`]+)`", page)
    commands.remove("connectome_stepper/client.py")  # which needs a terminal
    return commands


def run_shown(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a shown block as a person would, in a folder with the examples."""
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(EXAMPLES)
    path = sysconfig.get_path("scripts") + os.pathsep + os.environ["PATH"]
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", shown_commands())
async def test_a_shown_program_starts(tmp_path: Path, command: str) -> None:
    """Each command of the table starts its program, which Ctrl-C ends; the port is the test's."""
    script, *arguments = command.split()
    if script.endswith("server.py"):
        arguments += ["--port", "0"]
        if script.startswith("chat"):
            arguments += ["--history", str(tmp_path / "history.jsonl")]
    else:
        scheme = "http" if script.startswith("shopping_cart") else "ws"
        arguments += ["--url", f"{scheme}://127.0.0.1:{free_port()}/"]
    async with program(script, *arguments) as started:
        await started.line_with("no server there" if "client" in script else "://127.0.0.1:")
        status, rest, errors = await started.end(signal.SIGINT)
    assert (status, errors) == (0, "")
    assert "Traceback" not in rest


async def test_the_recorded_ticker_replays_as_shown(tmp_path: Path) -> None:
    """The client records under the shown name, and the shown replay verifies it."""
    record, replay = blocks("sh")[0].splitlines()
    script, *arguments = record.removeprefix("python examples/").split()
    arguments[-1] = str(tmp_path / arguments[-1])
    server = Server("price_ticker/server.py", ())
    async with server.running(), program(script, *arguments, "--url", server.url) as client:
        await client.line_with("connected")
        assert (await client.end(signal.SIGINT))[0] == 0
    done = run_shown(replay, tmp_path)
    assert done.returncode == 0, done.stderr


async def test_the_chat_commands_run_as_shown(tmp_path: Path) -> None:
    """What a program says through the client arrives, is printed as shown, and replays."""
    say, replay = blocks("sh")[1].splitlines()
    server = Server("chat/server.py", ("--history", tmp_path / "history.jsonl"))
    async with server.running():
        said = run_shown(f"{say} --url {server.url}", tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == blocks("text")[1]
    done = run_shown(replay, tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_table_is_drawn_as_shown() -> None:
    """The page's table is what the client shows after 40 prices of seed 1, and a reconnect."""
    state = root.initial
    for action in (ConnectionOpened(attempt=1), ConnectionOpened(attempt=2)):
        state = root(state, action)
    for symbol, cents in [*OPENING_CENTS.items(), *islice(walk_prices(1), 40)]:
        state = root(state, PriceArrived(symbol, cents))
    console = Console(width=80)
    with console.capture() as shown:
        console.print(render(state))
    drawn = "\n".join(line.rstrip() for line in shown.get().strip("\n").splitlines())
    assert drawn.strip() == blocks("text")[0].strip()


def test_the_day_of_the_shared_wallet_is_as_shown(tmp_path: Path) -> None:
    """The command of the shared wallet prints what the page says, but for ids and counts."""
    done = run_shown(blocks("sh")[-1], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout[done.stdout.index("1. ann") :]
    assert _without_chance(told) == _without_chance(blocks("text")[-1])


def _without_chance(text: str) -> str:
    """Leave out peer ids, and how many actions there were."""
    return re.sub(r"12D3\w+|\d+(?= actions)", "...", text)
