"""Why something was dispatched: the chain of records by the cause in their envelopes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refold.replay.log_record import LogRecord

__all__ = ["cause_chain"]


def cause_chain(record: LogRecord, records: Iterable[LogRecord]) -> list[LogRecord]:
    """Return a record, the one during whose handling it was dispatched, and so on to the first.

    The chain ends at a record without a cause, or whose cause is not in the log: it was recorded
    elsewhere, or is no longer kept.

    Args:
        record: where to begin.
        records: all that may be causes; read once, and only if there is a cause.
    """
    chain = [record]
    if record.cause is None:
        return chain
    known = {one.id: one for one in records}
    seen = {record.id}
    while (cause := known.get(chain[-1].cause or "")) is not None and cause.id not in seen:
        chain.append(cause)
        seen.add(cause.id)
    return chain
