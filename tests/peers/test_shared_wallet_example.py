"""`examples/shared_wallet`: three processes and a relay from one command, its output looked at."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from refold import replay
from refold.actions.shared_wallets import SpendProposalRefused
from refold.reducers.peer_network import PeerNetworkState, peer_network_reducer
from refold.selectors.peer_activity import select_activity_events
from refold.selectors.shared_wallets import select_last_spend_refusal, select_spend_sessions
from tests.house.checkout import CHECKOUT

SCRIPT = CHECKOUT / "examples" / "shared_wallet" / "run.py"


@attrs.frozen
class Day:
    """What the command printed and left behind."""

    lines: list[str]
    folder: Path
    peer_ids: dict[str, str]
    """By name."""

    def state_of(self, name: str) -> PeerNetworkState:
        """Fold what a holder recorded again, compare the digests; return the last state."""
        timeline = replay(self.folder / f"{name}.jsonl", peer_network_reducer)
        timeline.verify()
        return timeline.go_to_end()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Run the command once, as a person does."""
    folder = tmp_path_factory.mktemp("shared_wallet")
    outcome = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), "--folder", str(folder / "logs")],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env=os.environ | {"COLUMNS": "80"},
        cwd=folder,
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")
    found = re.findall(r"^(ann|bob|carol) +\d+ +(12D3KooW\w+) *$", outcome.stdout, re.MULTILINE)
    return Day(outcome.stdout.splitlines(), folder / "logs", dict(found))


def test_the_output_tells_the_day(day: Day) -> None:
    """Done when: who holds the wallet, what each of three proposals came to, how to look at it."""
    assert list(day.peer_ids) == ["ann", "bob", "carol"]
    assert len(set(day.peer_ids.values())) == 3
    said = [line.strip() for line in day.lines]
    carol = day.peer_ids["carol"][:12]
    story = [
        "ann: proposed to everybody",
        "ann: accepted",
        "bob: proposed to everybody",
        "bob: rejected",
        f"ann: Cannot reach participants: {carol}...",
    ]
    assert [line for line in said if line in story] == story
    assert f"look: refold show {day.folder / 'ann.jsonl'}" in said
    assert not any("\x1b" in line for line in day.lines)


@pytest.mark.parametrize("name", ["ann", "bob", "carol"])
def test_each_log_folds_to_the_same_digests(day: Day, name: str) -> None:
    """Done when: a recorded session of three peers replays to the same digests, carol's too.

    Her process was killed with signal 9 in the middle of the day.
    """
    state = day.state_of(name)
    assert state.peers.own_peer_id == day.peer_ids[name]
    roof, boat = select_spend_sessions(state.shared_wallets)
    assert (roof.amount_sats, roof.proposer) == (120_000, day.peer_ids["ann"])
    if name == "ann":  # the proposer collects the answers; each of the others has its own
        assert roof.status == "accepted"
    else:
        assert roof.responses[day.peer_ids[name]].accepted
    assert (boat.amount_sats, boat.status) == (900_000, "rejected")
    assert boat.responses[day.peer_ids["carol"]].reason == "it would sink us"


def test_the_proposal_without_carol_was_refused(day: Day) -> None:
    """Task 3.3: who cannot be reached is named; the loss of carol is in the feed."""
    state = day.state_of("ann")
    refusal = select_last_spend_refusal(state.shared_wallets)
    carol = day.peer_ids["carol"]
    assert refusal is not None
    assert refusal.error == f"Cannot reach participants: {carol[:12]}..."
    left = [event for event in select_activity_events(state.activity) if event.type == "peer_left"]
    assert carol in {event.peer_id for event in left}
    actions = replay(day.folder / "ann.jsonl", peer_network_reducer).actions()
    assert sum(isinstance(action, SpendProposalRefused) for _, action in actions) == 1


def test_each_log_opens_in_refold_show(day: Day) -> None:
    """Done when: the recorded session opens in `refold show`."""
    for name in ("ann", "bob", "carol"):
        outcome = subprocess.run(
            [sys.executable, "-m", "refold", "show", str(day.folder / f"{name}.jsonl")],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (outcome.returncode, outcome.stderr) == (0, "")
        assert "shared_wallets/spend_proposed" in outcome.stdout


def test_nothing_of_a_key_is_in_the_logs(day: Day) -> None:
    """No private key, no nonce and no signature is in what the three recorded."""
    for path in day.folder.glob("*.jsonl"):
        written = path.read_bytes()
        for word in (b"PRIVATE", b"private_key", b"nonce", b"signature"):
            assert word not in written


async def test_bad_arguments_are_told_at_once() -> None:
    """A participant without its arguments says which it needs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT.with_name("participant.py"))),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"--name" in errors
    assert b"--relay" in errors
