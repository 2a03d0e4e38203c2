"""How long a server asks to be left alone.

What belongs here: reading ``Retry-After``, and the least delay that follows from a failure.  What
does not: the delay without such a wish, which `backoff_delay` gives.

Source: RFC 9110, sections 10.2.3 (Retry-After) and 5.6.7 (dates).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refold.actions.connection import LastError

__all__ = ["delay_with_floor", "parse_retry_after", "retry_floor_seconds"]

_SECONDS: Final = re.compile(r"[0-9]{1,10}")
"""Ten digits hold 2 ** 31, the greatest number that HTTP asks anybody to count (RFC 9111, section
1.2.2); more are no wish but an attack."""

_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
_TIME: Final = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})"
_SHORT_DAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY: Final = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"

_DATES: Final = (
    re.compile(rf"{_SHORT_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"{_SHORT_DAY} {_MONTH} (?P<day>[0-9 ][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)
"""The three forms that must be understood: today's, that of RFC 850, and that of C's asctime.  The
standard library's own parser also takes much that is no date of HTTP."""

_DIGITS_OF_A_FULL_YEAR: Final = 4
_MEAN_YEAR_SECONDS: Final = 31_556_952
_LEAP_SECOND: Final = 60

_STATUSES_WITH_A_WISH: Final = frozenset({429, 503})

_TRY_AGAIN_LATER: Final = 1013
_TRY_AGAIN_LATER_SECONDS: Final = 5.0

_SPREAD: Final = 0.1
"""By how much a floor is exceeded at most: all clients of a server were told the same second."""


def parse_retry_after(text: str, now_seconds: float) -> float | None:
    """Return how long a ``Retry-After`` header asks to wait.

    Args:
        text: the header's value.
        now_seconds: the wall clock, in seconds since the Unix epoch.

    Returns:
        Seconds, 0 or more, not capped; 0 for a date that has passed; None for a value that is
        neither a number of at most ten digits nor a date, and is therefore ignored.
    """
    value = text.strip(" \t")
    if _SECONDS.fullmatch(value):
        return float(value)
    for form in _DATES:
        date = form.fullmatch(value)
        if date is not None:
            at_seconds = _seconds_since_the_epoch(date, now_seconds)
            return None if at_seconds is None else max(0.0, at_seconds - now_seconds)
    return None


def retry_floor_seconds(
    error: LastError, retry_after_seconds: float | None, retry_after_max_seconds: float
) -> float:
    """Return the least delay that may follow a failure.

    Args:
        error: the failure.
        retry_after_seconds: what `parse_retry_after` read; None without a wish.
        retry_after_max_seconds: no wish counts for more.

    Returns:
        Seconds: the wish of a 429 or 503; 5 after the close code 1013, "try again later"; else 0.
    """
    if error.http_status in _STATUSES_WITH_A_WISH and retry_after_seconds is not None:
        return min(retry_after_seconds, retry_after_max_seconds)
    if error.http_status is None and error.close_code == _TRY_AGAIN_LATER:
        return _TRY_AGAIN_LATER_SECONDS
    return 0.0


def delay_with_floor(delay_seconds: float, floor_seconds: float, jitter: float) -> float:
    """Return the delay, or the floor where that is longer: then with up to a tenth on top.

    Args:
        delay_seconds: what `backoff_delay` gave.
        floor_seconds: what `retry_floor_seconds` gave.
        jitter: drawn by the shell, in [0, 1).

    Returns:
        Seconds: the delay, or a value in [floor, 1.1 * floor].

    Raises:
        ValueError: the jitter is out of its range.
    """
    if not 0 <= jitter < 1:
        message = f"expected 0 <= jitter < 1, got {jitter!r}"
        raise ValueError(message)
    if delay_seconds >= floor_seconds:
        return delay_seconds
    return floor_seconds * (1 + _SPREAD * jitter)


def _seconds_since_the_epoch(date: re.Match[str], now_seconds: float) -> float | None:
    """Return when a date is; None if there is no such day or time."""
    number = {name: int(date[name]) for name in ("day", "hour", "minute", "second")}
    leap = number["second"] == _LEAP_SECOND
    try:
        moment = datetime(
            _year(date["year"], now_seconds),
            _MONTHS.index(date["month"]) + 1,
            number["day"],
            number["hour"],
            number["minute"],
            number["second"] - leap,
            tzinfo=UTC,
        )
    except (OverflowError, ValueError):  # no such day, or a clock beyond every calendar
        return None
    return moment.timestamp() + leap


def _year(digits: str, now_seconds: float) -> int:
    """Return a year; two digits stand for the one that is at most 50 years ahead."""
    year = int(digits)
    if len(digits) == _DIGITS_OF_A_FULL_YEAR:
        return year
    latest = 1970 + int(now_seconds // _MEAN_YEAR_SECONDS) + 50
    return latest - (latest - year) % 100
