"""Time left in words, as assets/clocks.js says it: the server's text is what is seen before or without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import Flask

from engine.domain.codec import instant_text

from .catalogue import t
from .formats import minute

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def span(seconds: float, overdue: bool = False) -> str:
    """The words for a length of time; seconds are named in the last ten minutes before the due instant only."""
    whole = int(seconds)
    if whole >= DAY:
        return t("clock.days", days=whole // DAY, hours=whole % DAY // HOUR)
    if whole >= HOUR:
        return t("clock.hours", hours=whole // HOUR, minutes=f"{whole % HOUR // MINUTE:02d}")
    minutes = whole // MINUTE
    if minutes >= 10 or (overdue and minutes):
        return t("clock.minutes", minutes=minutes)
    if minutes:
        return t("clock.minutes_seconds", minutes=minutes, seconds=f"{whole % MINUTE:02d}")
    return t("clock.seconds", seconds=whole)


def remaining(due: datetime, now: datetime) -> str:
    """`剩余 2小时05分` or `超时 14分` for two aware instants."""
    seconds = (due - now).total_seconds()
    key = "clock.late" if seconds < 0 else "clock.left"
    return t(key, span=span(abs(seconds), overdue=seconds < 0))


def level(due: datetime, now: datetime) -> str:
    """The style of a running limit: `clock-overdue`, `clock-soon` (the last hour) or `clock-ok`."""
    seconds = (due - now).total_seconds()
    return "clock-overdue" if seconds < 0 else "clock-soon" if seconds <= HOUR else "clock-ok"


def minute_or_text(value: object) -> str:
    """An instant of the case's data in words; what is none stays as it is."""
    try:
        return minute(str(value)) if value else ""
    except ValueError:
        return str(value)


def explained(line: Mapping[str, Any]) -> str:
    """One line of how a due instant came about (`{key, params}`), instants and fields in words."""
    params = dict(line.get("params") or {})
    for name, value in params.items():
        if name == "at" and isinstance(value, str) and value:
            params[name] = minute(value)
        elif name == "field":
            sentence = t(f"field.{value}")
            params[name] = value if sentence == f"field.{value}" else sentence
    return t(str(line["key"]), **params)


def install(app: Flask) -> None:
    """Filters `due | remaining(at)`, `due | clock_level(at)`, `due | instant` (for scripts), `line | explained`."""
    app.jinja_env.filters.update(
        remaining=remaining,
        clock_level=level,
        explained=explained,
        instant=lambda at: instant_text(at) if at else "",
        minute_or_text=minute_or_text,
        span=span,
    )
