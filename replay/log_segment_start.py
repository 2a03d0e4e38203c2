"""`SegmentStart`: what a segment goes on from, as its header says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from refold.replay.log_record import LogHeader

__all__ = ["SegmentStart"]


@attrs.frozen
class SegmentStart:
    """Where the program stands when a segment begins."""

    state: Any
    """The state before the segment's first record, encoded."""

    digest: str
    """Its digest; empty if nobody knows the state."""

    schema_fingerprint: str | None
    """Of the application that records; None if nobody knows it."""

    def is_of_other_schema(self, header: LogHeader) -> bool:
        """Tell whether it is known that another schema wrote a header."""
        return None not in {self.schema_fingerprint, header.schema_fingerprint} and (
            self.schema_fingerprint != header.schema_fingerprint
        )
