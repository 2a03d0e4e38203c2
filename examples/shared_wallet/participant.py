"""One holder of a shared wallet: a program that obeys lines of JSON, and answers by others.

Run it:  python examples/shared_wallet/participant.py --name ann --relay ws://127.0.0.1:4001
It reads one command per line, such as {"do": "connect", "peer_ids": []}; `_obey` has them all.
`examples/shared_wallet/run.py` starts three of them and a relay.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyrsistent import pvector

from refold import Store, record, timestamps
from refold.actions.shared_wallets import (
    Participant,
    SharedWallet,
    SharedWalletAdded,
    SpendSession,
)
from refold.middleware.own_presence import OwnPresence
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.shared_wallet_sessions import SharedWalletSessions
from refold.middleware.usual_peers import usual_peers
from refold.reducers.peer_network import PeerNetworkState, peer_network_reducer
from refold.selectors.peer_activity import select_activity_events
from refold.selectors.peers import select_online_peers
from refold.selectors.shared_wallets import select_spend_sessions

if TYPE_CHECKING:
    from refold.middleware.peers import Peers
    from refold.reducers.peers import PeersState
    from refold.reducers.shared_wallets import SharedWalletsState

__all__ = ["take_part"]


async def take_part(name: str, relay: str, log: Path | None) -> None:
    """Be a participant until the input ends."""
    identity = PeerIdentity.generate()
    peers = usual_peers(
        identity, relays=[relay], about=OwnPresence(nickname=name), select=_peers_of
    )
    sessions = SharedWalletSessions(peers, select=_shared_wallets_of)
    recording = [] if log is None else [record(log)]
    commands = _typed_commands()
    async with Store(
        peer_network_reducer, middleware=[timestamps(), *recording, peers, sessions]
    ) as store:
        _tell_changes(store)
        _tell("started", peer_id=identity.peer_id, public_key=_new_public_key())
        while (command := await commands.get()) is not None:
            await _obey(command, store, peers, sessions)


async def _obey(
    command: dict[str, Any],
    store: Store[PeerNetworkState],
    peers: Peers,
    sessions: SharedWalletSessions,
) -> None:
    match command:
        case {"do": "hold", "wallet": wallet}:
            store.dispatch(SharedWalletAdded(_wallet_of(wallet)))
        case {"do": "connect", "peer_ids": peer_ids}:
            await peers.connect_to_multiple_peers(peer_ids)
        case {"do": "propose", "wallet_id": wallet_id, "recipient": to, "amount_sats": amount}:
            done = await sessions.propose_spend(wallet_id, recipient=to, amount_sats=amount)
            _tell("proposed", success=done.success, session_id=done.session_id, error=done.error)
        case {"do": "respond", "session_id": session_id, "accepted": accepted, "reason": reason}:
            await sessions.respond(session_id, accepted=accepted, reason=reason)
        case _:
            _tell("not_understood", command=command)


def _tell_changes(store: Store[PeerNetworkState]) -> None:
    """Tell who is online, what happened, and what became of proposals, whenever it changes."""
    store.subscribe(
        lambda online, _: _tell("online", peer_ids=[one.peer_id for one in online]),
        select=select_online_peers.at(_peers_of),
    )
    store.subscribe(_tell_sessions, select=select_spend_sessions.at(_shared_wallets_of))
    told = 0

    def tell_activity() -> None:
        nonlocal told
        for event in select_activity_events(store.state.activity):
            if event.number > told:
                told = event.number
                _tell("activity", type=event.type, peer_id=event.peer_id, message=event.message)

    store.subscribe(tell_activity)


def _tell_sessions(now: tuple[SpendSession, ...], before: tuple[SpendSession, ...]) -> None:
    for session in now:
        if session not in before:
            _tell("session", **_fields_of(session))


def _fields_of(session: SpendSession) -> dict[str, Any]:
    return {
        "session_id": session.id,
        "proposer": session.proposer,
        "amount_sats": session.amount_sats,
        "status": session.status,
        "answers": {who: one.accepted for who, one in session.responses.items()},
    }


def _wallet_of(fields: dict[str, Any]) -> SharedWallet:
    participants = pvector(Participant(**one) for one in fields["participants"])
    return SharedWallet(id=fields["id"], name=fields["name"], participants=participants)


def _new_public_key() -> str:
    """Return the public half of a new key for the wallet; nothing here ever signs by it."""
    key = ec.generate_private_key(ec.SECP256K1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()


def _peers_of(state: PeerNetworkState) -> PeersState:
    return state.peers


def _shared_wallets_of(state: PeerNetworkState) -> SharedWalletsState:
    return state.shared_wallets


def _tell(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def _typed_commands() -> asyncio.Queue[dict[str, Any] | None]:
    """Return a queue of the commands that come in, which ends with None."""
    commands: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(commands.put_nowait, json.loads(line))
        loop.call_soon_threadsafe(commands.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    return commands


def main() -> None:
    """Read the arguments and take part."""
    parser = argparse.ArgumentParser(description="Hold a shared wallet with others.")
    parser.add_argument("--name", required=True, help="what the others call this participant")
    parser.add_argument("--relay", required=True, help="where refold relay listens")
    parser.add_argument("--record", type=Path, help="a .jsonl file for every action")
    options = parser.parse_args()
    asyncio.run(take_part(options.name, options.relay, options.record))


if __name__ == "__main__":
    main()
