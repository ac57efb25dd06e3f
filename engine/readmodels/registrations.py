"""漏报、迟报 (R20): registrations that came late, and items that another route brought though a source had them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, or_, select

from engine.domain.codec import instant_text

from .page import Page, instant, offset
from .schema import cases, registrations

Kind = Literal["", "late", "missed"]
KINDS: Final = ("late", "missed")


@dataclass(frozen=True, slots=True)
class Registration:
    """One case as it was registered, see the table. `status`, `stage_label`: where the case stands now."""

    case_id: str
    title: str
    status: str
    stage_label: str
    at: datetime
    author: str
    discovered_at: datetime | None
    published_at: datetime | None
    captured_at: datetime | None
    discovered_by: str
    source_type: str
    source_name: str
    reporter: str
    lag_seconds: float
    judged: int
    late: int
    missed: str
    earlier_at: datetime | None
    ahead_seconds: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one registrant: cases registered, of these late, missed, and not judged by their process."""

    author: str
    registered: int
    late: int
    missed: int
    unjudged: int


def page(
    conn: Connection,
    since: datetime,
    until: datetime,
    margin_seconds: float,
    *,
    kind: Kind = "",
    authors: frozenset[str] | None = None,
    number: int = 1,
    per_page: int = 50,
) -> Page[Registration]:
    """Late or missed registrations of the period, last first; two statements.

    `margin_seconds`: how much earlier a monitored source must have had an item for it to count as missed.
    `authors`: only those of these registrants; None for all.
    """
    where = [*_period(since, until), _either(kind, margin_seconds)]
    where += [] if authors is None else [registrations.c.author.in_(sorted(authors))]
    total = conn.execute(select(func.count()).select_from(registrations).where(*where)).scalar_one()
    joined = registrations.join(cases, cases.c.case_id == registrations.c.case_id)
    asked = select(registrations, cases.c.title, cases.c.status, cases.c.stage_label).select_from(joined).where(*where)
    asked = asked.order_by(registrations.c.at.desc(), registrations.c.case_id.desc())
    rows = conn.execute(asked.limit(per_page).offset(offset(number, per_page)))
    return Page(tuple(_row(row) for row in rows), total, max(1, number), per_page)


def counts(conn: Connection, since: datetime, until: datetime, margin_seconds: float) -> tuple[Counts, ...]:
    """Totals for each registrant of the period, most late first; one statement."""
    missed = and_(registrations.c.missed != "", registrations.c.ahead_seconds > margin_seconds)
    late = _sum(registrations.c.late == 1)
    asked = select(registrations.c.author, func.count(), late, _sum(missed), _sum(registrations.c.judged == 0)).where(
        *_period(since, until)
    )
    rows = conn.execute(asked.group_by(registrations.c.author).order_by(late.desc(), registrations.c.author))
    return tuple(Counts(row[0], *(int(number) for number in row[1:])) for row in rows)


def of_case(conn: Connection, case_id: str) -> Registration | None:
    """How the case was registered; None if there is no such case."""
    joined = registrations.join(cases, cases.c.case_id == registrations.c.case_id)
    asked = select(registrations, cases.c.title, cases.c.status, cases.c.stage_label).select_from(joined)
    row = conn.execute(asked.where(registrations.c.case_id == case_id)).one_or_none()
    return None if row is None else _row(row)


def _period(since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    return [registrations.c.at >= instant_text(since), registrations.c.at < instant_text(until)]


def _either(kind: Kind, margin_seconds: float) -> ColumnElement[bool]:
    late = registrations.c.late == 1
    missed = and_(registrations.c.missed != "", registrations.c.ahead_seconds > margin_seconds)
    return {"late": late, "missed": missed}.get(kind, or_(late, missed))


def _sum(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _row(row: Row[Any]) -> Registration:
    found = {field.name: getattr(row, field.name) for field in fields(Registration)}
    for name in ("at", "discovered_at", "published_at", "captured_at", "earlier_at"):
        found[name] = instant(found[name])
    return Registration(**found)
