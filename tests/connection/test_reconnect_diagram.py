"""The diagram of the reconnect machine is drawn from its table."""

from __future__ import annotations

import subprocess
import sys

from refold.reducers.reconnect_diagram import render_reconnect_diagram, render_reconnect_page
from refold.reducers.reconnect_machine import TRANSITIONS, Phase
from tests.house.checkout import CHECKOUT, needs_sources


@needs_sources
def test_the_page_is_current() -> None:
    """The page in the documentation is what the table gives now."""
    page = (CHECKOUT / "docs" / "reconnect_diagram.md").read_text(encoding="utf-8")
    assert page == render_reconnect_page()


def test_every_transition_is_an_arrow() -> None:
    """The diagram has one arrow per transition, and one to the start."""
    lines = render_reconnect_diagram().splitlines()
    assert sum("-->" in line for line in lines) == len(TRANSITIONS) + 1
    assert all(any(f"as {phase.value}" in line for line in lines) for phase in Phase)


def test_the_page_can_be_written_anew() -> None:
    """Running the module prints the page."""
    done = subprocess.run(
        [sys.executable, "-m", "refold.reducers.reconnect_diagram"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == render_reconnect_page()
