"""`ConnectomeSession`: what a user of the debugger may do, without a terminal.

Nothing to run here; see client.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from examples.connectome_stepper.script import next_release
from examples.connectome_stepper.store import ConnectomeState
from refold import Store
from refold.actions.ledger import (
    ClearPinnedFocus,
    CommitStepReleaseAppendEventAndSetFocusAndExplanation,
    Mode,
    RestartSessionClearOrBoundary,
    SetLocalPause,
    SetModeAndResetBuffersIfNeeded,
    SetPinnedFocus,
    SetSpeedAndUpdateNominalTickInterval,
    Speed,
    StepFocus,
)
from refold.reducers.ledger_state import ActiveFocus
from refold.selectors.ledger_export import serialize_ledger_to_jsonl

__all__ = ["ConnectomeSession"]


@attrs.frozen(eq=False)
class ConnectomeSession:
    """What a user may do; all of it is dispatched, and nothing is kept here."""

    store: Store[ConnectomeState]
    """Has everything that is shown."""

    clock: Callable[[], float]
    """Seconds since the Unix epoch."""

    new_session_id: Callable[[], str]
    """Gives an id that no earlier session had."""

    def now_ms(self) -> int:
        """Return the time, in milliseconds since the Unix epoch."""
        return int(self.clock() * 1000)

    def release_next(self) -> None:
        """Release the next step of the script; in realtime mode nothing."""
        ledger = self.store.state.ledger
        if ledger.mode == "stepper":
            release = next_release(ledger)
            self.store.dispatch(CommitStepReleaseAppendEventAndSetFocusAndExplanation(release))

    def restart(self) -> None:
        """Begin another session; the ledger is kept, with a mark."""
        self.store.dispatch(RestartSessionClearOrBoundary(self.new_session_id()))

    def set_speed(self, speed: Speed) -> None:
        """Let the steps be released at this speed, or only by hand."""
        self.store.dispatch(SetSpeedAndUpdateNominalTickInterval(speed))

    def toggle_mode(self) -> None:
        """Go over to the other mode."""
        is_stepper = self.store.state.ledger.mode == "stepper"
        mode: Mode = "realtime" if is_stepper else "stepper"
        self.store.dispatch(SetModeAndResetBuffersIfNeeded(mode))

    def toggle_pin(self) -> None:
        """Pin what is looked at, if anything is; or let it go."""
        ledger = self.store.state.ledger
        focus = ledger.active_focus
        if ledger.pinned_focus is not None:
            self.store.dispatch(ClearPinnedFocus())
        elif focus != ActiveFocus():
            pinned = StepFocus(
                focus.active_node_id,
                focus.active_edge_id,
                focus.active_step_key,
                focus.active_zone_id,
            )
            self.store.dispatch(SetPinnedFocus(pinned))

    def toggle_local_pause(self) -> None:
        """Halt the view and the timer, or let them go on."""
        self.store.dispatch(SetLocalPause(not self.store.state.ledger.local_pause))

    def export(self, folder: Path) -> Path:
        """Write the ledger as JSON lines; return the file, which is named after the session.

        Raises:
            OSError: it cannot be written.
        """
        ledger = self.store.state.ledger
        path = folder / f"ledger_{ledger.session_id}.jsonl"
        path.write_text(serialize_ledger_to_jsonl(ledger), encoding="utf-8")
        return path
