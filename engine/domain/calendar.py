"""Office time in Asia/Shanghai: days, clock times and working hours.

Two families, kept apart on purpose (R23, requirements 1.10): *statutory clocks* (`end_of_day`, `start_of_day`,
`at_time`) are clock time and never look at a holiday table; *working-hour* functions need the table and refuse
with `YearMissing` when it has no such year, because next year's holidays are announced only each November.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Shanghai")
"""The zone in which the regulation's days begin and end; no daylight saving since 1991."""

MAX_WORKING_HOURS: Final = 24 * 366 * 5
"""Hours `add_working_hours` accepts either way: five years, so that a wrong number cannot make a long loop."""

_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?")
_DAY: Final = 24 * 3600


class YearMissing(LookupError):
    """The holiday table has no entries for `year`; `calendar` names the table and its version."""

    def __init__(self, year: int, calendar: str) -> None:
        super().__init__(f"Expected calendar {calendar} to hold the year {year}, but it does not")
        self.year = year
        self.calendar = calendar


class CalendarError(ValueError):
    """A calendar table that cannot be read: `key` names the sentence, `details` fills its blanks."""

    def __init__(self, key: str, **details: object) -> None:
        super().__init__(f"{key} {details}")
        self.key = key
        self.details = details


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("Expected an aware datetime, but it has no offset")
    return instant.astimezone(ZONE)


def midnight(day: date) -> datetime:
    """The first instant of a day in Asia/Shanghai, with that zone."""
    return datetime.combine(day, time(), ZONE)


def clock_seconds(clock: str) -> int:
    """Seconds after midnight of `"HH:MM"` or `"HH:MM:SS"`; `"24:00"` is 86400. Raises ValueError otherwise."""
    found = _CLOCK.fullmatch(clock)
    if found is None:
        raise ValueError(f"Expected a clock time such as 18:00, but got {clock!r}")
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    seconds = hour * 3600 + minute * 60 + second
    if seconds > _DAY:
        raise ValueError(f"Expected a clock time of at most 24:00, but got {clock!r}")
    return seconds


def start_of_day(instant: datetime) -> datetime:
    """00:00 Beijing time of the day `instant` (aware) lies in, as aware UTC."""
    return midnight(_aware(instant).date()).astimezone(UTC)


def end_of_day(instant: datetime) -> datetime:
    """24:00 Beijing time of the day `instant` (aware) lies in, as aware UTC: the same-day limit of R49.

    An instant at exactly 00:00 belongs to the day that begins then, and so ends 24 hours later.
    """
    return midnight(_aware(instant).date() + timedelta(days=1)).astimezone(UTC)


def at_time(instant: datetime, clock: str) -> datetime:
    """`clock` (`"18:00"`, Beijing time) on the day `instant` (aware) lies in, as aware UTC. May be before `instant`.

    Raises ValueError for something that is not a clock time between 00:00 and 24:00.
    """
    day = _aware(instant).date()
    return (midnight(day) + timedelta(seconds=clock_seconds(clock))).astimezone(UTC)


Span = tuple[int, int]
"""Office hours of a day: start and end in seconds after midnight, Beijing time."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A holiday table with office hours. `name` and `version` are quoted in the evidence of every due instant.

    `holidays`: days off by notice. `workdays`: Saturdays and Sundays worked instead (调休).
    `spans`: office hours in order, not overlapping. `years`: the years the table is complete for.
    """

    name: str
    version: str
    holidays: frozenset[date]
    workdays: frozenset[date]
    spans: tuple[Span, ...]
    years: frozenset[int]

    def is_workday(self, day: date) -> bool:
        """Whether the office works on `day`. Raises YearMissing if the table does not cover its year."""
        if day.year not in self.years:
            raise YearMissing(day.year, f"{self.name} {self.version}")
        if day in self.workdays:
            return True
        return day.weekday() < 5 and day not in self.holidays

    def end_of_day(self, instant: datetime) -> datetime:
        """See the function of the same name; never depends on the table."""
        return end_of_day(instant)

    def start_of_day(self, instant: datetime) -> datetime:
        """See the function of the same name; never depends on the table."""
        return start_of_day(instant)

    def at_time(self, instant: datetime, clock: str) -> datetime:
        """See the function of the same name; never depends on the table."""
        return at_time(instant, clock)

    def add_working_hours(self, instant: datetime, hours: float | int) -> datetime:
        """The instant (aware UTC) at which `hours` of office time have passed since `instant` (aware).

        Counts backward for negative hours. Whole seconds; 0 hours gives `instant` itself. A period that ends with
        the office day ends then, not on the next morning.
        Raises YearMissing; ValueError for more than MAX_WORKING_HOURS.
        """
        if not abs(hours) <= MAX_WORKING_HOURS:
            raise ValueError(f"Expected at most {MAX_WORKING_HOURS} working hours, but got {hours}")
        rest = round(hours * 3600)
        local = _aware(instant)
        if rest == 0:
            return instant.astimezone(UTC)
        return self._forward(local, rest) if rest > 0 else self._backward(local, -rest)

    def working_seconds_between(self, start: datetime, end: datetime) -> float:
        """Seconds of office time from `start` to `end` (both aware); negative when `end` comes first.

        Raises YearMissing; ValueError when the two are more than ten years apart.
        """
        first, last = _aware(start), _aware(end)
        if last < first:
            return -self.working_seconds_between(end, start)
        if last - first > timedelta(days=3660):
            raise ValueError("Expected two instants at most ten years apart")
        total = timedelta()
        day = first.date()
        while day <= last.date():
            for opens, closes in self._spans_of(day):
                total += max(timedelta(), min(closes, last) - max(opens, first))
            day += timedelta(days=1)
        return total.total_seconds()

    def _spans_of(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if self.is_workday(day):
            start = midnight(day)
            for opens, closes in self.spans:
                yield start + timedelta(seconds=opens), start + timedelta(seconds=closes)

    def _forward(self, local: datetime, rest: float) -> datetime:
        day = local.date()
        while True:
            for opens, closes in self._spans_of(day):
                begin = max(opens, local)
                room = (closes - begin).total_seconds()
                if room >= rest:
                    return (begin + timedelta(seconds=rest)).astimezone(UTC)
                rest -= max(room, 0.0)
            day += timedelta(days=1)

    def _backward(self, local: datetime, rest: float) -> datetime:
        day = local.date()
        while True:
            for opens, closes in reversed(list(self._spans_of(day))):
                finish = min(closes, local)
                room = (finish - opens).total_seconds()
                if room >= rest:
                    return (finish - timedelta(seconds=rest)).astimezone(UTC)
                rest -= max(room, 0.0)
            day -= timedelta(days=1)


def _days(entries: object, field: str) -> frozenset[date]:
    """Reads dates and `"2026-02-15/2026-02-23"` spans (both ends in)."""
    days: set[date] = set()
    if not isinstance(entries, list):
        raise CalendarError("calendar.not_a_list", field=field)
    for entry in entries:
        if isinstance(entry, date) and not isinstance(entry, datetime):
            days.add(entry)
            continue
        first_text, _, last_text = str(entry).partition("/")
        if len(first_text) != 10 or len(last_text) not in (0, 10):
            raise CalendarError("calendar.not_a_date", field=field, value=str(entry))
        try:
            first = date.fromisoformat(first_text)
            last = date.fromisoformat(last_text or first_text)
        except ValueError:
            raise CalendarError("calendar.not_a_date", field=field, value=str(entry)) from None
        if not 0 <= (last - first).days <= 31:
            raise CalendarError("calendar.span", field=field, value=str(entry))
        days.update(first + timedelta(days=n) for n in range((last - first).days + 1))
    return frozenset(days)


def _spans(entries: object) -> tuple[Span, ...]:
    if not isinstance(entries, list) or not entries:
        raise CalendarError("calendar.no_office_hours")
    spans: list[Span] = []
    for entry in entries:
        opens, _, closes = str(entry).partition("-")
        try:
            span = (clock_seconds(opens.strip()), clock_seconds(closes.strip()))
        except ValueError:
            raise CalendarError("calendar.not_a_span", value=str(entry)) from None
        if span[0] >= span[1] or (spans and spans[-1][1] > span[0]):
            raise CalendarError("calendar.not_a_span", value=str(entry))
        spans.append(span)
    return tuple(spans)


def calendar_from(table: Mapping[str, object]) -> Calendar:
    """The calendar of a table as TOML parses it; raises CalendarError naming the field that is wrong.

    Keys: `name`, `version`, `holidays` and `workdays` (dates, ISO strings, or `"2026-02-15/2026-02-23"`),
    `office_hours` (`["08:30-12:00", "14:30-18:00"]`) and, optional, `years` (else the years of the holidays).
    """
    holidays = _days(table.get("holidays", []), "holidays")
    workdays = _days(table.get("workdays", []), "workdays")
    both = holidays & workdays
    if both:
        raise CalendarError("calendar.day_off_and_on", value=min(both).isoformat())
    years = table.get("years")
    if years is not None and not (isinstance(years, list) and all(type(year) is int for year in years)):
        raise CalendarError("calendar.years", value=str(years))
    return Calendar(
        name=str(table.get("name", "")),
        version=str(table.get("version", "")),
        holidays=holidays,
        workdays=workdays,
        spans=_spans(table.get("office_hours")),
        years=frozenset(years) if years is not None else frozenset(day.year for day in holidays),
    )
