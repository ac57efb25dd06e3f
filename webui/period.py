"""From which day to which day a list reaches, as asked for in the address: days in Asia/Shanghai, the last included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from engine.domain.calendar import midnight

from .catalogue import t
from .formats import local, parse_day

LONGEST_TEXT: Final = 20
FIRST: Final = date(2000, 1, 1)
LAST: Final = date(2199, 12, 31)
"""Days before or after are slips of the pen."""


@dataclass(frozen=True, slots=True)
class Period:
    """`first`, `last`: what was typed, or the days of the default. `faults`: field -> sentence; with any of them
    `since` and `until` are those of the default, and nothing should be listed."""

    first: str
    last: str
    since: datetime
    until: datetime
    faults: Mapping[str, str]

    @property
    def values(self) -> dict[str, Any]:
        """For addresses."""
        return {"from": self.first, "to": self.last}


def read(args: MultiDict[str, str], now: datetime, *, whole_year: bool = False) -> Period:
    """The period asked for; by default this month up to today, or this year."""
    today = local(now).date()
    begin = today.replace(day=1, month=1) if whole_year else today.replace(day=1)
    first = args.get("from", "").strip()[:LONGEST_TEXT] or begin.isoformat()
    last = args.get("to", "").strip()[:LONGEST_TEXT] or today.isoformat()
    start, end = _day(first), _day(last)
    faults = {name: t("period.no_date") for name, day in (("from", start), ("to", end)) if day is None}
    if start is not None and end is not None and start > end:
        faults["to"] = t("period.turned_round")
    if faults or start is None or end is None:
        start, end = begin, today
    return Period(first, last, midnight(start), midnight(end + timedelta(days=1)), faults)


def _day(text: str) -> date | None:
    day = parse_day(text)
    return day if day is not None and FIRST <= day <= LAST else None
