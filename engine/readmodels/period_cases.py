"""Cases of a period, for a briefing: those registered, the majors under way, how many were closed and how late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from engine.domain.codec import instant_text

from .page import instant
from .schema import cases, limits

MAJOR: Final = "major_negative"


@dataclass(frozen=True, slots=True)
class Listed:
    """A case as a briefing lists it, as it stands now."""

    case_id: str
    title: str
    grade: str
    district: str
    source_type: str
    source_name: str
    stage_label: str
    status: str
    outcome: str
    discovered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """`grades`: grade ('' while there is none) -> cases registered in the period; `sources`: (source type, cases), most
    first. `closed`: in the period; `open`: at its end; `breached`: limits broken in it."""

    grades: Mapping[str, int]
    sources: tuple[tuple[str, int], ...]
    closed: int
    open: int
    breached: int

    @property
    def opened(self) -> int:
        return sum(self.grades.values())


def counts(conn: Connection, since: datetime, until: datetime) -> Counts:
    """Over all cases, in four statements. Requires that the caller asked who may know of all of them."""
    opened = _within(cases.c.opened_at, since, until)
    many = func.count()
    grades = conn.execute(select(cases.c.grade, many.label("n")).where(*opened).group_by(cases.c.grade))
    by_grade = {row.grade: row.n for row in grades}
    by_source = select(cases.c.source_type, many).where(*opened).group_by(cases.c.source_type)
    sources = conn.execute(by_source.order_by(many.desc(), cases.c.source_type))
    end = instant_text(until)
    under_way = cases.c.opened_at < end, or_(cases.c.closed_at == "", cases.c.closed_at >= end)
    row = conn.execute(
        select(
            select(many).select_from(cases).where(*_within(cases.c.closed_at, since, until)).scalar_subquery(),
            select(many).select_from(cases).where(*under_way).scalar_subquery(),
            select(many).select_from(limits).where(*_within(limits.c.breached_at, since, until)).scalar_subquery(),
        )
    ).one()
    return Counts(by_grade, tuple((kind, number) for kind, number in sources), *row)


def registered(conn: Connection, since: datetime, until: datetime, most: int) -> tuple[Listed, ...]:
    """Cases registered in the period, first first."""
    return _listed(conn, _cases().where(*_within(cases.c.opened_at, since, until)), most)


def majors(conn: Connection, since: datetime, until: datetime, most: int) -> tuple[Listed, ...]:
    """Major cases registered in the period, and those from before that were still open when it began."""
    begin, end = instant_text(since), instant_text(until)
    under_way = or_(cases.c.closed_at == "", cases.c.closed_at >= begin)
    return _listed(conn, _cases().where(cases.c.grade == MAJOR, cases.c.opened_at < end, under_way), most)


def _within(column: ColumnElement[str], since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return column >= instant_text(since), column < instant_text(until)


def _cases() -> Select[Any]:
    return select(
        cases.c.case_id, cases.c.title, cases.c.grade, cases.c.district, cases.c.source_type, cases.c.source_name,
        cases.c.stage_label, cases.c.status, cases.c.outcome, cases.c.discovered_at,
    )  # fmt: skip


def _listed(conn: Connection, query: Select[Any], most: int) -> tuple[Listed, ...]:
    rows = conn.execute(query.order_by(cases.c.opened_at, cases.c.case_id).limit(most))
    return tuple(
        Listed(
            row.case_id, row.title, row.grade, row.district, row.source_type, row.source_name, row.stage_label,
            row.status, row.outcome, instant(row.discovered_at),
        )
        for row in rows
    )  # fmt: skip
