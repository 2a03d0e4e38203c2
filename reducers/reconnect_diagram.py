"""The reconnect machine as a diagram, drawn from its table.

``python -m refold.reducers.reconnect_diagram > docs/reconnect_diagram.md`` writes the page; a test
fails while the page is out of date.
"""

from __future__ import annotations

import sys
from typing import Final

from refold.reducers.reconnect_machine import TRANSITIONS, Phase

__all__ = ["render_reconnect_diagram", "render_reconnect_page"]

_STATUS: Final = {
    Phase.IDLE: "disconnected",
    Phase.DIALING: "connecting, later reconnecting",
    Phase.OPEN: "connected",
    Phase.WAITING: "reconnecting",
    Phase.CLOSING: "connected",
}
"""The status that the store shows in each phase."""

_PAGE: Final = """# The reconnect machine

Drawn from `TRANSITIONS` in `reducers/reconnect_machine.py`; do not edit this page, write it anew:
`python -m refold.reducers.reconnect_diagram > docs/reconnect_diagram.md`

```mermaid
{diagram}
```

An event that has no arrow from a phase changes nothing there. "For good" is a failure that another
attempt would not change (`reducers/classify_failure.py`).
"""


def render_reconnect_diagram() -> str:
    """Return the machine as a Mermaid state diagram."""
    phases = [f'    state "{phase.value} ({_STATUS[phase]})" as {phase.value}' for phase in Phase]
    arrows = [
        f"    {source.value} --> {target.value}: {why}" for source, why, target in TRANSITIONS
    ]
    return "\n".join(["stateDiagram-v2", *phases, f"    [*] --> {Phase.IDLE.value}", *arrows])


def render_reconnect_page() -> str:
    """Return the page of the documentation that shows the diagram."""
    return _PAGE.format(diagram=render_reconnect_diagram())


if __name__ == "__main__":
    sys.stdout.write(render_reconnect_page())
