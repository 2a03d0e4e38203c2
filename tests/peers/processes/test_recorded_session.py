"""A recorded session of three peers replays to the same digests and opens in `refold show`.

What belongs here: join, propose, reject, lose one, over real processes.  What does not: the rules
of proposals, which the tests of the shared wallets have.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from refold import replay
from refold.reducers.peer_network import PeerNetworkState, peer_network_reducer
from refold.selectors.shared_wallets import select_spend_session
from tests.peers.processes.stage import PATIENCE, PeerProcess, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WALLET: Final = "house"

JOINED: Final = (
    "peers/peer_node_started",
    "peers/presence_discovered",
    "peers/connection_attempt_to_peer_started",
    "peers/peer_link_opened",
)
LOST: Final = ("peers/peer_link_closed", "peers/presence_withdrawn")
PROPOSED: Final = (
    "shared_wallets/shared_wallet_added",
    "shared_wallets/spend_proposed",
    "shared_wallets/spend_response_received",
    "shared_wallets/spend_proposal_refused",
)


@pytest.mark.timeout(120)
async def test_a_recorded_session_of_three_peers_replays_and_opens_in_show(tmp_path: Path) -> None:
    """Decision: what a node reports is dispatched; proposals are sent to each, replies collected.

    Join, propose, reject, lose one, propose in vain: unreachable participants are refused.  Each
    log has the same digests, and can be shown.
    """
    async with Stage() as stage:
        relay = await stage.relay()
        ann, bob, carol = trio = await asyncio.gather(
            *(
                stage.peer(
                    name,
                    transports=["direct", "relay"],
                    relay=relay.url,
                    log=tmp_path / f"{name}.jsonl",
                    options={"retry_base": 0.05},
                )
                for name in ("ann", "bob", "carol")
            )
        )
        await join(stage, trio)
        session_id = await propose_and_reject(ann, bob, carol)
        await stage.until(
            lambda: all(one.states[0]["sessions"] == {session_id: "rejected"} for one in trio),
            what="the rejection at all three",
        )
        await carol.kill()
        await stage.until(
            lambda: all(one.online == {other.peer_id} for one, other in ((ann, bob), (bob, ann))),
            what="carol being gone",
        )
        refused = await ann.ask("propose", wallet_id=WALLET, amount_sats=5_000)
        assert not refused["success"]
        assert refused["error"] == f"Cannot reach participants: {carol.peer_id[:12]}..."
        await asyncio.gather(ann.stop(), bob.stop())

    state = check_log(tmp_path / "ann.jsonl")
    session = select_spend_session(state.shared_wallets, session_id)
    assert session is not None
    assert session.status == "rejected"
    assert not session.responses[carol.peer_id].accepted
    for name in ("bob", "carol"):
        check_log(tmp_path / f"{name}.jsonl")
    shown = await show(tmp_path / "ann.jsonl")
    assert set(JOINED + LOST + PROPOSED) <= set(shown)


async def join(stage: Stage, trio: Sequence[PeerProcess]) -> None:
    """Wait until all know of each other, connect them, and give all the wallet."""
    await stage.until(
        lambda: all(len(one.online) == len(trio) - 1 for one in trio), what="three being online"
    )
    for one in trio:
        outcome = await one.ask("connect_many", peer_ids=sorted(one.online))
        assert all(result["success"] for result in outcome["results"].values())
    await stage.until(
        lambda: all(len(one.links) == len(trio) - 1 for one in trio), what="three links"
    )
    participants = [
        {"public_key": f"key of {one.name}", "peer_id": one.peer_id, "nickname": one.name}
        for one in trio
    ]
    wallet = {"id": WALLET, "name": "the house", "participants": participants}
    for one in trio:
        await one.ask("hold", wallet=wallet)


async def propose_and_reject(ann: PeerProcess, bob: PeerProcess, carol: PeerProcess) -> str:
    """Let Ann propose, Bob accept and Carol reject; return the session's id."""
    proposed = await ann.ask("propose", wallet_id=WALLET, amount_sats=120_000)
    assert proposed["success"], proposed["error"]
    session_id: str = proposed["session_id"]
    for one, accepted in ((bob, True), (carol, False)):
        await one.until("shared_wallets/spend_proposed")
        await one.ask("respond", session_id=session_id, accepted=accepted)
        await ann.until("shared_wallets/spend_response_received", peer_id=one.peer_id)
    return session_id


def check_log(path: Path) -> PeerNetworkState:
    """Fold a log again, compare every digest, and return its last state."""
    timeline = replay(path, peer_network_reducer)
    timeline.verify()
    return timeline.go_to_end()


async def show(path: Path) -> list[str]:
    """Run `refold show` in a process of its own; return the names of the actions that it shows."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "refold", "show", str(path), "--json")
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, cwd=path.parent)
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return names_in(out)


def names_in(out: bytes) -> list[str]:
    """Return the names of actions in what `refold show --json` printed."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    return [line["name"] for line in lines if "name" in line]
