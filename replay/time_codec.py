"""The codec of moments: dates with a time, and times of day, with their zone and fold.

What belongs here: their one text form.  What does not: dates and spans of time, which have no zone.

A moment is written in ISO 8601.  Of a zone with a name, its key follows in brackets, as in RFC
9557, because an offset does not tell when the clocks change; the second of two equal times of a day
on which they are put back is marked ``[fold=1]``.
"""

from __future__ import annotations

import datetime
import re
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from refold.replay.refuse_value import refuse_value

__all__ = ["decode_datetime", "decode_time", "encode_moment"]

Moment = TypeVar("Moment", datetime.datetime, datetime.time)

_FOLD: Final = "[fold=1]"

_FORM: Final = re.compile(r"(?P<iso>[^\[\]]+)(\[(?P<zone>[\w+/-]+)\])?(?P<fold>\[fold=1\])?")


def encode_moment(moment: datetime.datetime | datetime.time) -> str:
    """Return the text of a moment.

    Raises:
        TypeError: its zone would not come back as it is.
    """
    zone = moment.tzinfo
    text = moment.isoformat()
    if zone is not None and not _is_plain_offset(zone):
        key: str | None = zone.key if type(zone) is ZoneInfo else None  # one of a file has none
        if key is None:
            refuse_value(
                "a time without a zone, with an offset from UTC that has no name, or with a zone by"
                " its key, such as ZoneInfo('Europe/Paris')",
                moment,
            )
        text += f"[{key}]"
    return text + _FOLD if moment.fold else text


def decode_datetime(text: str) -> datetime.datetime:
    """Return the date and time of a text.

    Its wall clock and zone count; should the zone have another offset by now, so has the result.

    Raises:
        ValueError: it is no such text.
        TypeError: its zone is not known here.
    """
    iso, zone, fold = _parts_of(text)
    moment = datetime.datetime.fromisoformat(iso)
    if zone is not None and moment.tzinfo is None:
        raise ValueError(text)
    return _placed(moment, zone, fold)


def decode_time(text: str) -> datetime.time:
    """Return the time of day of a text.

    Raises:
        ValueError: it is no such text.
        TypeError: its zone is not known here.
    """
    iso, zone, fold = _parts_of(text)  # only some zones tell an offset without a date
    return _placed(datetime.time.fromisoformat(iso), zone, fold)


def _is_plain_offset(zone: datetime.tzinfo) -> bool:
    if type(zone) is not datetime.timezone:
        return False
    return zone.tzname(None) == datetime.timezone(zone.utcoffset(None)).tzname(None)


def _parts_of(text: str) -> tuple[str, str | None, int]:
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return found["iso"], found["zone"], int(found["fold"] is not None)


def _placed(moment: Moment, zone: str | None, fold: int) -> Moment:
    """Return a moment with its zone and fold."""
    if zone is None:
        return moment.replace(fold=fold) if fold else moment
    try:
        known = ZoneInfo(zone)
    except (LookupError, ValueError, OSError):  # OSError: the name of a folder of zones
        refuse_value("the key of a time zone that this machine knows (install tzdata)", zone)
    return moment.replace(tzinfo=known, fold=fold)
