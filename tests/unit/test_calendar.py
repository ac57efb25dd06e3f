"""Office time: days and clock times need no table; working hours need one and refuse to guess."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain import calendar as office
from engine.domain.calendar import (
    MAX_WORKING_HOURS,
    ZONE,
    CalendarError,
    YearMissing,
    at_time,
    calendar_from,
    clock_seconds,
    end_of_day,
    start_of_day,
)
from tests.unit.feel.support import CALENDAR, HOLIDAYS_2026


def beijing(text: str) -> datetime:
    """`2026-11-20 08:30` in Beijing, as aware UTC: what the functions give."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-11-20 23:50", "2026-11-21 00:00"),
        ("2026-11-20 00:00", "2026-11-21 00:00"),
        ("2026-11-20 23:59:59.999999", "2026-11-21 00:00"),
        ("2026-12-31 12:00", "2027-01-01 00:00"),
        ("2028-02-28 12:00", "2028-02-29 00:00"),
    ],
)
def test_a_day_ends_at_the_next_midnight_in_beijing(at: str, end: str) -> None:
    assert end_of_day(beijing(at)) == beijing(end)
    assert end_of_day(beijing(at)).tzinfo is UTC


def test_the_day_is_beijings_not_that_of_utc() -> None:
    assert end_of_day(datetime(2026, 11, 20, 15, 59, tzinfo=UTC)) == beijing("2026-11-21 00:00")
    assert end_of_day(datetime(2026, 11, 20, 16, 0, tzinfo=UTC)) == beijing("2026-11-22 00:00")
    assert start_of_day(datetime(2026, 11, 20, 16, 0, tzinfo=UTC)) == beijing("2026-11-21 00:00")


def test_statutory_clocks_do_not_look_at_the_table() -> None:
    empty = calendar_from({"name": "空", "office_hours": ["09:00-17:00"]})

    assert empty.years == frozenset()
    assert empty.end_of_day(beijing("2031-05-05 10:00")) == beijing("2031-05-06 00:00")
    assert empty.start_of_day(beijing("2031-05-05 10:00")) == beijing("2031-05-05 00:00")
    assert empty.at_time(beijing("2031-05-05 10:00"), "18:00") == beijing("2031-05-05 18:00")


@pytest.mark.parametrize(
    ("clock", "at"),
    [("18:00", "18:00"), ("8:05", "08:05"), ("22:00:30", "22:00:30"), ("00:00", "00:00")],
)
def test_a_clock_time_of_the_day(clock: str, at: str) -> None:
    assert at_time(beijing("2026-11-20 19:30"), clock) == beijing(f"2026-11-20 {at}")


def test_24_00_is_the_end_of_the_day() -> None:
    assert at_time(beijing("2026-11-20 19:30"), "24:00") == end_of_day(beijing("2026-11-20 19:30"))


@pytest.mark.parametrize("clock", ["24:01", "25:00", "18", "18:60", "18:00:99", "six", "", "-1:00", "18:00 "])
def test_what_is_no_clock_time_is_refused(clock: str) -> None:
    with pytest.raises(ValueError, match="Expected a clock time"):
        clock_seconds(clock)


def test_a_moment_without_offset_is_a_bug_not_a_guess() -> None:
    naive = beijing("2026-11-20 19:30").replace(tzinfo=None)

    for function in (end_of_day, start_of_day):
        with pytest.raises(ValueError, match="aware"):
            function(naive)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-01-01", False),
        ("2026-01-04", True),
        ("2026-02-14", True),
        ("2026-02-16", False),
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),
        ("2026-04-06", False),
        ("2026-05-09", True),
        ("2026-06-19", False),
        ("2026-09-20", True),
        ("2026-09-25", False),
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-10-10", True),
        ("2026-10-11", False),
        ("2026-11-23", True),
    ],
)
def test_holidays_and_swapped_days_of_2026(day: str, works: bool) -> None:
    assert CALENDAR.is_workday(date.fromisoformat(day)) is works


def test_2026_has_248_working_days() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]

    assert sum(CALENDAR.is_workday(day) for day in days) == 248


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-23 09:00", 2, "2026-11-23 11:00"),
        ("2026-11-23 11:00", 2, "2026-11-23 15:30"),
        ("2026-11-23 12:30", 1, "2026-11-23 15:30"),
        ("2026-11-23 17:00", 1, "2026-11-23 18:00"),
        ("2026-11-23 17:00", 2, "2026-11-24 09:30"),
        ("2026-11-20 17:00", 2, "2026-11-23 09:30"),
        ("2026-11-21 10:00", 0.5, "2026-11-23 09:00"),
        ("2026-09-30 17:00", 8, "2026-10-08 18:00"),
        ("2026-10-09 17:00", 2, "2026-10-10 09:30"),
        ("2026-11-23 09:00", 0, "2026-11-23 09:00"),
        ("2026-11-21 09:00", 0, "2026-11-21 09:00"),
        ("2026-11-24 09:30", -2, "2026-11-23 17:00"),
        ("2026-11-23 08:30", -1, "2026-11-20 17:00"),
        ("2026-11-22 12:00", -7, "2026-11-20 08:30"),
    ],
)
def test_adding_working_hours(start: str, hours: float, end: str) -> None:
    assert CALENDAR.add_working_hours(beijing(start), hours) == beijing(end)


def test_working_seconds_leave_out_lunch_weekends_and_holidays() -> None:
    between = CALENDAR.working_seconds_between

    assert between(beijing("2026-11-23 08:00"), beijing("2026-11-23 20:00")) == 7 * 3600
    assert between(beijing("2026-11-20 17:00"), beijing("2026-11-23 09:30")) == 2 * 3600
    assert between(beijing("2026-10-01 00:00"), beijing("2026-10-08 00:00")) == 0
    assert between(beijing("2026-11-23 09:30"), beijing("2026-11-20 17:00")) == -2 * 3600


def test_a_year_without_table_is_named() -> None:
    for ask in (
        lambda: CALENDAR.is_workday(date(2027, 1, 4)),
        lambda: CALENDAR.add_working_hours(beijing("2026-12-31 17:00"), 8),
        lambda: CALENDAR.add_working_hours(beijing("2026-01-04 09:00"), -20),
        lambda: CALENDAR.working_seconds_between(beijing("2026-12-31 17:00"), beijing("2027-01-05 09:00")),
    ):
        with pytest.raises(YearMissing) as raised:
            ask()
        assert raised.value.year in (2025, 2027)
        assert "2025-11-04" in raised.value.calendar


def test_the_last_working_hours_of_the_table_need_no_further_year() -> None:
    assert CALENDAR.add_working_hours(beijing("2026-12-31 17:00"), 1) == beijing("2026-12-31 18:00")


def test_far_too_many_hours_are_refused() -> None:
    for hours in (MAX_WORKING_HOURS + 1, -MAX_WORKING_HOURS - 1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="working hours"):
            CALENDAR.add_working_hours(beijing("2026-11-23 09:00"), hours)
    with pytest.raises(ValueError, match="ten years"):
        CALENDAR.working_seconds_between(beijing("2026-11-23 09:00"), beijing("2046-11-23 09:00"))


def test_a_table_reads_from_toml_with_dates_and_spans() -> None:
    table = tomllib.loads(
        """
        name = "测试"
        version = "1"
        holidays = [2026-10-01, "2026-10-02/2026-10-07"]
        workdays = ["2026-10-10"]
        office_hours = ["09:00-17:00"]
        """
    )

    calendar = calendar_from(table)

    assert len(calendar.holidays) == 7
    assert calendar.spans == ((9 * 3600, 17 * 3600),)
    assert calendar.years == {2026}


def test_years_can_be_given_for_a_table_without_holidays() -> None:
    assert calendar_from({"office_hours": ["09:00-17:00"], "years": [2030]}).is_workday(date(2030, 1, 1))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"holidays": "2026-01-01"}, "calendar.not_a_list"),
        ({"holidays": ["2026-13-01"]}, "calendar.not_a_date"),
        ({"workdays": [20260101]}, "calendar.not_a_date"),
        ({"holidays": ["2026-01-05/2026-01-01"]}, "calendar.span"),
        ({"holidays": ["2026-01-01/2029-01-01"]}, "calendar.span"),
        ({"workdays": ["2026-01-01"]}, "calendar.day_off_and_on"),
        ({"office_hours": []}, "calendar.no_office_hours"),
        ({"office_hours": ["12:00-09:00"]}, "calendar.not_a_span"),
        ({"office_hours": ["09:00-12:00", "11:00-18:00"]}, "calendar.not_a_span"),
        ({"office_hours": ["nine to five"]}, "calendar.not_a_span"),
        ({"years": "2026"}, "calendar.years"),
    ],
)
def test_a_wrong_table_is_refused_by_field(change: dict[str, object], key: str) -> None:
    with pytest.raises(CalendarError) as raised:
        calendar_from({**HOLIDAYS_2026, **change})

    assert raised.value.key == key


IN_2026 = st.datetimes(datetime(2026, 2, 1), datetime(2026, 11, 1), timezones=st.just(ZONE))  # noqa: DTZ001 zone drawn


@given(IN_2026, st.integers(0, 200 * 60))
def test_working_time_added_is_the_working_time_between(at: datetime, minutes: int) -> None:
    end = CALENDAR.add_working_hours(at, minutes / 60)

    assert CALENDAR.working_seconds_between(at, end) == pytest.approx(minutes * 60, abs=1)
    assert end >= at


@given(IN_2026, st.integers(1, 100))
def test_going_back_is_going_forth(at: datetime, hours: int) -> None:
    end = CALENDAR.add_working_hours(at, hours)

    assert CALENDAR.working_seconds_between(CALENDAR.add_working_hours(end, -hours), end) == hours * 3600


def test_the_module_reads_no_clock() -> None:
    assert not hasattr(office, "now")
