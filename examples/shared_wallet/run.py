"""Three holders of a wallet, a relay, and one day of theirs, each in a process of its own.

Run it:  python examples/shared_wallet/run.py
It ends by itself, and leaves what each of the three recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from refold import replay
from refold.reducers.peer_network import peer_network_reducer

if not __package__:  # started by its path: `examples` is found beside the README of the checkout
    sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.shared_wallet.other_process import OtherProcess, start_participant, start_relay

__all__ = ["live_a_day"]

_NAMES = ("ann", "bob", "carol")
_WALLET = "house"


async def live_a_day(folder: Path, console: Console) -> None:
    """Start all, propose three spends, and lose one of the three holders."""
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(start_relay())
        ann, bob, carol = [
            await stack.enter_async_context(
                start_participant(name, relay, folder / f"{name}.jsonl")
            )
            for name in _NAMES
        ]
        holders = (ann, bob, carol)
        _show_holders(console, relay, holders)
        for one in holders:
            one.tell({"do": "hold", "wallet": _wallet(holders)})
            await one.until("online", lambda told: len(told["peer_ids"]) == len(holders) - 1)

        _say(console, "1. ann proposes 120,000 satoshis for the roof; bob and carol agree")
        await _propose(ann, 120_000, console)
        for one in (bob, carol):
            proposal = await one.until("session", lambda told: told["status"] == "proposed")
            one.tell(_answer(proposal["session_id"], accepted=True))
        await _show_outcome(ann, console)

        _say(console, "2. bob proposes 900,000 satoshis for a boat; carol does not agree")
        await _propose(bob, 900_000, console)
        proposal = await carol.until("session", lambda told: told["proposer"] == bob.peer_id)
        carol.tell(_answer(proposal["session_id"], accepted=False, reason="it would sink us"))
        await _show_outcome(bob, console)

        _say(console, "3. carol's machine dies (kill -9); ann proposes 5,000 satoshis")
        await carol.kill()
        await ann.until("activity", lambda told: told["type"] == "peer_left")
        await _propose(ann, 5_000, console)
    _show_logs(console, folder)


async def _propose(one: OtherProcess, amount_sats: int, console: Console) -> None:
    """Propose a spend and show what came of it."""
    one.tell(
        {
            "do": "propose",
            "wallet_id": _WALLET,
            "recipient": "lotus_16PSJ",
            "amount_sats": amount_sats,
        }
    )
    done = await one.until("proposed")
    if done["success"]:
        console.print(Text(f"   {one.name}: proposed to everybody"))
    else:
        console.print(Text(f"   {one.name}: {done['error']}", "red"))


async def _show_outcome(one: OtherProcess, console: Console) -> None:
    """Wait until a session of this holder is over, and show how each answered."""
    told = await one.until("session", lambda told: told["status"] != "proposed")
    style = "green" if told["status"] == "accepted" else "yellow"
    console.print(Text(f"   {one.name}: {told['status']}", style))


def _answer(session_id: str, *, accepted: bool, reason: str = "") -> dict[str, object]:
    return {"do": "respond", "session_id": session_id, "accepted": accepted, "reason": reason}


def _wallet(holders: tuple[OtherProcess, ...]) -> dict[str, object]:
    return {
        "id": _WALLET,
        "name": "the house",
        "participants": [
            {"public_key": one.public_key, "peer_id": one.peer_id, "nickname": one.name}
            for one in holders
        ],
    }


def _say(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, "bold"))


def _show_holders(console: Console, relay: str, holders: tuple[OtherProcess, ...]) -> None:
    table = Table("holder", "process", "peer", box=None, pad_edge=False)
    for one in holders:
        table.add_row(one.name, str(one.pid), one.peer_id)
    console.print(Text(f"a relay at {relay}, and"))
    console.print(table)


def _show_logs(console: Console, folder: Path) -> None:
    """Fold each log again, and say how to look at it."""
    _say(console, "What each recorded folds to the same digests again:")
    for name in _NAMES:
        path = folder / f"{name}.jsonl"
        timeline = replay(path, peer_network_reducer)
        timeline.verify()
        console.print(Text(f"   {name}: {timeline.head} actions"))
    console.print(Text(f"   look: refold show {folder / 'ann.jsonl'}", "dim"), soft_wrap=True)


def main() -> None:
    """Read the arguments and live the day."""
    parser = argparse.ArgumentParser(description="Spend from a wallet that three people hold.")
    parser.add_argument("--folder", type=Path, help="for the logs; a new temporary one by default")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="refold-wallet-"))
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(live_a_day(folder, Console(highlight=False)))


if __name__ == "__main__":
    main()
