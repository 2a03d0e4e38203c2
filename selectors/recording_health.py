"""Questions about a store's recording; each takes its own state, `at` lifts it to a root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refold.selectors.plain_selector import plain_selector

if TYPE_CHECKING:
    from refold.reducers.recording_health import RecordingFailure, RecordingHealth

__all__ = ["select_recording_failure"]


@plain_selector
def select_recording_failure(state: RecordingHealth) -> RecordingFailure | None:
    """Return why and since when nothing is recorded; None if all is well."""
    return state.failure
