"""A peer in a process of its own that answers each message over a data channel with the same.

What belongs here: the program.  What does not: what tests do with it.

Arguments: the url of a relay, and a seed of 32 bytes in hexadecimal.  It prints its address once it
can be dialled, and ends cleanly when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from refold.errors import PipeClosedError
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.relay_transport import RelayTransport
from refold.middleware.peer_network.secure_channel import SecureChannel
from refold.middleware.peer_network.webrtc_transport import WebRtcTransport
from tests.peers.webrtc_scene import addresses_of_this_machine

__all__ = ["main"]


async def main(relay_url: str, seed: str) -> None:
    """Serve until standard input ends."""
    identity = PeerIdentity.from_seed(bytes.fromhex(seed))
    relay = RelayTransport(identity, relay_url)
    webrtc = WebRtcTransport(identity, relay)
    channels: list[SecureChannel] = []

    async with asyncio.TaskGroup() as group:

        def take(channel: SecureChannel) -> None:
            channels.append(channel)
            group.create_task(_echo(channel))

        await webrtc.listen(take)
        await relay.listen(SecureChannel.abort)
        print(webrtc.addresses()[0], flush=True)  # noqa: T201  # read by the test
        await asyncio.to_thread(sys.stdin.read)
        for channel in channels:
            await channel.close()
        await webrtc.close()
        await relay.close()


async def _echo(channel: SecureChannel) -> None:
    with contextlib.suppress(PipeClosedError):
        while True:
            await channel.send(await channel.receive())


if __name__ == "__main__":
    with addresses_of_this_machine("127.0.0.1"):
        asyncio.run(main(*sys.argv[1:]))
