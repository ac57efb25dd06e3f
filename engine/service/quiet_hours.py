"""Quiet hours: when ordinary messages wait for the morning. Wall clock of Asia/Shanghai."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from engine.domain.calendar import ZONE

_WRITTEN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end` of the wall clock; over midnight where `end` is not later than `start`."""

    start: time
    end: time

    def over(self, at: datetime) -> datetime:
        """The first instant (UTC) from `at` (aware) on that is not quiet: `at` itself outside quiet hours."""
        local = at.astimezone(ZONE)
        clock = local.time()
        after, before = clock >= self.start, clock < self.end
        if not (after and before if self.start < self.end else after or before):
            return at
        day = local.date() if before else local.date() + timedelta(days=1)
        return datetime.combine(day, self.end, ZONE).astimezone(UTC)


def quiet_hours(written: str) -> QuietHours | None:
    """Reads `22:00-07:00`. None for anything else, and for hours that begin when they end."""
    found = _WRITTEN.fullmatch(written.strip())
    if found is None:
        return None
    start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    return None if start == end else QuietHours(start, end)
