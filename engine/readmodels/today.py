"""What a start page says of a day: cases opened and closed, limits broken, incidents that wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, literal_column, select
from sqlalchemy.sql.elements import KeyedColumnElement

from engine.domain.codec import instant_text, parse_instant

from .cases import rows_readable
from .schema import cases, incidents, limits

# Written into the statement, not bound: only then does SQLite see that the partial index fits.
_BROKEN = limits.c.breached_at > literal_column("''")


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
    """Counts over the cases that one of `groups` may read, in one statement. `since`: aware."""
    at = instant_text(since)

    def many(case_id: KeyedColumnElement[str], *where: ColumnElement[bool]) -> ScalarSelect[int]:
        of = select(func.count()).select_from(case_id.table).where(*where, *rows_readable(case_id, groups, all_cases))
        return of.scalar_subquery()

    # What is closed was changed last when it was closed, or later: the index of changes finds it.
    closed = (cases.c.status == "closed", cases.c.updated_at >= at, cases.c.closed_at >= at)
    counted = select(
        many(cases.c.case_id, cases.c.status == "open"),
        many(cases.c.case_id, cases.c.opened_at >= at),
        many(cases.c.case_id, *closed),
        many(limits.c.case_id, _BROKEN, limits.c.breached_at >= at),
    )
    return Numbers(*conn.execute(counted).one())


def breaches(
    conn: Connection, *, groups: frozenset[str], all_cases: bool = False, since: datetime, most: int = 10
) -> tuple[Breach, ...]:
    """Limits broken since an instant (aware), latest first."""
    asked = (
        select(limits, cases.c.title, cases.c.grade)
        .join(cases, cases.c.case_id == limits.c.case_id)
        .where(
            _BROKEN, limits.c.breached_at >= instant_text(since), *rows_readable(limits.c.case_id, groups, all_cases)
        )
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
        .where(incidents.c.state == "open", *rows_readable(cases.c.case_id, groups, all_cases))
        .group_by(cases.c.case_id, cases.c.title, cases.c.open_incidents)
        .order_by(since)
        .limit(most)
    )
    return tuple(Stuck(case_id, title, count, parse_instant(at)) for case_id, title, count, at in conn.execute(asked))
