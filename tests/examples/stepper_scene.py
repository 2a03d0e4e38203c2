"""The debugger on a screen that tests press keys on and read.

What belongs here: opening, reading, and a clock that tests turn.  What does not: what it shows.
"""

from __future__ import annotations

import html
import importlib.util
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from examples.connectome_stepper.make_session import make_session
from tests.connection.foreign.optional_parts import skip_without

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

    from examples.connectome_stepper.session import ConnectomeSession
    from refold.reducers.ledger_state import LedgerState

__all__ = ["NOWHERE", "HandClock", "Scene", "new_session", "skip_without_textual", "stepper"]

NOWHERE = "ws://127.0.0.1:9/"
"""Where nobody listens."""

_CHARACTER = re.compile(r'<text [^>]*? x="([\d.]+)"[^>]*?-line-(\d+)\)">([^<]*)</text>')
_CHARACTER_WIDTH = 12.2
"""Of the pictures that Textual draws, in pixels."""


def skip_without_textual() -> None:
    """Skip the test where the terminal's library is not installed."""
    if importlib.util.find_spec("textual") is None:
        skip_without("the library textual is not installed")


@attrs.define
class HandClock:
    """Seconds since the Unix epoch, as the test says."""

    seconds: float = 1_766_188_800.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


class Scene:
    """An open debugger."""

    def __init__(self, session: ConnectomeSession, app: App[None], pilot: Pilot[None]) -> None:
        self.session = session
        self.app = app
        self.pilot = pilot

    @property
    def ledger(self) -> LedgerState:
        """The present state of the ledger."""
        return self.session.store.state.ledger

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until they have had their effect."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def screen(self) -> str:
        """Return what is on the screen, without spaces at the ends of lines."""
        await self.pilot.pause()
        rows: dict[int, str] = {}
        for x, line, text in _CHARACTER.findall(self.app.export_screenshot()):
            column = round(float(x) / _CHARACTER_WIDTH)
            words = html.unescape(text).replace("\N{NO-BREAK SPACE}", " ")
            rows[int(line)] = rows.get(int(line), "").ljust(column) + words
        lines = (rows.get(number, "").rstrip() for number in range(max(rows) + 1))
        return "\n".join(lines) + "\n"


def new_session(
    url: str = NOWHERE, log: Path | None = None, clock: HandClock | None = None
) -> ConnectomeSession:
    """Return a session whose time stands still, and whose sessions are called s1, s2 and so on."""
    numbers = count(1)
    return make_session(
        url, log, clock=clock or HandClock(), new_session_id=lambda: f"s{next(numbers)}"
    )


@asynccontextmanager
async def stepper(session: ConnectomeSession, folder: Path) -> AsyncGenerator[Scene]:
    """Open the debugger on 80 by 24 characters; exports go to the folder."""
    skip_without_textual()
    from examples.connectome_stepper.client import StepperApp  # noqa: PLC0415  # it needs textual

    app = StepperApp(session, folder)
    async with session.store, app.run_test(size=(80, 24), notifications=True) as pilot:
        yield Scene(session, app, pilot)
