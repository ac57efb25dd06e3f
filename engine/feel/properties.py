"""`value.name` for contexts, lists, dates, times, durations and ranges (DMN 1.5, table 61)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from engine.feel.run import Run
from engine.feel.values import Range, YearsDuration


def property_of(value: object, name: str, run: Run) -> object:
    """`value.name` for contexts, lists (each item), dates, times, durations and ranges (table 61); else null."""
    if type(value) is dict:
        return run.entry(value, name)
    if type(value) is list:
        run.room_for(len(value))
        run.charge(len(value))
        run.enter()
        found = [property_of(item, name, run) for item in value]
        run.leave()
        return found
    reader = _PROPERTIES.get((type(value), name))
    return None if reader is None else reader(value)


def _number(value: int) -> Decimal:
    return Decimal(value)


def _offset_of(moment: datetime | time) -> timedelta | None:
    return moment.utcoffset()


def _zone_name(moment: datetime | time) -> str | None:
    return getattr(moment.tzinfo, "key", None)


def _clock_part(divisor: int, modulus: int) -> Callable[[timedelta], Decimal]:
    """A part of a duration's length, toward zero, with the duration's sign."""

    def part(duration: timedelta) -> Decimal:
        seconds = abs(duration) // timedelta(seconds=1)
        amount = Decimal(seconds // divisor % modulus) if modulus else Decimal(seconds // divisor)
        return -amount if duration < timedelta() and amount else amount

    return part


def _months_part(duration: YearsDuration, years: bool) -> Decimal:
    whole, rest = divmod(abs(duration.months), 12)
    amount = Decimal(whole if years else rest)
    return -amount if duration.months < 0 and amount else amount


_DAY_PARTS: dict[str, Callable[[date], object]] = {
    "year": lambda day: _number(day.year),
    "month": lambda day: _number(day.month),
    "day": lambda day: _number(day.day),
    "weekday": lambda day: _number(day.isoweekday()),
}
_CLOCK_PARTS: dict[str, Callable[[datetime | time], object]] = {
    "hour": lambda clock: _number(clock.hour),
    "minute": lambda clock: _number(clock.minute),
    "second": lambda clock: Decimal(clock.second) + Decimal(clock.microsecond).scaleb(-6),
    "time offset": _offset_of,
    "timezone": _zone_name,
}
_PROPERTIES: dict[tuple[type, str], Callable[..., object]] = {
    **{(date, name): reader for name, reader in _DAY_PARTS.items()},
    **{(datetime, name): reader for name, reader in _DAY_PARTS.items()},
    **{(datetime, name): reader for name, reader in _CLOCK_PARTS.items()},
    **{(time, name): reader for name, reader in _CLOCK_PARTS.items()},
    (timedelta, "days"): _clock_part(86400, 0),
    (timedelta, "hours"): _clock_part(3600, 24),
    (timedelta, "minutes"): _clock_part(60, 60),
    (timedelta, "seconds"): _clock_part(1, 60),
    (YearsDuration, "years"): lambda duration: _months_part(duration, True),
    (YearsDuration, "months"): lambda duration: _months_part(duration, False),
    (Range, "start"): lambda interval: interval.start,
    (Range, "end"): lambda interval: interval.end,
    (Range, "start included"): lambda interval: interval.start_included,
    (Range, "end included"): lambda interval: interval.end_included,
}
