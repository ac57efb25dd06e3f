"""Dates, times, durations (DMN 1.5, tables 73, 79, 80) and the office's own clock functions.

The own functions read ISO text where an instant is meant and give instants in Asia/Shanghai. `end of day`,
`start of day` and `at time` are clock time and need no calendar; working hours need one (R23, requirements 1.10).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from engine.domain import calendar as office
from engine.feel import temporal
from engine.feel.errors import FeelEvaluationError
from engine.feel.functions.registry import builtin
from engine.feel.run import Run
from engine.feel.values import NUMBERS, YearsDuration

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _whole(number: Decimal, limit: int = 10_000) -> int | None:
    return int(number) if number == number.to_integral_value() and abs(number) < limit else None


@builtin("date", "from: some")
def date_from(run: Run, value: object) -> object:
    run.charge(1)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        return None
    found = temporal.as_temporal(value)
    return found.date() if isinstance(found, datetime) else found


@builtin("date", "year: number, month: number, day: number")
def date_of(run: Run, year: Decimal, month: Decimal, day: Decimal) -> object:
    parts = _whole(year), _whole(month), _whole(day)
    if parts[0] is None or parts[1] is None or parts[2] is None:
        return None
    return temporal.make_date(parts[0], parts[1], parts[2])


@builtin("date and time", "from: some")
def date_and_time_from(run: Run, value: object) -> object:
    run.charge(1)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return temporal.parse_date_time(value) if isinstance(value, str) and len(value) <= 100 else None


@builtin("date and time", "date: moment, time: some")
def date_and_time_of(run: Run, day: date, clock: object) -> object:
    """The day of `date` with `time`, which may also be a timezone name for a date and time."""
    if isinstance(clock, str):
        parsed = temporal.parse_time(clock)
        if parsed is None:
            return _in_zone(day, clock) if isinstance(day, datetime) else None
        clock = parsed
    if not isinstance(clock, time):
        return None
    return datetime.combine(day.date() if isinstance(day, datetime) else day, clock)


def _in_zone(moment: datetime, name: str) -> object:
    try:
        zone = temporal.zone_of(f"@{name}")
        return temporal.instant_of(moment).astimezone(zone)
    except (ValueError, OverflowError):
        return None


@builtin(
    "date and time",
    "year: number, month: number, day: number, hour: number, minute: number, second: number, offset?: any",
)
def date_and_time_from_parts(
    run: Run,
    year: Decimal,
    month: Decimal,
    day: Decimal,
    hour: Decimal,
    minute: Decimal,
    second: Decimal,
    offset: object = None,
) -> object:
    whole_day = date_of(run, year, month, day)
    clock = time_of(run, hour, minute, second, offset)
    if not isinstance(whole_day, date) or not isinstance(clock, time):
        return None
    return datetime.combine(whole_day, clock)


@builtin("time", "from: some")
def time_from(run: Run, value: object) -> object:
    run.charge(1)
    if isinstance(value, datetime):
        return value.timetz()
    if isinstance(value, time):
        return value
    if isinstance(value, date):
        return time(tzinfo=UTC)
    if not isinstance(value, str):
        return None
    return temporal.parse_time(value) if len(value) <= 100 else None


@builtin("time", "hour: number, minute: number, second: number, offset?: any")
def time_of(run: Run, hour: Decimal, minute: Decimal, second: Decimal, offset: object = None) -> object:
    hours, minutes = _whole(hour), _whole(minute)
    if hours is None or minutes is None or not 0 <= second < 60:
        return None
    if offset is not None and not (isinstance(offset, timedelta) and abs(offset) <= temporal.MAX_OFFSET):
        return None
    zone = temporal.zone_of(temporal.offset_text(offset)) if isinstance(offset, timedelta) else None
    micro = int((second - int(second)).scaleb(6))
    try:
        return time(hours, minutes, int(second), micro, UTC if offset == timedelta() else zone)
    except ValueError:
        return None


@builtin("duration", "from: some")
def duration_from(run: Run, value: object) -> object:
    run.charge(1)
    if isinstance(value, (timedelta, YearsDuration)):
        return value
    return temporal.parse_duration(value) if isinstance(value, str) and len(value) <= 100 else None


@builtin("years and months duration", "from: moment, to: moment")
def years_and_months(run: Run, start: date, end: date) -> object:
    return YearsDuration(temporal.months_between(start, end))


@builtin("now")
def now(run: Run) -> object:
    """The time of the journal entry, in Asia/Shanghai: never the machine's clock."""
    return run.env.now.astimezone(office.ZONE)


@builtin("today")
def today(run: Run) -> object:
    """The day of `now()` in Asia/Shanghai."""
    return run.env.now.astimezone(office.ZONE).date()


@builtin("is", "value1: any, value2: any")
def is_same(run: Run, left: object, right: object) -> object:
    """The same value in every part: also the same writing of the zone."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (datetime, time)) and isinstance(right, (datetime, time)):
        return left.replace(tzinfo=None) == right.replace(tzinfo=None) and _zone(left) == _zone(right)
    from engine.feel.operators import equal

    return equal(left, right, run)


def _zone(moment: datetime | time) -> object:
    return getattr(moment.tzinfo, "key", None) or moment.utcoffset()


@builtin("day of year", "date: moment")
def day_of_year(run: Run, day: date) -> object:
    return Decimal(day.timetuple().tm_yday)


@builtin("day of week", "date: moment")
def day_of_week(run: Run, day: date) -> object:
    return _WEEKDAYS[day.weekday()]


@builtin("month of year", "date: moment")
def month_of_year(run: Run, day: date) -> object:
    return _MONTHS[day.month - 1]


@builtin("week of year", "date: moment")
def week_of_year(run: Run, day: date) -> object:
    """The ISO 8601 week number."""
    return Decimal(day.isocalendar().week)


@builtin("last day of month", "date: moment", own=True)
def last_day_of_month(run: Run, day: date) -> object:
    return date(day.year, day.month, temporal.days_in_month(day.year, day.month))


def _local(moment: datetime) -> datetime:
    return moment.astimezone(office.ZONE)


@builtin("start of day", "from: moment", own=True)
def start_of_day(run: Run, moment: date) -> object:
    """00:00 in Asia/Shanghai of that day."""
    try:
        return _local(office.start_of_day(temporal.instant_of(moment)))
    except OverflowError:
        return None


@builtin("end of day", "from: moment", own=True)
def end_of_day(run: Run, moment: date) -> object:
    """24:00 in Asia/Shanghai of that day: the same-day limit (R49)."""
    try:
        return _local(office.end_of_day(temporal.instant_of(moment)))
    except OverflowError:
        return None


@builtin("at time", "from: moment, time: some", own=True)
def at_time(run: Run, moment: date, clock: object) -> object:
    """`"18:00"` (or a time) in Asia/Shanghai on that day; null when it is no clock time."""
    text = f"{clock.hour:02d}:{clock.minute:02d}:{clock.second:02d}" if isinstance(clock, time) else clock
    try:
        return _local(office.at_time(temporal.instant_of(moment), text)) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


def _calendar(run: Run) -> office.Calendar:
    if run.env.calendar is None:
        raise FeelEvaluationError("feel.calendar_missing")
    return run.env.calendar


def _year_missing(error: office.YearMissing) -> FeelEvaluationError:
    return FeelEvaluationError("feel.calendar_year_missing", {"year": error.year, "calendar": error.calendar})


@builtin("add working hours", "from: moment, hours: number", own=True)
def add_working_hours(run: Run, moment: date, hours: Decimal) -> object:
    """When that much office time has passed; raises for a year without a holiday table, rather than guess."""
    table = _calendar(run)
    if abs(hours) > office.MAX_WORKING_HOURS:
        return None
    run.charge(int(abs(hours)) // 4 + 8)
    try:
        return _local(table.add_working_hours(temporal.instant_of(moment), float(hours)))
    except office.YearMissing as error:
        raise _year_missing(error) from error
    except OverflowError:
        return None


@builtin("working hours between", "from: moment, to: moment", own=True)
def working_hours_between(run: Run, start: date, end: date) -> object:
    """Office hours from one instant to the other, a number; negative when the second comes first."""
    table = _calendar(run)
    run.charge(2 * abs(end.toordinal() - start.toordinal()) + 8)
    try:
        seconds = table.working_seconds_between(temporal.instant_of(start), temporal.instant_of(end))
        return NUMBERS.divide(Decimal(repr(seconds)), Decimal(3600))
    except office.YearMissing as error:
        raise _year_missing(error) from error
    except (ValueError, OverflowError):
        return None


@builtin("is workday", "date: moment", own=True)
def is_workday(run: Run, day: date) -> object:
    """Whether the office works on that day (in Asia/Shanghai)."""
    try:
        return _calendar(run).is_workday(_local(temporal.instant_of(day)).date())
    except office.YearMissing as error:
        raise _year_missing(error) from error
