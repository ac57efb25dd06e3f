"""Dates and times as the datetime field writes them: `2026-03-05`, `09:30+08:00`, `2026-03-05T09:30Z`.

The viewer's own reading of stored data is lenient (`Date.parse`); what its picker writes is not, and that is what a
submission is held to. Subtypes: date, time, datetime. `timeSerializingFormat`: utc_offset, utc_normalized, no_timezone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final

from engine.definitions.form_model import Component
from engine.domain.calendar import ZONE

FIRST_DAY: Final = date(1900, 1, 1)
"""The picker's own lower bound."""
INTERVALS: Final = frozenset({1, 5, 10, 15, 30, 60})
DEFAULT_INTERVAL: Final = 15
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CLOCK: Final = re.compile(r"([0-9]{2}):([0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)
_LOOSE_CLOCK: Final = re.compile(
    r"[0-9]{1,2}(?::[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]+)?)?)?(?:Z|[+-][0-9]{1,2}(?::[0-9]{1,2})?)?", re.ASCII
)
Fault = tuple[str, Mapping[str, object]]


def subtype_of(component: Component) -> str:
    return str(component.attributes.get("subtype", "date"))


def interval_of(component: Component) -> int:
    """Minutes between the times that the picker offers."""
    wanted = component.attributes.get("timeInterval")
    return wanted if isinstance(wanted, int) and wanted in INTERVALS else DEFAULT_INTERVAL


def parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def sanitised(component: Component, value: object) -> str | None:
    """The stored value as the viewer takes it over: kept when it can be read, else null."""
    if not isinstance(value, str):
        return None
    kind = subtype_of(component)
    if kind == "time":
        return value if _LOOSE_CLOCK.fullmatch(value) and int(re.split("[:Z+-]", value)[0]) <= 24 else None
    if kind == "date":
        return value if parse_day(value) else None
    return value if _moment(value) else None


def faults(component: Component, value: str, own: list[object], now: datetime) -> list[Fault]:
    """Why `value` could not come from the picker; empty when it could.

    A value that means the same as a stored one (`own`) is not held to the interval and the bounds on the day: the
    person has not touched it. `now`: aware; the picker's "today" is that day in Asia/Shanghai.
    """
    kind = subtype_of(component)
    day_text, mark, clock_text = value.partition("T") if kind == "datetime" else (value, "", value)
    day = parse_day(day_text) if kind != "time" else None
    found = _CLOCK.fullmatch(clock_text) if kind != "date" else None
    if (
        (kind != "time" and day is None)
        or (kind != "date" and (found is None or not _is_time(found)))
        or (kind == "datetime" and not mark)
    ):
        return [(f"form.{kind}_format", {"value": value[:40]})]
    if any(isinstance(one, str) and _same(kind, one, value) for one in own):
        return []
    out: list[Fault] = []
    if day is not None and day < FIRST_DAY:
        out.append(("form.date_too_early", {"first": FIRST_DAY.isoformat()}))
    if found is not None:
        out += _clock_faults(component, found)
    if day is not None and component.attributes.get("disallowPassedDates"):
        local = _moment(value) if kind == "datetime" else None
        today = now.astimezone(ZONE).date()
        if (local.astimezone(ZONE).date() if local else day) < today:
            out.append(("form.date_passed", {"today": today.isoformat()}))
    return out


def _clock_faults(component: Component, found: re.Match[str]) -> list[Fault]:
    out: list[Fault] = []
    style = component.attributes.get("timeSerializingFormat")
    zone = found[3] or ""
    if (style == "utc_normalized") != (zone == "Z") or (style == "utc_offset") != (zone not in ("", "Z")):
        out.append(("form.time_zone", {"format": str(style or "no_timezone")}))
    # the picker's interval is local time; Asia/Shanghai is whole hours off UTC, so the minute is the same for "Z"
    every = interval_of(component)
    if int(found[2]) % every:
        out.append(("form.time_interval", {"minutes": every}))
    return out


def _is_time(found: re.Match[str]) -> bool:
    zone = found[3]
    offset_ok = not zone or zone == "Z" or (int(zone[1:3]) <= 14 and int(zone[4:6]) <= 59)
    return int(found[1]) <= 23 and int(found[2]) <= 59 and offset_ok


def _same(kind: str, own: str, value: str) -> bool:
    if own == value or kind == "date":
        return own == value
    return _minute(kind, own) == _minute(kind, value) is not None


def _minute(kind: str, text: str) -> object:
    """The minute in UTC that a text names (a time: minute of the day), None when it names none."""
    moment = _moment(f"2000-01-02T{text}" if kind == "time" else text)
    if moment is None:
        return None
    moment = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return moment.time() if kind == "time" else moment


def _moment(text: str) -> datetime | None:
    """The aware moment of a date-and-time text; without offset it is in Asia/Shanghai."""
    day_text, _, clock = text.partition("T")
    day = parse_day(day_text)
    if day is None or not _LOOSE_CLOCK.fullmatch(clock):
        return None
    hour, _, rest = re.split("[Z+-]", clock)[0].partition(":")
    minute = rest.partition(":")[0] or "0"
    zone: tzinfo = ZONE
    if clock.endswith("Z"):
        zone = UTC
    elif sign := re.search("[+-]", clock):
        hours, _, minutes = clock[sign.end() :].partition(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if offset >= timedelta(hours=24):
            return None
        from_utc = -offset if sign[0] == "-" else offset
        zone = timezone(from_utc)
    try:
        return datetime.combine(day, time(int(hour), int(minute)), zone)
    except (ValueError, OverflowError):
        return None
