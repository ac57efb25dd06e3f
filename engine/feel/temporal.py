"""Dates, times and durations: reading, writing, arithmetic (DMN 1.5, 10.3.2.3.4 to 10.3.2.3.8; ISO 8601).

Years run from 1 to 9999 and fractions of a second to microseconds; what lies outside is null.
Beyond the standard, because case data is JSON and form fields write so: seconds may be left out
(`2026-11-20T08:30+08:00`), a blank may stand for the `T`, and `as_temporal` reads ISO text where an instant is meant.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.domain.calendar import ZONE
from engine.feel.values import NUMBERS, YearsDuration

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_TIME = re.compile(
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,30})?)?"
    r"(Z|z|[+-][0-9]{2}:[0-9]{2}(?::[0-9]{2})?|@[A-Za-z0-9_+/-]{1,60})?",
    re.ASCII,
)
_DAYS = re.compile(
    r"(-?)P(?:([0-9]{1,12})D)?(T(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12})(\.[0-9]{0,30})?S)?)?", re.ASCII
)
_YEARS = re.compile(r"(-?)P(?:([0-9]{1,12})Y)?(?:([0-9]{1,12})M)?", re.ASCII)
MAX_OFFSET = timedelta(hours=14)
MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime.combine(date(1970, 1, 1), time())
_MIDNIGHT = "24:00"


def parse_date(text: str) -> date | None:
    """The date of `2026-11-20`, else null."""
    found = _DATE.fullmatch(text)
    return make_date(int(found[1]), int(found[2]), int(found[3])) if found else None


def make_date(year: int, month: int, day: int) -> date | None:
    """That day, or null when there is none (February 30, year 10000)."""
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def zone_of(mark: str | None) -> tzinfo | None:
    """The zone of `Z`, `+08:00` or `@Asia/Shanghai`; None for no mark. Raises ValueError for an unknown one."""
    if not mark:
        return None
    if mark in "Zz":
        return UTC
    if mark[0] == "@":
        try:
            return ZoneInfo(mark[1:])
        except (OSError, LookupError) as error:
            raise ValueError(mark) from error
    hours, minutes, *seconds = (int(part) for part in mark[1:].split(":"))
    if minutes > 59 or (seconds and seconds[0] > 59):
        raise ValueError(mark)
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)
    if offset > MAX_OFFSET:
        raise ValueError(mark)
    return timezone(-offset if mark[0] == "-" else offset)


def parse_time(text: str) -> time | None:
    """The time of `08:30:00`, `08:30`, `08:30:00.5Z`, `08:30:00+08:00`, `08:30:00@Asia/Shanghai`, else null."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    micro = int(((found[4] or ".0")[1:] + "000000")[:6])
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0), micro, zone_of(found[5]))
    except ValueError:
        return None


def parse_date_time(text: str) -> datetime | None:
    """The date and time of ISO text; a date alone is its midnight without offset; else null."""
    day = parse_date(text[:10])
    if day is None:
        return None
    if len(text) == 10:
        return datetime.combine(day, time())
    if text[10] not in "T ":
        return None
    clock_part = text[11:]
    if clock_part.startswith(_MIDNIGHT):
        # 24:00 is the end of the day, as limits are written; only zeros may follow.
        rest = parse_time("00:00" + clock_part[5:])
        next_day = None if rest is None or rest.replace(tzinfo=None) != time() else shift(day, timedelta(days=1))
        return None if rest is None or next_day is None else datetime.combine(next_day, rest)
    clock = parse_time(clock_part)
    return None if clock is None else datetime.combine(day, clock)


def parse_duration(text: str) -> timedelta | YearsDuration | None:
    """The duration of `P1DT2H30M` or `P1Y6M`, else null; the two kinds never mix."""
    found = _DAYS.fullmatch(text)
    if found and (found[2] or found[4] or found[5] or found[6]):
        micro = int(((found[7] or ".0")[1:] + "000000")[:6])
        try:
            value = timedelta(
                days=int(found[2] or 0),
                hours=int(found[4] or 0),
                minutes=int(found[5] or 0),
                seconds=int(found[6] or 0),
                microseconds=micro,
            )
            return -value if found[1] else value
        except OverflowError:
            return None
    found = _YEARS.fullmatch(text)
    if found and (found[2] or found[3]):
        months = int(found[2] or 0) * 12 + int(found[3] or 0)
        return YearsDuration(-months if found[1] else months)
    return None


def parse_temporal(text: str) -> object:
    """What `@"text"` means: duration, date and time, date or time; null when none of them."""
    if text[:1] == "P" or text[:2] == "-P":
        return parse_duration(text)
    if len(text) > 10 and text[4:5] == "-":
        return parse_date_time(text)
    if text[4:5] == "-":
        return parse_date(text)
    return parse_time(text)


def as_temporal(value: object) -> date | datetime | None:
    """`value` as a date or a date and time; ISO text is read (`2026-11-20` as a date); else null."""
    if isinstance(value, date):
        return value
    if type(value) is not str or not 10 <= len(value) <= 100:
        return None
    return parse_date(value) if len(value) == 10 else parse_date_time(value)


def instant_of(value: date | datetime) -> datetime:
    """`value` as an aware instant: no offset means Asia/Shanghai, a date is its midnight there."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), ZONE)
    return value if value.tzinfo is not None else value.replace(tzinfo=ZONE)


def seconds_of(clock: time) -> Decimal:
    """Seconds after midnight UTC of a time with a fixed offset; without one Asia/Shanghai is meant."""
    offset = clock.utcoffset()
    if offset is None:
        # A zone such as Europe/Paris has no offset without a day; January 1970 decides, always the same way.
        zone = clock.tzinfo or ZONE
        offset = zone.utcoffset(_EPOCH) or timedelta()
    whole = clock.hour * 3600 + clock.minute * 60 + clock.second
    return Decimal(whole) + Decimal(clock.microsecond).scaleb(-6) - seconds_in(offset)


def seconds_in(duration: timedelta) -> Decimal:
    """The exact length in seconds."""
    return Decimal(duration // MICROSECOND).scaleb(-6)


def duration_of(seconds: Decimal) -> timedelta | None:
    """The duration of that many seconds (rounded to microseconds), null when too long to write."""
    if not seconds.is_finite() or abs(seconds) >= Decimal(86400 * 999999999):
        return None
    return timedelta(microseconds=int(NUMBERS.to_integral_value(seconds.scaleb(6, NUMBERS))))


def shift(moment: date | datetime, by: timedelta) -> date | datetime | None:
    """`moment` moved in elapsed time (across a daylight saving change too); null outside the years 1 to 9999."""
    try:
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return (moment.astimezone(UTC) + by).astimezone(moment.tzinfo)
        if isinstance(moment, datetime):
            return moment + by
        # DMN 1.5 table 55: date + days and time duration = the date of its midnight UTC so moved.
        return (datetime.combine(moment, time()) + by).date()
    except (OverflowError, ValueError):
        return None


def shift_months(moment: date | datetime, months: int) -> date | datetime | None:
    """`moment` moved by calendar months; a day that the month lacks becomes its last day."""
    index = moment.year * 12 + (moment.month - 1) + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        return None
    return moment.replace(year=year, month=month + 1, day=min(moment.day, days_in_month(year, month + 1)))


def days_in_month(year: int, month: int) -> int:
    """28 to 31."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def position(moment: date | datetime) -> timedelta:
    """Where `moment` lies on the time line, as elapsed time since 1970 in UTC; orders any two moments."""
    instant = instant_of(moment)
    return instant.replace(tzinfo=None) - _EPOCH - (instant.utcoffset() or timedelta())


def between(start: date | datetime, end: date | datetime) -> timedelta:
    """`end - start` in elapsed time.

    A date counts as midnight UTC beside a date and time (DMN 1.5, table 55); a date and time without offset
    beside one with an offset is taken as Asia/Shanghai.
    """
    first = start if isinstance(start, datetime) else datetime.combine(start, time(), _zone_beside(end))
    last = end if isinstance(end, datetime) else datetime.combine(end, time(), _zone_beside(start))
    return position(last) - position(first)


def _zone_beside(other: date | datetime) -> tzinfo | None:
    return UTC if isinstance(other, datetime) and other.tzinfo is not None else None


def months_between(start: date, end: date) -> int:
    """Whole months from `start` to `end` by their days, rounded toward zero (DMN 1.5, `years and months duration`)."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if months > 0 and end.day < start.day:
        return months - 1
    if months < 0 and end.day > start.day:
        return months + 1
    return months


def _zone_text(moment: datetime | time) -> str:
    if isinstance(moment.tzinfo, ZoneInfo):
        return f"@{moment.tzinfo.key}"
    offset = moment.utcoffset()
    if offset is None:
        return ""
    return "Z" if not offset else offset_text(offset)


def offset_text(offset: timedelta) -> str:
    """`+08:00`, `-05:30`, with seconds only when there are any."""
    seconds = abs(int(offset.total_seconds()))
    sign = "-" if offset < timedelta() else "+"
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return f"{text}:{seconds % 60:02d}" if seconds % 60 else text


def time_text(clock: time) -> str:
    """ISO text of a time, fraction without trailing zeros, zone as FEEL writes it."""
    fraction = f".{clock.microsecond:06d}".rstrip("0") if clock.microsecond else ""
    return f"{clock.hour:02d}:{clock.minute:02d}:{clock.second:02d}{fraction}{_zone_text(clock)}"


def date_text(day: date) -> str:
    """ISO text of a date; four digits for the year."""
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"


def date_time_text(moment: datetime) -> str:
    """FEEL text of a date and time: `2026-11-20T08:30:00@Asia/Shanghai` keeps its zone."""
    return f"{date_text(moment)}T{time_text(moment.timetz())}"


def instant_text(moment: datetime) -> str:
    """ISO 8601 text with a numeric offset, what JSON carries; without offset stays without."""
    offset = moment.utcoffset()
    plain = f"{date_text(moment)}T{time_text(moment.time())}"
    return plain if offset is None else plain + offset_text(offset)


def days_text(duration: timedelta) -> str:
    """ISO text of a days and time duration: `-P1DT2H`, `PT0S`."""
    sign = "-" if duration < timedelta() else ""
    micros = abs(duration // MICROSECOND)
    seconds, micro = divmod(micros, 1_000_000)
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{micro:06d}".rstrip("0") if micro else ""
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    clock += f"{seconds}{fraction}S" if seconds or micro else ""
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return f"{sign}P{text}" if text else "PT0S"


def years_text(duration: YearsDuration) -> str:
    """ISO text of a years and months duration: `P1Y6M`, `P0M`."""
    sign = "-" if duration.months < 0 else ""
    years, months = divmod(abs(duration.months), 12)
    text = (f"{years}Y" if years else "") + (f"{months}M" if months else "")
    return f"{sign}P{text}" if text else "P0M"
