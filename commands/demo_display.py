"""`DemoDisplay`: the demo as it happens, live on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from refold.reducers.connection import ConnectionState, ConnectionStatus, LastError

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console

    from refold.commands.demo_application import DemoState
    from refold.commands.demo_report import DemoReport, StepReport

__all__ = ["DemoDisplay"]

_STYLES: Final = {
    ConnectionStatus.CONNECTED: "green",
    ConnectionStatus.CONNECTING: "cyan",
    ConnectionStatus.RECONNECTING: "yellow",
    ConnectionStatus.DISCONNECTED: "red",
}


class DemoDisplay:
    """Prints what happens; while `live`, one line at the bottom shows the present state."""

    def __init__(self, console: Console) -> None:
        """Show on a console; a quiet one shows nothing."""
        self._console = console
        self._began = time.monotonic()
        self._spinner = Spinner("dots")

    @contextmanager
    def live(self) -> Generator[None]:
        """Show the status line inside the block, if this is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(self._spinner, console=self._console, transient=True, refresh_per_second=12):
            yield

    def say(self, text: str, style: str = "") -> None:
        """Print a line."""
        self._console.print(Text(text, style=style), soft_wrap=True)

    def step_begins(self, number: int, count: int, title: str) -> None:
        """Print the title of a step."""
        self.say("")
        self.say(f"{number} of {count}: {title}", "bold")

    def step_ended(self, step: StepReport) -> None:
        """Print what was checked."""
        for check in step.checks:
            if check.held:
                self._console.print(Text().append("      ok ", "green").append(check.sentence))
            else:
                found = f": found {check.found}" if check.found else ""
                self.say(f"  FAILED {check.sentence}{found}", "bold red")

    def connection_changed(self, new: ConnectionState, old: ConnectionState) -> None:
        """Print a line for a transition."""
        if (words := _describe_transition(new, old)) is None:
            return
        line = Text().append(f"{time.monotonic() - self._began:6.2f} s ", "dim")
        line.append(f"{new.status.value:<13}", _STYLES[new.status]).append(words)
        self._console.print(line, no_wrap=True, overflow="ellipsis")

    def state_changed(self, state: DemoState) -> None:
        """Let the status line show another state."""
        connection, ticker = state.connection, state.ticker
        prices = " ".join(f"{name} {price.last}" for name, price in sorted(ticker.prices.items()))
        confirmed = len(ticker.confirmed_orders)
        orders = f"orders {confirmed}/{confirmed + len(ticker.awaited_orders)}"
        line = Text().append(f"{connection.status.value:<13}", _STYLES[connection.status])
        self._spinner.update(text=line.append(f"{prices}  {orders}"))

    def summary(self, report: DemoReport) -> None:
        """Print the table of all steps."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("step")
        table.add_column("seconds", justify="right")
        table.add_column("checks", justify="right")
        table.add_column("")
        for step in report.steps:
            count = sum(check.held for check in step.checks)
            verdict = Text("ok", "green") if step.held else Text("FAILED", "bold red")
            checks = f"{count} of {len(step.checks)}"
            table.add_row(step.title, f"{step.seconds:.2f}", checks, verdict)
        self.say("")
        self._console.print(table)


def _describe_transition(new: ConnectionState, old: ConnectionState) -> str | None:
    """Return what changed, in words; None if it is no transition."""
    if new.reconnect_attempts > old.reconnect_attempts and new.last_error is not None:
        wait = ((new.next_retry_at_ms or 0) - (new.last_error.at_ms or 0)) / 1000
        return f"retry {new.reconnect_attempts} in {wait:.2f} s: {_in_short(new.last_error)}"
    if new.total_connects > old.total_connects:
        return "open" if new.total_connects == 1 else f"open again, connection {new.total_connects}"
    if new.reconnect_attempts < old.reconnect_attempts:
        return "stable: failures count from 0 again"
    if new.status is old.status:
        return None
    return (new.terminal_reason or "").replace("_", " ")


def _in_short(error: LastError) -> str:
    match error.kind:
        case "http":
            return f"HTTP {error.http_status}"
        case "connect":
            return "cannot connect"
        case "closed":
            return f"closed with code {error.close_code}"
        case "heartbeat_timeout":
            return "the peer is silent"
        case _:
            return error.message
