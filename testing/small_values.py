"""The values that each scalar type is drawn from by default: few, so that they meet each other.

What belongs here: the tables, and what is drawn rarely.  What does not: values of a state or of the
code, which `value_pool` and `code_constants` find.

NaN is left out: it is not equal to itself, so nothing that holds it equals its copy.
``register_strategy(float, st.floats())`` brings it back.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Sequence
from typing import Any, Final

import attrs
from hypothesis import strategies as st

__all__ = ["SMALL_VALUES", "START_MS", "SmallValues"]

START_MS: Final = 1_704_067_200_000
"""When runs begin, in milliseconds since the Unix epoch: 2024-01-01, midnight UTC."""


@attrs.frozen
class SmallValues:
    """What one scalar type is drawn from."""

    usual: Sequence[Any]
    """Few values, the simplest first."""

    rare: st.SearchStrategy[Any]
    """Anything else; drawn once in a while."""


_DAY: Final = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
_MINUTE: Final = datetime.timedelta(minutes=1)
_SECOND: Final = datetime.timedelta(seconds=1)
_FAR: Final = datetime.timedelta(days=1000)

SMALL_VALUES: Final[dict[Any, SmallValues]] = {
    bool: SmallValues((False, True), st.booleans()),
    int: SmallValues(
        (0, 1, 2, 3, -1, 5, 10, 4, 7, -2),
        st.sampled_from((100, -100, 1000, 2**31, -(2**31) - 1, 2**53 + 1, 2**63, 2**64))
        | st.integers(-(10**6), 10**6),
    ),
    float: SmallValues(
        (0.0, 1.0, 0.5, 2.0, -1.0, 0.1, 1.5, 0.25, 10.0, 3.0),
        st.sampled_from((-0.0, float("inf"), float("-inf"), 1e-9, 1e9, 5e-324, 1e300, 2.0**53))
        | st.floats(allow_nan=False),
    ),
    str: SmallValues(("a", "b", "", "c", "aa", "A", " ", "é"), st.text(max_size=20)),
    bytes: SmallValues((b"", b"a", b"b", b"\x00", b"aa"), st.binary(max_size=8)),
    datetime.datetime: SmallValues(
        (_DAY, _DAY + _SECOND, _DAY + _MINUTE, _DAY - _SECOND, _DAY + datetime.timedelta(days=1)),
        st.datetimes(
            min_value=datetime.datetime(2000, 1, 1),  # noqa: DTZ001  # Hypothesis adds the zone
            max_value=datetime.datetime(2100, 1, 1),  # noqa: DTZ001
            timezones=st.just(datetime.UTC),
        ),
    ),
    datetime.date: SmallValues(
        tuple(datetime.date(*day) for day in ((2024, 1, 1), (2024, 1, 2), (2023, 12, 31))),
        st.dates(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)),
    ),
    datetime.time: SmallValues(
        (datetime.time(0), datetime.time(12), datetime.time(12, 0, 1), datetime.time.max),
        st.times(),
    ),
    datetime.timedelta: SmallValues(
        (datetime.timedelta(0), _SECOND, _MINUTE, -_SECOND, datetime.timedelta(milliseconds=1)),
        st.timedeltas(-_FAR, _FAR),
    ),
    decimal.Decimal: SmallValues(
        tuple(map(decimal.Decimal, ("0", "1", "0.5", "2", "-1", "0.10", "10"))),
        st.decimals(-(10**9), 10**9, allow_nan=False, places=3),
    ),
    uuid.UUID: SmallValues(tuple(uuid.UUID(int=number) for number in range(1, 5)), st.uuids()),
}
"""Each scalar type but None.

Points in time are in UTC, so that all can be compared; numbers with an exponent so large that a
product overflows are rare, and a Decimal is always finite: arithmetic with what is not raises.
"""
