"""What must be true of the states of peers that are alive, whatever was killed before.

What belongs here: comparing states with the truth.  What does not: how long they may differ.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.peers.processes.stage import PeerProcess

__all__ = ["false_beliefs"]


def false_beliefs(alive: Sequence[PeerProcess], *, has_relay: bool) -> list[str]:
    """Return in words each belief of a living peer that is false.

    Args:
        alive: all peers whose process runs.
        has_relay: whether a relay serves: without one nobody is told who else is there.
    """
    ids = {one.peer_id: one.name for one in alive}
    found = [
        f"{one.name} has a link to the dead {peer_id}"
        for one in alive
        for peer_id in one.links
        if peer_id not in ids
    ]
    for one, other in combinations(alive, 2):
        there = [(kind, not is_inbound) for kind, is_inbound in one.links.get(other.peer_id, ())]
        back = [(kind, is_inbound) for kind, is_inbound in other.links.get(one.peer_id, ())]
        if sorted(there) != sorted(back):
            found.append(f"{one.name} has {there} to {other.name}, which has {back}")
    if has_relay:
        found += [
            f"{one.name} takes {sorted(one.online)} for online"
            for one in alive
            if one.online != set(ids) - {one.peer_id}
        ]
    return found
