"""`Panel`: a widget that shows what a pure function draws, and remembers nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from textual.widget import Widget

from examples.connectome_stepper.ledger_view import draw_ledger

if TYPE_CHECKING:
    from rich.console import RenderableType

    from examples.connectome_stepper.session import ConnectomeSession
    from examples.connectome_stepper.store import ConnectomeState

__all__ = ["Draw", "LedgerPanel", "Panel"]

Draw: TypeAlias = "Callable[[ConnectomeState, int], RenderableType]"
"""Returns what a panel shows, from the state and the time in milliseconds since the Unix epoch."""


class Panel(Widget):
    """A view of the store: each time it is drawn it asks the store, and it keeps nothing."""

    def __init__(self, session: ConnectomeSession, draw: Draw, name: str) -> None:
        """Show what a function draws; the name is the id, and the title if there is a border."""
        super().__init__(id=name)
        self.border_title = name
        self._session = session
        self._draw = draw

    def render(self) -> RenderableType:
        """Draw the present state."""
        return self._draw(self._session.store.state, self._session.now_ms())


class LedgerPanel(Panel):
    """The panel with as many events as it has room for, below the line of titles."""

    def __init__(self, session: ConnectomeSession) -> None:
        """Show the ledger."""
        super().__init__(session, draw_ledger, "ledger")

    def render(self) -> RenderableType:
        """Draw the latest events."""
        rows = max(0, self.size.height - 1)
        return draw_ledger(self._session.store.state, self._session.now_ms(), rows)
