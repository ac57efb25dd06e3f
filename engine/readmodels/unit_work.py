"""What the scoring of units counts: for each unit and month the cases handled, limits, late reports and returns.

Instants are grouped by their hour in UTC, of which months of Asia/Shanghai are made: one statement for a whole period.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from engine.domain.calendar import ZONE
from engine.domain.codec import instant_text

from .figures import BROKEN, HOUR, Step, begins, done_for_good
from .schema import late_reports, limits, registrations, tasks

COUNTS: Final = ("handled", "kept", "broken", "late_registrations", "late_reports", "returned")
"""`handled`: cases whose opinion by the unit was confirmed, once a case. `kept`, `broken`: limits of the unit that were
met in time, or broken. `late_registrations`: 迟报 by people of the unit (R20). `late_reports`: 不及时不得力报告 about
it (R39). `returned`: opinions of the unit that were sent back."""

Work = Mapping[tuple[str, str], Mapping[str, int]]
"""(unit, month as `2026-03`) -> count -> number; counts that are 0 may be missing."""


def work(conn: Connection, since: datetime, until: datetime, handled: Step, unit_of: Mapping[str, str]) -> Work:
    """What each unit did in each month of the period, in six statements. `handled`: the step that ends its work on a
    case; `unit_of`: login -> unit, for registrations, which name people."""
    asked: dict[str, Select[Any]] = {
        "handled": _handled(since, until, handled),
        "kept": _limits(limits.c.met_at, since, until, limits.c.state == "met"),
        "broken": _limits(limits.c.breached_at, since, until, limits.c.state.in_(BROKEN)),
        "late_reports": _counted(late_reports.c.unit, late_reports.c.at, since, until),
        "returned": _returned(since, until, handled.back_to),
    }
    late = _counted(registrations.c.author, registrations.c.at, since, until).where(registrations.c.late == 1)
    found: dict[tuple[str, str], dict[str, int]] = {}
    for name, query in asked.items():
        for unit, month, number in _rows(conn, query):
            _add(found, unit, month, name, number)
    for author, month, number in _rows(conn, late):
        _add(found, unit_of.get(author, ""), month, "late_registrations", number)
    return found


def _add(found: dict[tuple[str, str], dict[str, int]], unit: str, month: str, name: str, number: int) -> None:
    if unit:
        counts = found.setdefault((unit, month), {})
        counts[name] = counts.get(name, 0) + number


def _rows(conn: Connection, query: Select[Any]) -> Iterator[tuple[str, str, int]]:
    for who, hour, number in conn.execute(query):
        yield who, f"{begins(hour).astimezone(ZONE):%Y-%m}", int(number)


def _hour(column: ColumnElement[str]) -> ColumnElement[str]:
    return func.substr(column, 1, HOUR).label("hour")


def _counted(who: ColumnElement[str], at: ColumnElement[str], since: datetime, until: datetime) -> Select[Any]:
    hour = _hour(at)
    within = at >= instant_text(since), at < instant_text(until)
    counted: Select[Any] = select(who, hour, func.count())
    return counted.where(who != "", *within).group_by(who, hour)


def _limits(at: ColumnElement[str], since: datetime, until: datetime, state: ColumnElement[bool]) -> Select[Any]:
    return _counted(limits.c.unit, at, since, until).where(state)


def _handled(since: datetime, until: datetime, step: Step) -> Select[Any]:
    """A case counts once, in the month in which the unit was first done with it."""
    first = func.min(tasks.c.completed_at).label("at")
    mine = select(tasks.c.unit, tasks.c.case_id, first).where(tasks.c.unit != "", done_for_good(step))
    done = mine.group_by(tasks.c.unit, tasks.c.case_id).subquery("handled")
    return _counted(done.c.unit, done.c.at, since, until)


def _returned(since: datetime, until: datetime, element: str) -> Select[Any]:
    """Tasks of the element that came to wait after another of the same visit had."""
    earlier = tasks.alias("earlier")
    before = exists().where(
        earlier.c.case_id == tasks.c.case_id,
        earlier.c.scope == tasks.c.scope,
        earlier.c.unit == tasks.c.unit,
        earlier.c.element == element,
        earlier.c.created_at < tasks.c.created_at,
    )
    return _counted(tasks.c.unit, tasks.c.created_at, since, until).where(tasks.c.element == element, before)
