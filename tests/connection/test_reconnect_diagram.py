"""The diagram of the reconnect machine is drawn from its table."""

from __future__ import annotations

import subprocess
import sys

from refold.reducers.reconnect_diagram import render_reconnect_diagram
from refold.reducers.reconnect_machine import TRANSITIONS, Phase


def test_every_transition_is_an_arrow() -> None:
    """The diagram has one arrow per transition, and one to the start."""
    lines = render_reconnect_diagram().splitlines()
    assert sum("-->" in line for line in lines) == len(TRANSITIONS) + 1
    assert all(any(f"as {phase.value}" in line for line in lines) for phase in Phase)


def test_the_module_prints_it() -> None:
    """Running the module prints the diagram."""
    done = subprocess.run(
        [sys.executable, "-m", "refold.reducers.reconnect_diagram"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == render_reconnect_diagram() + "\n"
