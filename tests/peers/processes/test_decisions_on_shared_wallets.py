"""The design's decisions on shared wallets, between processes, over real loopback sockets.

What belongs here: who is connected to, who may propose and answer what; a test's docstring begins
with its decision.  What does not: one proposal from its beginning to its end, which
`test_recorded_session` has.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from pyrsistent import pvector

from refold.actions.shared_wallets import SpendSession
from refold.middleware.spend_messages import (
    PROPOSAL_KIND,
    RESPONSE_KIND,
    SpendAnswer,
    write_answer,
    write_proposal,
)
from tests.peers.peer_scene import silent_listener, unused_port
from tests.peers.processes.cast import address_at, stranger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.peers.processes.actor import Actor
    from tests.peers.processes.cast import Cast

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ANSWERED: Final = "shared_wallets/spend_response_received"
ATTEMPT: Final = "peers/connection_attempt_to_peer_started"
CLOSED: Final = "peers/peer_link_closed"
DROPPED: Final = "shared_wallets/spend_proposal_dropped"
FAILED: Final = "peers/connection_to_peer_failed"
OPENED: Final = "peers/peer_link_opened"
PROPOSED: Final = "shared_wallets/spend_proposed"
REFUSED: Final = "shared_wallets/spend_proposal_refused"


async def hold(holders: Sequence[Actor], *participants: str | None) -> None:
    """Give a wallet of these participants, the holders if none is named, to all holders."""
    ids = participants or tuple(one.peer_id for one in holders)
    listed = [
        {"public_key": f"key {at}", "peer_id": one, "nickname": "" if one else f"holder {at}"}
        for at, one in enumerate(ids)
    ]
    wallet = {"id": "house", "name": "the house", "participants": listed}
    for one in holders:
        await one.order("hold", wallet=wallet)


async def propose(ann: Actor, amount_sats: float = 5_000) -> dict[str, Any]:
    """Let Ann propose a spend; return what came of it."""
    return await ann.order("propose", wallet_id="house", amount_sats=amount_sats)


async def session_of(one: Actor, session_id: str) -> dict[str, Any]:
    """Return a session as a peer has it."""
    session: dict[str, Any] = (await one.ask("session", session_id=session_id))["session"]
    return session


# --- ensure_participants_connected ----------------------------------------------------------------


async def test_a_link_that_came_or_went_meanwhile_counts(cast: Cast) -> None:
    """Decision: **`ensure_participants_connected`** re-checks after dialling.

    While the third hangs, the first, who could not be dialled, dials by himself, and the second,
    who was connected, leaves.
    """
    ann, bob, carol = cast.take()
    nobody = stranger()
    await ann.connect_to(carol)
    nowhere = [address_at(unused_port(), bob.peer_id)]
    times = {"created_at_ms": time.time_ns() // 1_000_000 + 60_000}  # newer than what Bob says
    await ann.order("discover", peer_id=bob.peer_id, addresses=nowhere, **times)
    async with silent_listener() as silent:
        await ann.order("discover", peer_id=nobody, addresses=[address_at(silent.port, nobody)])
        ensuring = ann.tell("ensure", peer_ids=[bob.peer_id, carol.peer_id, nobody])
        await ann.until(FAILED, peer_id=bob.peer_id)
        await bob.connect_to(ann)
        await carol.order("disconnect", peer_id=ann.peer_id)
        await ann.until(CLOSED, peer_id=carol.peer_id)
        await ann.order("disconnect", peer_id=nobody)  # it hangs no more
        ensured = await ann.outcome_of(ensuring)
    assert not ensured["all_connected"]
    results = ensured["results"]
    assert (results[bob.peer_id]["success"], results[bob.peer_id]["attempts"]) == (True, 3)
    assert results[carol.peer_id]["error"] == "Connection failed"
    assert not results[nobody]["success"]


# --- propose_spend --------------------------------------------------------------------------------


async def test_participants_without_a_peer_id_are_named(cast: Cast) -> None:
    """Decision: `propose_spend` refuses participants without a peer id (naming them).

    The seed's own bug: participants without an id counted as reached.
    """
    ann, bob, _ = cast.take()
    await hold([ann, bob], ann.peer_id, None, bob.peer_id, None)
    proposed = await propose(ann)
    assert not proposed["success"]
    assert proposed["error"] == "Participants without a peer id: holder 1, holder 3"
    assert (await ann.until(REFUSED))["error"] == proposed["error"]
    assert ann.told(ATTEMPT) == bob.told(OPENED) == []


@pytest.mark.parametrize("amount", [0, -1, True, 0.5])
async def test_an_amount_that_is_none_is_refused(cast: Cast, amount: float) -> None:
    """Decision: `propose_spend` refuses a non-positive or bool amount, and dials nobody."""
    ann, bob, _ = cast.take()
    await hold([ann, bob])
    proposed = await propose(ann, amount)
    assert not proposed["success"]
    words = f"The amount must be a whole number of satoshis above 0, got {amount!r}"
    assert proposed["error"] == words
    assert ann.told(ATTEMPT) == bob.told(PROPOSED) == []


async def test_a_success_gives_the_session_that_all_have(cast: Cast) -> None:
    """Decision: it gives `{success, session_id}` and a session record, sent to each participant.

    The seed's own bug: success that returns nothing.
    """
    ann, bob, carol = trio = cast.take()
    await hold(trio)
    proposed = await propose(ann, 7_000)
    assert (proposed["success"], proposed["error"]) == (True, None)
    for one in (bob, carol):
        await one.until(PROPOSED)
    records = [await session_of(one, proposed["session_id"]) for one in trio]
    assert records[0] == records[1] == records[2]
    record = records[0]
    assert 0 < record.pop("created_at_ms") < record.pop("expires_at_ms")
    assert record == {
        "id": proposed["session_id"],
        "wallet_id": "house",
        "recipient": "a recipient",
        "amount_sats": 7_000,
        "proposer": ann.peer_id,
        "participants": [one.peer_id for one in trio],
        "status": "proposed",
        "responses": {},
    }


# --- what is believed -----------------------------------------------------------------------------


async def test_a_proposal_is_believed_only_if_all_of_it_is_right(cast: Cast) -> None:
    """Decision: a proposal is accepted only from a participant of a wallet I also hold.

    And with the same participants, an unknown id, not expired.  One that is right is accepted.
    """
    ann, bob, carol = trio = cast.take()
    await hold(trio)
    await ann.connect_to(bob)
    now = time.time_ns() // 1_000_000
    everybody = [one.peer_id for one in trio]
    for changes, error in (
        ({"wallet_id": "boat"}, "it is about a wallet that is not held here"),
        ({"proposer": carol.peer_id}, "it names another proposer than its sender"),
        ({"participants": everybody[:2]}, "it names other participants than the wallet has"),
        ({"participants": [*everybody, stranger()]}, "it names other participants than the wall"),
        ({"created_at_ms": now - 9, "expires_at_ms": now - 5}, "it is expired"),
    ):
        await send_proposal(ann, bob, forged(trio, **changes))
        dropped = await bob.until(DROPPED)
        assert (dropped["peer_id"], dropped["session_id"]) == (ann.peer_id, "forged")
        assert dropped["error"].startswith(error)
        assert bob.state["sessions"] == {}
    await send_proposal(ann, bob, forged(trio))
    await bob.until(PROPOSED)
    await send_proposal(ann, bob, forged(trio, amount_sats=9_000_000))
    assert (await bob.until(DROPPED))["error"] == "its id is known already"
    assert (await session_of(bob, "forged"))["amount_sats"] == 1_000_000


async def test_a_strangers_proposal_is_dropped(cast: Cast) -> None:
    """Decision: a stranger's proposal is dropped, in its own name and in that of a participant."""
    ann, bob, mallory = trio = cast.take()
    await hold([ann, bob])
    await mallory.connect_to(bob)
    for changes in ({"proposer": mallory.peer_id}, {"proposer": ann.peer_id}):
        ours = {"participants": [ann.peer_id, bob.peer_id], **changes}
        await send_proposal(mallory, bob, forged(trio, **ours))
        dropped = await bob.until(DROPPED, peer_id=mallory.peer_id)
        assert dropped["error"] == "its sender is no participant of the wallet"
    assert (await bob.ask("refusals"))["dropped"]["peer_id"] == mallory.peer_id
    assert bob.told(PROPOSED) == []


async def test_replies_count_only_from_participants_and_once(cast: Cast) -> None:
    """Decision: collects replies, only from participants, once; a stranger's answer is ignored."""
    ann, bob, carol = trio = cast.take()
    _, _, mallory = cast.take("without a relay")
    await hold(trio)
    session_id: str = (await propose(ann))["session_id"]
    await bob.until(PROPOSED)
    await mallory.order("connect_at", peer_id=ann.peer_id, addresses=ann.addresses)
    await send_answer(mallory, ann, session_id, accepted=False)
    await ann.until(ANSWERED, peer_id=mallory.peer_id)
    assert (await session_of(ann, session_id))["responses"] == {}
    await bob.order("respond", session_id=session_id, accepted=True)
    await ann.until(ANSWERED, peer_id=bob.peer_id, accepted=True)
    once = await session_of(ann, session_id)
    assert (once["status"], list(once["responses"])) == ("proposed", [bob.peer_id])
    await send_answer(bob, ann, session_id, accepted=False)
    await ann.until(ANSWERED, peer_id=bob.peer_id, accepted=False)
    assert await session_of(ann, session_id) == once
    await carol.order("respond", session_id=session_id, accepted=True)
    await ann.until(ANSWERED, peer_id=carol.peer_id, accepted=True)
    assert ann.state["sessions"] == {session_id: "accepted"}


def forged(trio: Sequence[Actor], **changes: Any) -> SpendSession:
    """Return a session as the first of three could propose it now, with some changes."""
    now = time.time_ns() // 1_000_000
    fields: dict[str, Any] = {
        "id": "forged",
        "wallet_id": "house",
        "recipient": "somebody",
        "amount_sats": 1_000_000,
        "proposer": trio[0].peer_id,
        "participants": [one.peer_id for one in trio],
        "created_at_ms": now,
        "expires_at_ms": now + 60_000,
        **changes,
    }
    fields["participants"] = pvector(fields["participants"])
    return SpendSession(**fields)


async def send_proposal(sender: Actor, to: Actor, session: SpendSession) -> None:
    """Let a peer send any proposal, whatever its own rules say."""
    payload = write_proposal(session).decode()
    await sender.order("send", peer_id=to.peer_id, kind=PROPOSAL_KIND, notes=[payload])


async def send_answer(sender: Actor, to: Actor, session_id: str, *, accepted: bool) -> None:
    """Let a peer send any answer, likewise."""
    payload = write_answer(SpendAnswer(session_id, accepted, "")).decode()
    await sender.order("send", peer_id=to.peer_id, kind=RESPONSE_KIND, notes=[payload])
