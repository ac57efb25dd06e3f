"""Figures of a period: cases by what they are, lead times (R69), limits kept and broken, what came back (R67).

Each function is one statement over all cases; who may know of all of them is asked by the caller. A case belongs to the
period in which it was opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, select

from engine.domain.codec import instant_text

from .page import instant
from .schema import cases, limits, registrations, tasks

Kind = Literal["grade", "source_type", "district", "business_line", "root_cause"]
BROKEN: Final = ("breached", "met_late")
HOUR: Final = len("2026-03-02T01")
"""Characters of an instant that name its hour, in UTC. Days of Asia/Shanghai begin with an hour of UTC, so hours can be
added up to days, weeks and months without asking the database for its idea of a zone."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a case: the first submission of one of `elements` that did not lead back to the element `back_to`."""

    elements: tuple[str, ...]
    back_to: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """Cases of one grade that were opened in the hour that begins at `at` (aware, UTC)."""

    at: datetime
    grade: str
    cases: int


@dataclass(frozen=True, slots=True)
class Instants:
    """When a case came to each step, None if it has not. `published`, `discovered`: as they were registered, so that
    they say what the ledger says. `steps`: name given by the caller -> the first time it was done."""

    closed: bool
    published: datetime | None
    discovered: datetime | None
    registered: datetime | None
    steps: Mapping[str, datetime | None]


@dataclass(frozen=True, slots=True)
class LimitCount:
    """Limits of one kind and unit ('' for those of no unit) that began to run in the period."""

    limit: str
    unit: str
    label: str
    met: int
    broken: int
    running: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """One closed case of a business line and district that had `times` of them."""

    business_line: str
    district: str
    times: int
    case_id: str
    title: str
    grade: str
    root_cause: str
    outcome: str
    closed_at: datetime | None


def by(conn: Connection, kind: Kind, since: datetime, until: datetime) -> tuple[tuple[str, int], ...]:
    """(value, cases), most first; "" for cases in which the field is empty."""
    column, many = cases.c[kind], func.count()
    asked = select(column, many).where(*_opened(since, until)).group_by(column).order_by(many.desc(), column)
    return tuple((value, number) for value, number in conn.execute(asked))


def by_unit(conn: Connection, since: datetime, until: datetime) -> tuple[tuple[str, int], ...]:
    """(unit, cases in which it ever had a task), most first: a case of two units counts for both."""
    many = func.count(tasks.c.case_id.distinct())
    asked = select(tasks.c.unit, many).where(tasks.c.unit != "", tasks.c.case_id.in_(_chosen(since, until)))
    return tuple(
        (unit, number)
        for unit, number in conn.execute(asked.group_by(tasks.c.unit).order_by(many.desc(), tasks.c.unit))
    )


def by_hour(conn: Connection, since: datetime, until: datetime) -> tuple[Opened, ...]:
    """Cases by the hour of opening and grade, in order of time."""
    hour = func.substr(cases.c.opened_at, 1, HOUR).label("hour")
    asked = select(hour, cases.c.grade, func.count()).where(*_opened(since, until)).group_by(hour, cases.c.grade)
    return tuple(Opened(begins(at), grade, number) for at, grade, number in conn.execute(asked.order_by(hour)))


def begins(hour: str) -> datetime:
    """The instant at which an hour of `HOUR` characters begins."""
    return datetime.fromisoformat(f"{hour}:00:00+00:00")


def instants(conn: Connection, since: datetime, until: datetime, steps: Mapping[str, Step]) -> list[Instants]:
    """When each case came to each of `steps`, one row a case."""
    elements = sorted({element for step in steps.values() for element in step.elements})
    first = [func.min(case((done_for_good(step), tasks.c.completed_at))).label(name) for name, step in steps.items()]
    done = (
        select(tasks.c.case_id, *first)
        .where(tasks.c.state == "done", tasks.c.element.in_(elements), tasks.c.case_id.in_(_chosen(since, until)))
        .group_by(tasks.c.case_id)
        .subquery("done")
    )
    joined = cases.outerjoin(registrations, registrations.c.case_id == cases.c.case_id)
    joined = joined.outerjoin(done, done.c.case_id == cases.c.case_id)
    asked = select(
        cases.c.status, registrations.c.published_at, registrations.c.discovered_at, registrations.c.at,
        *(done.c[name] for name in steps),
    ).select_from(joined)  # fmt: skip
    found = []
    for status, published, discovered, registered, *rest in conn.execute(asked.where(*_opened(since, until))):
        came = {name: instant(at or "") for name, at in zip(steps, rest, strict=True)}
        begun = [instant(at or "") for at in (published, discovered, registered)]
        found.append(Instants(status == "closed", begun[0], begun[1], begun[2], came))
    return found


def done_for_good(step: Step) -> ColumnElement[bool]:
    """Whether a row of `tasks` is a submission of the step."""
    done = and_(tasks.c.state == "done", tasks.c.element.in_(step.elements))
    if not step.back_to:
        return done
    # What a return leads to begins to wait after the task that returned it did, in the same visit.
    again = tasks.alias("again")
    later = exists().where(
        again.c.case_id == tasks.c.case_id,
        again.c.scope == tasks.c.scope,
        again.c.element == step.back_to,
        again.c.created_at > tasks.c.created_at,
    )
    return and_(done, ~later)


def limits_of(conn: Connection, since: datetime, until: datetime) -> tuple[LimitCount, ...]:
    """Limits that began to run in the period, by kind and unit; the most often broken first."""

    def many(*states: str) -> ColumnElement[Any]:
        return func.sum(case((limits.c.state.in_(states), 1), else_=0))

    broken = many(*BROKEN)
    asked = select(
        limits.c.limit_id, limits.c.unit, func.max(limits.c.label), many("met"), broken, many("running"),
        many("cancelled"),
    ).where(limits.c.limit_id != "", *_within(limits.c.armed_at, since, until))  # fmt: skip
    asked = asked.group_by(limits.c.limit_id, limits.c.unit).order_by(broken.desc(), limits.c.limit_id, limits.c.unit)
    return tuple(LimitCount(*row[:3], *(int(number) for number in row[3:])) for row in conn.execute(asked))


def repeated(conn: Connection, since: datetime, until: datetime, most: int) -> tuple[Repeated, ...]:
    """Cases closed in the period whose business line and district had another case closed in it; the most frequent
    pairs first, at most `most` rows. Cases without line or district are never held to be alike."""
    c, times = cases.c, func.count().label("times")
    closed = (*_within(c.closed_at, since, until), c.business_line != "", c.district != "")
    pairs = (
        select(c.business_line, c.district, times)
        .where(*closed)
        .group_by(c.business_line, c.district)
        .having(func.count() > 1)
        .subquery("pairs")
    )
    same = and_(pairs.c.business_line == c.business_line, pairs.c.district == c.district)
    asked = select(
        c.business_line, c.district, pairs.c.times, c.case_id, c.title, c.grade, c.root_cause, c.outcome, c.closed_at
    ).select_from(cases.join(pairs, same))
    order = (pairs.c.times.desc(), c.business_line, c.district, c.closed_at.desc(), c.case_id)
    rows = conn.execute(asked.where(*closed).order_by(*order).limit(most))
    return tuple(
        Repeated(
            row.business_line, row.district, row.times, row.case_id, row.title, row.grade, row.root_cause,
            row.outcome, instant(row.closed_at),
        )
        for row in rows
    )  # fmt: skip


def _within(column: ColumnElement[str], since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return column >= instant_text(since), column < instant_text(until)


def _opened(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return _within(cases.c.opened_at, since, until)


def _chosen(since: datetime, until: datetime) -> Any:
    return select(cases.c.case_id).where(*_opened(since, until))
