"""The reconnect machine as a diagram, drawn from its table.

``python -m refold.reducers.reconnect_diagram`` prints it, for the block in `docs/connection.md`; a
test fails while that block is out of date.
"""

from __future__ import annotations

import sys
from typing import Final

from refold.reducers.reconnect_machine import TRANSITIONS, Phase

__all__ = ["render_reconnect_diagram"]

_STATUS: Final = {
    Phase.IDLE: "disconnected",
    Phase.DIALING: "connecting, later reconnecting",
    Phase.OPEN: "connected",
    Phase.WAITING: "reconnecting",
    Phase.CLOSING: "connected",
}
"""The status that the store shows in each phase."""


def render_reconnect_diagram() -> str:
    """Return the machine as a Mermaid state diagram."""
    phases = [f'    state "{phase.value} ({_STATUS[phase]})" as {phase.value}' for phase in Phase]
    arrows = [
        f"    {source.value} --> {target.value}: {why}" for source, why, target in TRANSITIONS
    ]
    return "\n".join(["stateDiagram-v2", *phases, f"    [*] --> {Phase.IDLE.value}", *arrows])


if __name__ == "__main__":
    sys.stdout.write(render_reconnect_diagram() + "\n")
