"""The state of a store's recording: whether it still works."""

from __future__ import annotations

import attrs

from refold.actions.recording import RecordingFailedAndStoreGoesOnUnrecorded
from refold.reducers.reducer import Reducer

__all__ = ["RecordingFailure", "RecordingHealth", "recording_health_reducer"]


@attrs.frozen
class RecordingFailure:
    """Why and since when nothing is recorded."""

    last_recorded_seq: int
    """The last record that the log has; 0 if it has none."""

    reason: str
    """Why the log could not be written."""

    at_ms: int | None = None
    """When it was found out, in milliseconds since the Unix epoch; None if no clock stamps
    actions."""


@attrs.frozen
class RecordingHealth:
    """A slice for whoever must know that a run is not recorded any more."""

    failure: RecordingFailure | None = None
    """None while recording works, and where nobody records."""


def recording_health_reducer() -> Reducer[RecordingHealth]:
    """Return a reducer for a slice of its own; the recorder dispatches what it folds."""
    reducer = Reducer(RecordingHealth())

    @reducer.on(RecordingFailedAndStoreGoesOnUnrecorded)
    def keep_the_failure(
        _state: RecordingHealth, action: RecordingFailedAndStoreGoesOnUnrecorded
    ) -> RecordingHealth:
        """Remember since which record nothing is in the log."""
        failure = RecordingFailure(action.last_recorded_seq, action.reason, action.at_ms)
        return RecordingHealth(failure)

    return reducer
