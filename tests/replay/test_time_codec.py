"""Moments in a log: their zones and folds come back, and what would not is not written.

What belongs here: dates with a time and times of day.  What does not: dates and spans of time.
"""

from __future__ import annotations

import datetime
import functools
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import PayloadError
from refold.replay.action_codec import decode_value
from refold.replay.regression_source import SourceWriter
from refold.replay.value_codec import make_value_converter

if TYPE_CHECKING:
    from cattrs import Converter

BERLIN = ZoneInfo("Europe/Berlin")

ZONES = st.none() | st.sampled_from(
    [
        *map(ZoneInfo, ["Europe/Berlin", "America/St_Johns", "Etc/GMT+5", "UTC", "Asia/Kathmandu"]),
        datetime.UTC,
        datetime.timezone(datetime.timedelta(hours=-3, minutes=-30)),
        datetime.timezone(datetime.timedelta(seconds=1)),
    ]
)


def with_fold(
    moment: datetime.datetime | datetime.time, fold: int
) -> datetime.datetime | datetime.time:
    """Return a moment that is the first or the second of two equal ones."""
    return moment.replace(fold=fold)


MOMENTS = st.builds(
    with_fold, st.datetimes(timezones=ZONES) | st.times(timezones=ZONES), st.integers(0, 1)
)


@functools.cache
def converter() -> Converter:
    """Return a converter, made once."""
    return make_value_converter()


def parts_of(moment: datetime.datetime | datetime.time) -> tuple[Any, ...]:
    """Return all that a moment is made of; equal moments may differ in it."""
    return type(moment), moment.replace(tzinfo=None), moment.fold, moment.tzinfo


@given(MOMENTS)
def test_a_moment_comes_back_with_its_zone_and_fold(
    moment: datetime.datetime | datetime.time,
) -> None:
    """The wall clock, the fold and the very zone are those that were written."""
    text = orjson.loads(orjson.dumps(converter().unstructure(moment, type(moment))))
    assert parts_of(converter().structure(text, type(moment))) == parts_of(moment)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (
            datetime.datetime(2024, 7, 1, 9, tzinfo=BERLIN),
            "2024-07-01T09:00:00+02:00[Europe/Berlin]",
        ),
        (
            datetime.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
            "2024-10-27T02:30:00+01:00[Europe/Berlin][fold=1]",
        ),
        (datetime.datetime(2024, 7, 1, fold=1), "2024-07-01T00:00:00[fold=1]"),  # noqa: DTZ001
        (datetime.time(2, tzinfo=BERLIN), "02:00:00[Europe/Berlin]"),
        (datetime.time(2, fold=1), "02:00:00[fold=1]"),
        (datetime.time(2, tzinfo=datetime.UTC), "02:00:00+00:00"),
    ],
)
def test_the_text_is_readable(moment: datetime.datetime | datetime.time, text: str) -> None:
    """ISO 8601 with the zone's key in brackets, and nothing more where nothing is needed."""
    assert converter().unstructure(moment, type(moment)) == text


def test_a_zone_knows_again_when_its_clocks_change() -> None:
    """Half a year later the offset is the one of winter, which a fixed offset would not know."""
    moment = datetime.datetime(2024, 7, 1, tzinfo=BERLIN)
    text = converter().unstructure(moment, datetime.datetime)
    later = converter().structure(text, datetime.datetime) + datetime.timedelta(days=180)
    assert later.utcoffset() == datetime.timedelta(hours=1)


def test_the_wall_clock_counts_where_a_zone_has_another_offset_by_now() -> None:
    """A log stays readable when a country changes its clocks."""
    back = converter().structure("2024-07-01T09:00:00+05:00[Europe/Berlin]", datetime.datetime)
    assert parts_of(back) == parts_of(datetime.datetime(2024, 7, 1, 9, tzinfo=BERLIN))


class Shifted(datetime.tzinfo):
    """A zone that only this file knows."""

    def utcoffset(self, _moment: datetime.datetime | None, /) -> datetime.timedelta:
        """Return the same offset always."""
        return datetime.timedelta(hours=1)

    def tzname(self, _moment: datetime.datetime | None, /) -> str:
        """Return a name."""
        return "shifted"

    def dst(self, _moment: datetime.datetime | None, /) -> None:
        """Know nothing of summer."""


@pytest.mark.parametrize(
    "zone",
    [Shifted(), datetime.timezone(datetime.timedelta(hours=1), "MEZ")],
    ids=["own", "named"],
)
@pytest.mark.parametrize("cls", [datetime.datetime, datetime.time])
def test_a_zone_that_would_not_come_back_is_not_written(cls: Any, zone: datetime.tzinfo) -> None:
    """Zones of other classes, and offsets with names of their own, say what to use instead."""
    moment = datetime.datetime(2024, 7, 1, 9, tzinfo=zone)
    value = moment if cls is datetime.datetime else moment.timetz()
    with pytest.raises(TypeError, match=r"such as ZoneInfo\('Europe/Paris'\), got datetime"):
        converter().unstructure(value, cls)


@pytest.mark.parametrize(
    ("cls", "text"),
    [
        (datetime.datetime, "2024-07-01T00:00:00+02:00[Nowhere/Atlantis]"),
        (datetime.datetime, "2024-07-01T00:00:00+02:00[Europe]"),
        (datetime.datetime, "2024-07-01T00:00:00+02:00[/etc/passwd]"),
        (datetime.datetime, "2024-07-01T00:00:00+02:00[]"),
        (datetime.datetime, "2024-07-01T00:00:00[Europe/Berlin]"),
        (datetime.datetime, "2024-07-01T00:00:00[fold=0]"),
        (datetime.datetime, "2024-07-01T00:00:00[fold=1][Europe/Berlin]"),
        (datetime.datetime, "2024-07-01T00:00:00[fold=1][fold=1]"),
        (datetime.datetime, "[Europe/Berlin]"),
        (datetime.time, "02:00:00[../Berlin]"),
        (datetime.date, "2024-07-01[Europe/Berlin]"),
    ],
)
def test_a_text_that_was_not_written_is_refused(cls: Any, text: str) -> None:
    """Zones that nobody knows, and other orders and spellings, are an error of the log."""
    with pytest.raises(PayloadError, match="seq 3 does not fit"):
        decode_value(text, cls, "seq 3")


def test_a_zone_that_is_not_known_here_says_what_to_do() -> None:
    """A log of a machine with more zones: which one is missing, and what to install."""
    with pytest.raises(PayloadError, match=r"install tzdata.*got 'Nowhere/Atlantis'"):
        decode_value("2024-07-01T00:00:00+02:00[Nowhere/Atlantis]", datetime.datetime, "seq 3")


def test_a_moment_with_a_zone_is_written_as_source_that_can_run() -> None:
    """A regression test that holds one imports what its expression needs."""
    writer = SourceWriter()
    moment = datetime.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1)
    text = writer.source(moment)
    assert list(writer.imports()) == ["import datetime", "import zoneinfo"]
    assert "fold=1" in text
    assert "ZoneInfo(key='Europe/Berlin')" in text
