"""`LogSummary`: what can be said of a whole log without knowing the application."""

from __future__ import annotations

from pathlib import Path

import attrs

from refold.commands.open_log import open_log
from refold.errors import LogDamagedError
from refold.replay.log_record import LogHeader
from refold.replay.timeline import torn_tail_error

__all__ = ["LogSummary", "summarize_log"]


@attrs.frozen(kw_only=True)
class LogSummary:
    """A log read once from end to end; none of its records is kept."""

    header: LogHeader
    """Its first line."""

    head: int
    """The number of the last whole record; if there is none, that of the record before the first:
    0 in a log that was never trimmed."""

    first_at_ms: int | None
    """The first time in it, in milliseconds since the Unix epoch; None if no record has one."""

    last_at_ms: int | None
    """The last time in it."""

    names: frozenset[str]
    """The wire names in it."""

    origins: frozenset[str]
    """Who dispatched them."""

    has_causes: bool
    """Whether any record was dispatched in answer to another."""

    damage: LogDamagedError | None
    """What ends the reading before the end of the file; None if all of it is whole."""

    @property
    def count(self) -> int:
        """How many whole records there are."""
        return self.head + 1 - self.header.first_seq


def summarize_log(path: Path) -> LogSummary:
    """Read a log once, up to its end or to the first damage.

    Raises:
        CommandError: there is no log at the path.
        LogFormatError: it is no log, or a newer refold wrote it.
        LogDamagedError: its header is damaged, so nothing can be said of it.
    """
    reader = open_log(path)
    times: list[int] = []
    origins: set[str] = set()
    names: set[str] = set()
    head, has_causes, damage = reader.header.first_seq - 1, False, None
    try:
        for entry in reader.entries():
            head = entry[-1].seq
            names.update(record.name for record in entry)
            origins.update(record.origin for record in entry)
            seen = [record.at_ms for record in entry if record.at_ms is not None]
            has_causes = has_causes or any(record.cause for record in entry)
            times = [*times[:1], *seen][:1] + (seen[-1:] or times[-1:])
    except LogDamagedError as error:
        damage = error
    if reader.torn_tail is not None:
        damage = torn_tail_error(reader.torn_tail)
    return LogSummary(
        header=reader.header,
        head=head,
        first_at_ms=times[0] if times else None,
        last_at_ms=times[-1] if times else None,
        names=frozenset(names),
        origins=frozenset(origins),
        has_causes=has_causes,
        damage=damage,
    )
