"""`LogOptions`: how safely a log is written, and how it is cut into segments.

What belongs here: the choices and the checks of their values.  What does not: carrying them out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs

from refold.replay.log_segments import is_one_file

__all__ = ["LogOptions", "Sync"]

Sync: TypeAlias = Literal["never", "group", "always"]
"""When what was written is forced onto the disk; see `LogOptions.sync`."""


def _one_or_more(options: object, field: attrs.Attribute[Any], value: float | None) -> None:
    del options
    if value is not None and value < 1:
        message = f"{field.name} expects 1 or more, or None, got {value}"
        raise ValueError(message)


@attrs.frozen(kw_only=True)
class LogOptions:
    """The choices of a writer."""

    sync: Sync = "never"
    """``never``: each record is handed to the operating system.  A killed program loses nothing; a
    loss of power loses what the system had not written yet, often the last half minute.

    ``group``: records are handed to the system together when the turn of the event loop ends, and
    the disk is made to write after `group_records` commits or `group_ms`, whichever comes first,
    beside the running program.  A killed program loses at most what it dispatched in that turn; a
    loss of power at most the last group; and neither anything that ``await store.flushed()``
    returned for.  Without an event loop a full group is written, and one that is not full when the
    program ends: a killed program loses at most a group.

    ``always``: dispatch returns when the record is on disk.  Nothing dispatched is ever lost, as
    far as the disk does what it says."""

    group_records: int = attrs.field(default=256, validator=_one_or_more)
    """Commits after which a group is written to disk, 1 or more."""

    group_ms: int = attrs.field(default=10, validator=_one_or_more)
    """Milliseconds after which a group is written to disk, 1 or more; a program without an event
    loop goes by the count alone."""

    segment_bytes: int | None = attrs.field(default=None, validator=_one_or_more)
    """Bytes of records after which the next segment is begun; None for no limit."""

    segment_age_s: float | None = None
    """Seconds after which the next record ends its segment; None for no limit."""

    keep_bytes: int | None = attrs.field(default=None, validator=_one_or_more)
    """How many bytes of closed segments are kept, the newest; None for all."""

    keep_age_s: float | None = None
    """How many seconds a closed segment is kept after its last record; None for ever."""

    compress: bool = False
    """Whether closed segments are compressed, by gzip in a thread."""

    def __attrs_post_init__(self) -> None:
        """Check what no validator of one field can.

        Raises:
            ValueError: `sync` is none of its values, or an age is below 0.
        """
        if self.sync not in _SYNCS:
            message = f"sync expects one of {', '.join(_SYNCS)}, got {self.sync!r}"
            raise ValueError(message)
        for name in ("segment_age_s", "keep_age_s"):
            age = getattr(self, name)
            if age is not None and age < 0:
                message = f"{name} expects 0 seconds or more, or None, got {age}"
                raise ValueError(message)

    def check_path(self, path: Path) -> None:
        """Refuse segments for a log that is one file.

        Raises:
            ValueError: they were asked for.
        """
        asked = [name for name in _OF_SEGMENTS if getattr(self, name) not in {None, False}]
        if asked and is_one_file(path):
            message = (
                f"{path} is one file, and {', '.join(asked)} needs segments; give the path of a"
                f" folder, which does not end in .jsonl"
            )
            raise ValueError(message)


_SYNCS: Final = get_args(Sync)
_OF_SEGMENTS: Final = ("segment_bytes", "segment_age_s", "keep_bytes", "keep_age_s", "compress")
