"""What can happen to the recording of a store."""

from __future__ import annotations

from refold.actions.action import Action, action

__all__ = ["RecordingFailedAndStoreGoesOnUnrecorded"]


@action("recording/recording_failed_and_store_goes_on_unrecorded")
class RecordingFailedAndStoreGoesOnUnrecorded(Action):
    """The log could not be written, so nothing after a record is in it.

    Dispatched by ``record(path, on_write_error="go_on")``; it is in no log itself.
    """

    last_recorded_seq: int
    """The last record that the log has; 0 if it has none."""

    reason: str
    """Why the log could not be written."""
