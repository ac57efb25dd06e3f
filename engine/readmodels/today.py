"""What a start page says of a day: cases opened and closed, limits broken, incidents that wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from engine.domain.codec import instant_text, parse_instant

from .schema import case_access, cases, incidents, limits


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit broken. `met_at`: when it was met late, None while it is still to be met."""

    case_id: str
    title: str
    grade: str
    label: str
    unit: str
    deadline: datetime
    breached_at: datetime
    met_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """A case with an incident that nobody has resolved."""

    case_id: str
    title: str
    incidents: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """`open`: cases under way now; the others count what happened since the asked instant."""

    open: int
    opened: int
    closed: int
    breached: int


def numbers(conn: Connection, *, groups: frozenset[str], all_cases: bool = False, since: datetime) -> Numbers:
    """Counts over the cases that one of `groups` may read, in two statements. `since`: aware."""
    at = instant_text(since)

    def many(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    of_cases = select(many(cases.c.status == "open"), many(cases.c.opened_at >= at), many(cases.c.closed_at >= at))
    row = conn.execute(of_cases.select_from(cases).where(*_readable(cases.c.case_id, groups, all_cases))).one()
    broken = select(func.count()).select_from(limits).where(limits.c.breached_at >= at)
    return Numbers(*row, conn.execute(broken.where(*_readable(limits.c.case_id, groups, all_cases))).scalar_one())


def breaches(
    conn: Connection, *, groups: frozenset[str], all_cases: bool = False, since: datetime, most: int = 10
) -> tuple[Breach, ...]:
    """Limits broken since an instant (aware), latest first."""
    asked = (
        select(limits, cases.c.title, cases.c.grade)
        .join(cases, cases.c.case_id == limits.c.case_id)
        .where(limits.c.breached_at >= instant_text(since), *_readable(limits.c.case_id, groups, all_cases))
        .order_by(limits.c.breached_at.desc(), limits.c.case_id)
        .limit(most)
    )
    return tuple(
        Breach(
            row.case_id,
            row.title,
            row.grade,
            row.label or row.limit_id,
            row.unit,
            parse_instant(row.deadline),
            parse_instant(row.breached_at),
            parse_instant(row.met_at) if row.met_at else None,
        )
        for row in conn.execute(asked)
    )


def stuck(conn: Connection, *, groups: frozenset[str], all_cases: bool = False, most: int = 10) -> tuple[Stuck, ...]:
    """Cases with open incidents, the oldest first."""
    since = func.min(incidents.c.raised_at)
    asked = (
        select(cases.c.case_id, cases.c.title, cases.c.open_incidents, since)
        .join(incidents, incidents.c.case_id == cases.c.case_id)
        .where(incidents.c.state == "open", *_readable(cases.c.case_id, groups, all_cases))
        .group_by(cases.c.case_id, cases.c.title, cases.c.open_incidents)
        .order_by(since)
        .limit(most)
    )
    return tuple(Stuck(case_id, title, count, parse_instant(at)) for case_id, title, count, at in conn.execute(asked))


def _readable(case_id: ColumnElement[str], groups: frozenset[str], all_cases: bool) -> list[ColumnElement[bool]]:
    if all_cases:
        return []
    return [case_id.in_(select(case_access.c.case_id).where(case_access.c.grp.in_(sorted(groups))))]
