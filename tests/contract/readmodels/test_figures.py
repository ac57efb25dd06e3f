"""Figures of the statistics and what the units' scores count, on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from engine.domain.codec import instant_text
from engine.readmodels import figures, unit_work
from engine.readmodels.figures import Step
from engine.readmodels.schema import cases, late_reports, limits, registrations, tasks
from engine.service import statistics

MARCH = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(hours=8)
APRIL = datetime(2026, 4, 1, tzinfo=UTC) - timedelta(hours=8)
HANDLED = Step(("Task_confirm",), back_to="Task_opinion")


def at(day: int, hour: float = 2) -> str:
    """An instant in March 2026, hours in UTC."""
    return instant_text(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour))


def case(conn: Connection, number: int, opened: str, **more: Any) -> str:
    case_id = f"WQ-2026-{number:06d}"
    given = {"case_id": case_id, "opened_at": opened, "status": "open", "grade": "ordinary_negative"}
    conn.execute(insert(cases).values(**{**given, **more}))
    return case_id


def task(conn: Connection, case_id: str, name: str, created: str, done: str = "", **more: Any) -> None:
    given = {
        "case_id": case_id, "task": name, "element": name.partition("#")[0], "scope": "visit", "unit": "gengbao",
        "state": "done" if done else "open", "created_at": created, "completed_at": done,
    }  # fmt: skip
    conn.execute(insert(tasks).values(**{**given, **more}))


def limit(conn: Connection, case_id: str, number: int, state: str, unit: str = "gengbao", **more: Any) -> None:
    given = {
        "case_id": case_id, "timer": f"T#{number}", "armed_seq": number, "limit_id": "eight_hours", "label": "8小时",
        "unit": unit, "state": state, "armed_at": at(3), "deadline": at(4),
    }  # fmt: skip
    conn.execute(insert(limits).values(**{**given, **more}))


def test_cases_are_counted_by_value_in_the_period_of_their_opening(conn: Connection) -> None:
    case(conn, 1, at(1, -8), district="魏都区")
    case(conn, 2, at(5), district="魏都区", grade="major_negative")
    case(conn, 3, at(6), district="")
    case(conn, 4, at(1, -8.01), district="建安区")
    case(conn, 5, at(31, 16), district="建安区")

    found = figures.by(conn, "district", MARCH, APRIL)

    assert found == (("魏都区", 2), ("", 1)), "midnight of Xuchang is 16:00 of the day before in UTC"
    assert figures.by(conn, "grade", MARCH, APRIL) == (("ordinary_negative", 2), ("major_negative", 1))


def test_a_case_of_two_units_counts_once_for_each(conn: Connection) -> None:
    both = case(conn, 1, at(1))
    task(conn, both, "Task_sign#1", at(1))
    task(conn, both, "Task_verify#1", at(1))
    task(conn, both, "Task_sign#2", at(1), unit="guihua")
    task(conn, both, "Task_grade#1", at(1), unit="")

    assert figures.by_unit(conn, MARCH, APRIL) == (("gengbao", 1), ("guihua", 1))


def test_the_hours_of_the_trend_make_days_of_xuchang(conn: Connection) -> None:
    case(conn, 1, at(2, 15.9))
    case(conn, 2, at(2, 16.1), grade="positive")
    case(conn, 3, at(2, 17))

    found = statistics.trend(figures.by_hour(conn, MARCH, APRIL), MARCH, APRIL, "day")

    filled = {str(day): dict(counts) for day, counts in found.bins if counts}
    assert len(found.bins) == 31
    assert filled == {"2026-03-02": {"ordinary_negative": 1}, "2026-03-03": {"positive": 1, "ordinary_negative": 1}}


def test_a_step_is_its_first_submission_that_was_not_sent_back(conn: Connection) -> None:
    one = case(conn, 1, at(1), status="closed")
    conn.execute(insert(registrations).values(case_id=one, at=at(1), discovered_at=at(1, 1), published_at=""))
    task(conn, one, "Task_opinion#1", at(1, 3), at(1, 4))
    task(conn, one, "Task_confirm#1", at(1, 4), at(1, 5))
    task(conn, one, "Task_opinion#2", at(1, 5), at(1, 6))
    task(conn, one, "Task_confirm#2", at(1, 6), at(1, 7))

    (found,) = figures.instants(conn, MARCH, APRIL, statistics.STEPS)

    assert found.closed and found.published is None
    assert found.steps == {
        "assigned": None, "handled": datetime(2026, 3, 1, 7, tzinfo=UTC), "answered": None,
    }  # fmt: skip


def test_a_case_without_registration_is_there_with_what_is_known(conn: Connection) -> None:
    case(conn, 1, at(1))

    (found,) = figures.instants(conn, MARCH, APRIL, statistics.STEPS)

    assert (found.closed, found.registered, set(found.steps.values())) == (False, None, {None})


def test_limits_are_counted_by_kind_and_unit_and_late_ones_are_broken(conn: Connection) -> None:
    one = case(conn, 1, at(1))
    for number, state in enumerate(("met", "met_late", "breached", "running", "cancelled"), 1):
        limit(conn, one, number, state)
    limit(conn, one, 6, "met", "guihua")
    limit(conn, one, 7, "met", armed_at=at(1, -9))

    found = figures.limits_of(conn, MARCH, APRIL)

    assert [(row.unit, row.met, row.broken, row.running, row.cancelled) for row in found] == [
        ("gengbao", 1, 2, 1, 1), ("guihua", 1, 0, 0, 0),
    ]  # fmt: skip


def test_closed_cases_alike_in_line_and_district_are_repeated_and_no_others(conn: Connection) -> None:
    alike = {"business_line": "gengbao", "district": "魏都区", "status": "closed"}
    case(conn, 1, at(1), closed_at=at(2), **alike)
    case(conn, 2, at(1), closed_at=at(9), **alike)
    case(conn, 3, at(1), closed_at="", **{**alike, "status": "open"})
    case(conn, 4, at(1), closed_at=at(3), **{**alike, "district": "建安区"})
    case(conn, 5, at(1), closed_at=at(3), **{**alike, "district": ""})
    case(conn, 6, at(1), closed_at=at(3), **{**alike, "district": ""})
    case(conn, 7, at(1), closed_at=at(1, -9), **alike)

    found = figures.repeated(conn, MARCH, APRIL, 10)

    assert [(row.case_id[-1], row.times) for row in found] == [("2", 2), ("1", 2)]
    assert len(figures.repeated(conn, MARCH, APRIL, 1)) == 1


def test_work_of_units_is_counted_by_month_of_xuchang(conn: Connection) -> None:
    one, two = case(conn, 1, at(1)), case(conn, 2, at(1))
    task(conn, one, "Task_opinion#1", at(3, 1), at(3, 2))
    task(conn, one, "Task_confirm#1", at(3, 2), at(3, 3))
    task(conn, one, "Task_opinion#2", at(3, 3), at(3, 4))
    task(conn, one, "Task_confirm#2", at(3, 4), at(31, 15.9))
    task(conn, two, "Task_opinion#1", at(3, 1), at(3, 2), unit="guihua")
    task(conn, two, "Task_confirm#1", at(3, 2), at(31, 16.1), unit="guihua")
    limit(conn, one, 1, "met", met_at=at(3))
    limit(conn, one, 2, "met_late", met_at=at(4), breached_at=at(3))
    limit(conn, one, 3, "met", "", met_at=at(3))
    conn.execute(insert(late_reports).values(case_id=one, name="n1", at=at(3), unit="gengbao"))
    for case_id, late in ((one, 1), (two, 0)):
        conn.execute(insert(registrations).values(case_id=case_id, at=at(1), author="liqiang", late=late))

    found = unit_work.work(conn, MARCH, APRIL + timedelta(days=30), HANDLED, {"liqiang": "guihua"})

    assert found == {
        ("gengbao", "2026-03"): {"handled": 1, "kept": 1, "broken": 1, "late_reports": 1, "returned": 1},
        ("guihua", "2026-04"): {"handled": 1},
        ("guihua", "2026-03"): {"late_registrations": 1},
    }
