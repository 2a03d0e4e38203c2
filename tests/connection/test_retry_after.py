"""`retry_after`: reading the header, the floor that follows from a failure, and the delay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from refold.actions.connection import LastError
from refold.reducers.retry_after import delay_with_floor, parse_retry_after, retry_floor_seconds
from tests.connection.connection_strategies import jitters, last_errors

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOW_SECONDS = NOW.timestamp()

seconds = st.floats(0, 1e9)

moments = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001  # Hypothesis adds the zone
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))

dates_of_no_calendar = st.from_regex(
    r"Sun, [0-9]{2} Feb [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", fullmatch=True
)
"""What has the form of a date, mostly of a day or a time that there is not."""


def long_ago(moment: datetime) -> str:
    """Return a date as RFC 850 wrote it: the whole name of the day, and a year of two digits."""
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    _, day, month, year, time, _ = format_datetime(moment, usegmt=True).split(" ")
    return f"{names[moment.weekday()]}, {day}-{month}-{year[-2:]} {time} GMT"


def as_c_writes_it(moment: datetime) -> str:
    """Return a date as C's asctime writes it: a day below 10 with a space before it."""
    name, _, month, year, time, _ = format_datetime(moment, usegmt=True).split(" ")
    return f"{name[:3]} {month} {moment.day:2} {time} {year}"


# --- the header -----------------------------------------------------------------------------------


@given(wanted=st.integers(0, 9_999_999_999), now=seconds)
def test_a_number_is_a_count_of_seconds(wanted: int, now: float) -> None:
    """Rule 17: delta-seconds mean the same at any time."""
    assert parse_retry_after(str(wanted), now) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 01 Mar 2026 12:02:00 GMT",
        "Sunday, 01-Mar-26 12:02:00 GMT",
        "Sun Mar  1 12:02:00 2026",
        " \tSun, 01 Mar 2026 12:02:00 GMT ",
        "120",
        "0000000120",
        "\t120 ",
    ],
)
def test_every_form_of_two_minutes_is_understood(text: str) -> None:
    """Rule 17: a number and the three forms of a date, with blanks around them."""
    assert parse_retry_after(text, NOW_SECONDS) == 120


@given(moment=moments, now=moments)
def test_a_date_means_the_time_until_then(moment: datetime, now: datetime) -> None:
    """Rule 17: today's form of a date and C's give the seconds left, and 0 once it has passed."""
    left = max(0.0, (moment - now).total_seconds())
    now_seconds = now.timestamp()
    assert parse_retry_after(format_datetime(moment, usegmt=True), now_seconds) == left
    assert parse_retry_after(as_c_writes_it(moment), now_seconds) == left


@given(moment=moments, days=st.integers(-49 * 365, 49 * 365))
@example(datetime(2026, 3, 1, tzinfo=UTC), 49 * 365)
@example(datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), 1)
def test_a_year_of_two_digits_is_less_than_50_years_away(moment: datetime, days: int) -> None:
    """Rule 17: the form of RFC 850 leaves the century out, and the clock tells it."""
    assume(1950 < moment.year < 9900)
    now = moment - timedelta(days=days)
    left = max(0.0, float(days * 86_400))
    assert parse_retry_after(long_ago(moment), now.timestamp()) == left


@pytest.mark.parametrize(("year", "is_ahead"), [("76", True), ("77", False)])
def test_a_year_of_two_digits_that_is_too_far_ahead_is_past(year: str, is_ahead: bool) -> None:  # noqa: FBT001
    """Rule 17: more than 50 years ahead means the last century (RFC 9110, section 5.6.7)."""
    wish = parse_retry_after(f"Sunday, 01-Mar-{year} 12:00:00 GMT", NOW_SECONDS)
    assert wish is not None
    assert (wish > 0) == is_ahead


def test_a_leap_second_is_a_second() -> None:
    """Rule 17: the 61st second of a minute is the first of the next one."""
    now = datetime(2016, 12, 31, 23, 59, 50, tzinfo=UTC).timestamp()
    assert parse_retry_after("Sat, 31 Dec 2016 23:59:60 GMT", now) == 10


@pytest.mark.parametrize("now", [NOW_SECONDS, 0.0, -1e9])
def test_a_date_that_has_passed_asks_for_nothing(now: float) -> None:
    """Rule 17: a clock that runs ahead of the server's makes no negative wait."""
    assert parse_retry_after("Tue, 01 Jan 1901 00:00:00 GMT", now) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "-1",
        "+5",
        "1.5",
        "1e3",
        "1_000",
        "0x10",
        "5 s",
        "5, 10",
        "5\n",
        "00000000001",
        "9" * 11,
        "9" * 5000,
        "nan",
        "inf",
        "\u0665",  # an Arabic 5, which int() reads
        "\uff15\uff10",  # full-width digits, likewise
        "\u00b2",  # a superscript, which str.isdigit() takes
        "Sun, 01 Mar 2026 12:02:00 \uff27MT",
        "Sun, \u0660\u0661 Mar 2026 12:02:00 GMT",
        "Sun, 01 Mar 2026 12:02:00",
        "Sun, 01 Mar 2026 12:02:00 EST",
        "Sun, 01 Mar 2026 12:02:00 +0100",
        "Sun, 01 Mar 26 12:02:00 GMT",
        "Sun, 1 Mar 2026 12:02:00 GMT",
        "01 Mar 2026 12:02:00 GMT",
        "Sun, 01 Mrz 2026 12:02:00 GMT",
        "Sun, 30 Feb 2026 12:02:00 GMT",
        "Sun, 00 Mar 2026 12:02:00 GMT",
        "Sun, 01 Mar 0000 12:02:00 GMT",
        "Sun, 01 Mar 2026 24:02:00 GMT",
        "Sun, 01 Mar 2026 12:60:00 GMT",
        "Sun, 01 Mar 2026 12:02:61 GMT",
        "Sun, 01 Mar 2026 12:02:00 GMT, 5",
        "2026-03-01T12:02:00Z",
    ],
)
def test_garbage_is_ignored(text: str) -> None:
    """Rule 17: what is no wish, negative, too long, or a day that there is not, is None."""
    assert parse_retry_after(text, NOW_SECONDS) is None


@given(text=st.text() | dates_of_no_calendar, now=st.floats())
@example("Sunday, 01-Mar-26 12:02:00 GMT", float("nan"))
@example("Sunday, 01-Mar-26 12:02:00 GMT", float("inf"))
@example("Sunday, 01-Mar-26 12:02:00 GMT", 1e300)
def test_nothing_that_a_server_sends_raises(text: str, now: float) -> None:
    """Rule 17: whatever the text and the clock, there is a wish of 0 or more, or none."""
    wish = parse_retry_after(text, now)
    assert wish is None or wish >= 0


# --- the floor ------------------------------------------------------------------------------------


def refusal(http_status: int) -> LastError:
    """Return the failure of a handshake that was answered with a status."""
    return LastError("http", "WSServerHandshakeError", "refused", http_status=http_status)


@pytest.mark.parametrize("status", [429, 503])
@given(wish=seconds, cap=seconds)
def test_a_wish_is_a_floor_up_to_the_cap(status: int, wish: float, cap: float) -> None:
    """Rule 17: 429 and 503 are heeded, but nobody is sent away for longer than the cap."""
    assert retry_floor_seconds(refusal(status), wish, cap) == min(wish, cap)


@pytest.mark.parametrize("status", [101, 302, 401, 404, 408, 425, 500, 502, 504])
def test_a_wish_with_another_status_is_ignored(status: int) -> None:
    """Rule 17: the header counts for 429 and 503 only."""
    assert retry_floor_seconds(refusal(status), 60, 300) == 0


@pytest.mark.parametrize("status", [429, 503])
def test_without_a_wish_there_is_no_floor(status: int) -> None:
    """Rule 17: a status alone does not change the schedule."""
    assert retry_floor_seconds(refusal(status), None, 300) == 0


@pytest.mark.parametrize(("wish", "cap"), [(None, 300.0), (60.0, 300.0), (None, 1.0)])
def test_try_again_later_is_not_before_5_seconds(wish: float | None, cap: float) -> None:
    """Rule 18: the close code 1013 has a floor of its own, which no header changes."""
    busy = LastError("closed", "", "try again later", close_code=1013)
    assert retry_floor_seconds(busy, wish, cap) == 5


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1011, 1012, 1014, 4000, 4013])
def test_every_other_end_has_the_normal_schedule(code: int | None) -> None:
    """Rule 18: 1001 and 1012 have no floor, and no short cut either."""
    gone = LastError("closed", "", "gone", close_code=code)
    assert retry_floor_seconds(gone, 60, 300) == 0


def test_a_status_goes_before_a_close_code() -> None:
    """Rule 18: where a failure had both, the link was never open."""
    both = LastError("http", "", "broken", close_code=1013, http_status=500)
    assert retry_floor_seconds(both, None, 300) == 0


@given(error=last_errors, wish=st.none() | seconds)
def test_no_floor_is_beyond_the_cap_or_the_5_seconds(error: LastError, wish: float | None) -> None:
    """Rule 17: the next attempt comes, whatever the failure and the wish."""
    assert 0 <= retry_floor_seconds(error, wish, 300) <= 300


# --- the delay ------------------------------------------------------------------------------------


@given(floor=seconds, excess=seconds, jitter=jitters)
def test_a_delay_that_is_long_enough_stays_as_it_is(
    floor: float, excess: float, jitter: float
) -> None:
    """Rule 17: a floor that does not decide adds nothing."""
    assert delay_with_floor(floor + excess, floor, jitter) == floor + excess


@given(floor=seconds, share=st.floats(0, 1, exclude_max=True), jitter=jitters)
@example(300.0, 0.0, 1 - 2**-53)
def test_a_floor_that_decides_is_exceeded_by_a_tenth_at_most(
    floor: float, share: float, jitter: float
) -> None:
    """Rule 17: never before the time that the server asked for, nor much after it."""
    delay = floor * share
    assume(delay < floor)
    assert floor <= delay_with_floor(delay, floor, jitter) <= floor * 1.1


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, 60.0), (0.5, 63.0), (0.75, 64.5)])
def test_chance_spreads_those_who_were_told_the_same(jitter: float, expected: float) -> None:
    """Rule 17: of a thousand clients that were told 60 s, not all come in the same second."""
    assert delay_with_floor(1.0, 60.0, jitter) == pytest.approx(expected)


@given(delay=seconds, floor=seconds, jitter=jitters)
def test_the_delay_is_never_shorter_than_either(delay: float, floor: float, jitter: float) -> None:
    """Rule 17: the longer of the two decides."""
    assert delay_with_floor(delay, floor, jitter) >= max(delay, floor)


@given(delay=seconds, jitter=jitters)
def test_without_a_floor_the_schedule_is_the_normal_one(delay: float, jitter: float) -> None:
    """Rule 18: a failure without a floor waits exactly what the backoff gave."""
    assert delay_with_floor(delay, 0.0, jitter) == delay


@pytest.mark.parametrize("jitter", [-0.1, 1.0, float("nan"), float("inf")])
def test_a_draw_is_at_least_0_and_less_than_1(jitter: float) -> None:
    """Rule 17: what a broken source of chance draws is refused, also where no floor decides."""
    with pytest.raises(ValueError, match="expected 0 <= jitter < 1, got "):
        delay_with_floor(5.0, 1.0, jitter)
