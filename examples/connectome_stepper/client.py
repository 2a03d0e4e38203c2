"""A debugger in the terminal: steps through a web request, or watches events as they happen.

Run it:  python examples/connectome_stepper/client.py
It needs Textual (pip install textual), and for realtime mode (key m)
examples/connectome_stepper/feed_server.py, which it waits for.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from refold import RefoldError

if not __package__:  # started by its path: `examples` is found beside the README of the checkout
    sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.connectome_stepper import view
from examples.connectome_stepper.feed_view import draw_feed
from examples.connectome_stepper.make_session import make_session
from examples.connectome_stepper.panel import LedgerPanel, Panel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from examples.connectome_stepper.session import ConnectomeSession
    from refold.actions.ledger import Speed

__all__ = ["StepperApp", "run"]

_FRAME_SECONDS = 0.1
"""How often the wait is drawn anew: its display has tenths of a second."""


class StepperApp(App[None]):
    """The panels and the keys of an open session."""

    TITLE = "connectome stepper"
    CSS_PATH = "client.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "session('release_next')"),
        Binding("r", "session('restart')"),
        Binding("1", "speed('1x')"),
        Binding("2", "speed('2x')"),
        Binding("3", "speed('3x')"),
        Binding("0", "speed('pause')"),
        Binding("m", "session('toggle_mode')"),
        Binding("p", "session('toggle_pin')"),
        Binding("space", "session('toggle_local_pause')"),
        Binding("e", "export"),
        Binding("q", "quit"),
        Binding("ctrl+c", "quit", priority=True),  # as in any other program
    ]

    def __init__(self, session: ConnectomeSession, folder: Path) -> None:
        """Show a session; exports go to the folder."""
        super().__init__()
        self._session = session
        self._folder = folder
        self._unsubscribe: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """Place the panels."""
        session = self._session
        yield Panel(session, view.draw_status, "status")
        with Horizontal():
            yield LedgerPanel(session)
            with Vertical():
                yield Panel(session, view.draw_focus, "focus")
                yield Panel(session, view.draw_wait, "wait")
                yield Panel(session, view.draw_tick, "tick")
                yield Panel(session, draw_feed, "feed")
        yield Panel(session, view.draw_explanation, "explanation")
        yield Panel(session, view.draw_keys, "keys")

    def on_mount(self) -> None:
        """Draw anew with every state, and the wait with every tenth of a second too."""
        self._unsubscribe = self._session.store.subscribe(self._draw_all)
        self.set_interval(_FRAME_SECONDS, self.query_one("#wait", Panel).refresh)

    def on_unmount(self) -> None:
        """Leave the store alone."""
        if self._unsubscribe is not None:
            self._unsubscribe()

    def _draw_all(self) -> None:
        for panel in self.query(Panel):
            panel.refresh()

    def action_session(self, name: str) -> None:
        """Do what a method of the session does."""
        getattr(self._session, name)()

    def action_speed(self, speed: Speed) -> None:
        """Choose how fast steps come."""
        self._session.set_speed(speed)

    def action_export(self) -> None:
        """Write the ledger, and say where it is."""
        try:
            path = self._session.export(self._folder)
        except OSError as error:
            self.notify(f"cannot export: {error}", severity="error", markup=False)
        else:
            self.notify(f"exported to {path}", markup=False)


async def run(session: ConnectomeSession, folder: Path) -> None:
    """Show a session until it is quit."""
    async with session.store:
        await StepperApp(session, folder).run_async()


def main() -> None:
    """Read the command line and debug."""
    parser = argparse.ArgumentParser(description="Step through a web request, or watch events.")
    parser.add_argument("--url", default="ws://127.0.0.1:8703/", help="the feed (%(default)s)")
    parser.add_argument("--record", type=Path, metavar="LOG", help="a new .jsonl file")
    parser.add_argument("--exports", type=Path, default=Path(), help="folder of exports (here)")
    options = parser.parse_args()
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # what Textual reads and writes
        parser.error("this is a program for a terminal; run it in one")
    try:
        session = make_session(options.url, options.record)
    except (RefoldError, ValueError) as error:
        parser.error(str(error))
    asyncio.run(run(session, options.exports))


if __name__ == "__main__":
    main()
