"""What the FEEL tests share: the environment, the calendar of 2026, the table of cases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from engine.domain.calendar import Calendar, calendar_from
from engine.feel import Environment

HOLIDAYS_2026: dict[str, object] = {
    "name": "国务院办公厅关于2026年部分节假日安排的通知",
    "version": "2025-11-04",
    "holidays": [
        "2026-01-01/2026-01-03",
        "2026-02-15/2026-02-23",
        "2026-04-04/2026-04-06",
        "2026-05-01/2026-05-05",
        "2026-06-19/2026-06-21",
        "2026-09-25/2026-09-27",
        "2026-10-01/2026-10-07",
    ],
    "workdays": ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"],
    "office_hours": ["08:30-12:00", "14:30-18:00"],
}
CALENDAR: Calendar = calendar_from(HOLIDAYS_2026)
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ENV = Environment(now=NOW, calendar=CALENDAR)
VARIABLES: dict[str, object] = {
    "grade": "major",
    "units": ["耕保科", "禹州局"],
    "i": 2,
    "ratio": 0.3,
    "a b": 5,
    "Applicant Age": 18,
    "discovered_at": "2026-11-20T23:50:00+08:00",
    "舆情": {
        "等级": "重大",
        "阅读量": 12000,
        "来源": [
            {"平台": "微博", "转发": 20},
            {"平台": "微信", "转发": 5.5},
            {"平台": "微博", "转发": 10},
        ],
    },
}
CASES_FILE = Path(__file__).with_name("cases.txt")


def cases() -> list[tuple[str, object]]:
    """The table: expression text and the JSON expected of it."""
    found: list[tuple[str, object]] = []
    for line in CASES_FILE.read_text("utf-8").splitlines():
        if "==>" in line and not line.startswith("#"):
            text, _, expected = line.rpartition("==>")
            found.append((text.strip(), json.loads(expected)))
    return found
