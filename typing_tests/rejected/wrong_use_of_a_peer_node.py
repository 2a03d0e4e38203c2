"""A node is told of known kinds and given bytes; what it reports is one of its events."""

from __future__ import annotations

from refold.middleware.peer_network.peer_node import PeerNode
from refold.middleware.peer_network.peer_options import PeerOptions


def print_text(text: str) -> None:
    """Take no event."""


async def use(node: PeerNode) -> None:
    """Use a node in wrong ways."""
    await node.send("bob", "greeting", "a text")  # expect-error
    await node.connect("bob")  # expect-error


PeerOptions(order=("pigeon",))  # expect-error
PeerOptions(keepalive_interval="5 s")  # expect-error
PeerNode("alice", [])  # expect-error
PeerNode("alice", [], report=print_text)  # expect-error
