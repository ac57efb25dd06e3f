"""The machine's own time zone changes nothing: limits are of Xuchang wherever and however the server's clock is kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.domain.codec import parse_instant
from tests.support.world import World, xuchang

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin")
MOMENTS = {
    "an ordinary evening": "2026-03-02 22:10",
    "the night the clocks go forward in New York": "2026-03-08 14:40",
    "the night the clocks go back in Berlin": "2026-10-25 08:30",
    "a second before midnight": "2026-05-31 23:59",
    "the last evening of the year": "2026-12-31 22:15",
    "the eve of a leap day": "2028-02-28 23:30",
    "a leap day": "2028-02-29 22:45",
    "the eve of no leap day": "2027-02-28 22:45",
}


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets the zone of this process; the one before comes back."""
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def story(folder: Path, at: datetime) -> list[tuple[int, str, str]]:
    """What a case of a serious item comes to from registration through its same-day limit: entries and their hashes."""
    world = World(folder, at=at)
    case = world.open()
    case.fill("Task_screen", m3=True)
    case.fill("Task_grade", grade="major_negative", grade_reason="突发自然资源管理事件。")
    world.until(at + timedelta(hours=26))
    with world.services.journal.reading() as tx:
        told = [(one.seq, str(one.command["kind"]), one.hash) for one in tx.read(case.id)]
    same_day = [e for e in case.kinds("LimitBreached") if e["limit"] == "same_day"]
    assert [parse_instant(e["deadline"]) for e in same_day] == [next_midnight(at)]
    fired = [e for e in case.kinds("TimerFired") if e["timer"] == same_day[0]["timer"]]
    assert [e["late_seconds"] for e in fired] == [0.0]
    world.services.engine.dispose()
    return told


def next_midnight(at: datetime) -> datetime:
    """In Xuchang, without asking a zone: it has stood eight hours ahead since 1991."""
    ahead = at.astimezone(UTC) + timedelta(hours=8)
    return datetime(ahead.year, ahead.month, ahead.day, tzinfo=UTC) + timedelta(days=1) - timedelta(hours=8)


@pytest.mark.parametrize("when", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_case_comes_to_the_same_entries_byte_for_byte_in_every_zone(when, zone, tmp_path):
    told = {}
    for number, name in enumerate(ZONES):
        zone.setenv("TZ", name)
        time.tzset()
        told[name] = story(tmp_path / str(number), xuchang(when))

    assert time.tzname != ("CST", "CST"), "the zone was really set"
    assert os.environ["TZ"] == ZONES[-1]
    assert all(one == told["Asia/Shanghai"] for one in told.values())
    assert len(told["Asia/Shanghai"]) > 4
