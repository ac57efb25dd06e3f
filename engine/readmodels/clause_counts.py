"""How often each clause of the regulation applied, held and was broken, over the cases opened in a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, case, cast, func, literal_column, select

from engine.domain.codec import instant_text

from .page import Page, offset
from .schema import cases, clause_cases, trail

VERDICTS: Final = ("broken", "open", "held", "dropped")


@dataclass(frozen=True, slots=True)
class Fared:
    """Cases by verdict, and the tasks and limits in them. cases = broken + open + held + dropped."""

    cases: int = 0
    broken: int = 0
    open: int = 0
    held: int = 0
    dropped: int = 0
    tasks: int = 0
    tasks_done: int = 0
    limits: int = 0
    limits_met: int = 0
    limits_broken: int = 0


@dataclass(frozen=True, slots=True)
class ClauseCase:
    """One case in which a clause applied. `verdict`: one of VERDICTS, or `reached` when only elements tell."""

    case_id: str
    title: str
    grade: str
    status: str
    stage_label: str
    opened_at: str
    verdict: str


def by_clause(conn: Connection, since: datetime, until: datetime) -> Mapping[str, Fared]:
    """clause -> how it fared, of the clauses that tasks and limits carry; one statement over an index."""

    def number(verdict: str) -> ColumnElement[int]:
        return _sum(case((clause_cases.c.verdict == verdict, 1), else_=0))

    columns = (
        clause_cases.c.tasks, clause_cases.c.tasks_done, clause_cases.c.limits, clause_cases.c.limits_met,
        clause_cases.c.limits_broken,
    )  # fmt: skip
    asked = select(clause_cases.c.clause, func.count(), *map(number, VERDICTS), *map(_sum, columns))
    found = conn.execute(asked.where(*_opened(clause_cases.c.opened_at, since, until)).group_by(clause_cases.c.clause))
    return {row[0]: Fared(*row[1:]) for row in found}


def cases_opened(conn: Connection, since: datetime, until: datetime) -> int:
    """Cases opened in the period."""
    asked = select(func.count()).select_from(cases).where(*_opened(cases.c.opened_at, since, until))
    return conn.execute(asked).scalar_one()


def reached(conn: Connection, elements: Iterable[str], since: datetime, until: datetime) -> Mapping[str, int]:
    """element -> cases opened in the period that ever entered it; those that none entered are missing."""
    wanted = sorted(set(elements))
    if not wanted:
        return {}
    counted = func.count(trail.c.case_id.distinct())
    asked = select(trail.c.element, counted).where(*_entered(wanted, since, until)).group_by(trail.c.element)
    return dict(conn.execute(asked).tuples().all())


def reached_any(conn: Connection, elements: Iterable[str], since: datetime, until: datetime) -> int:
    """Cases opened in the period that ever entered one of the elements."""
    wanted = sorted(set(elements))
    if not wanted:
        return 0
    asked = select(func.count(trail.c.case_id.distinct())).where(*_entered(wanted, since, until))
    return conn.execute(asked).scalar_one()


def cases_of(
    conn: Connection,
    clause: str,
    since: datetime,
    until: datetime,
    *,
    verdict: str = "",
    number: int = 1,
    per_page: int = 50,
) -> Page[ClauseCase]:
    """Cases opened in the period in which tasks or limits carry the clause, last opened first."""
    where = [clause_cases.c.clause == clause, *_opened(clause_cases.c.opened_at, since, until)]
    where += [clause_cases.c.verdict == verdict] if verdict else []
    total = conn.execute(select(func.count()).select_from(clause_cases).where(*where)).scalar_one()
    asked = _listed(clause_cases.c.verdict).join(clause_cases, clause_cases.c.case_id == cases.c.case_id).where(*where)
    return _page(conn, asked, total, number, per_page)


def cases_reaching(
    conn: Connection,
    elements: Iterable[str],
    since: datetime,
    until: datetime,
    *,
    number: int = 1,
    per_page: int = 50,
) -> Page[ClauseCase]:
    """The same for a clause that only elements carry: cases that entered one of them."""
    wanted = sorted(set(elements))
    total = reached_any(conn, wanted, since, until)
    entered = select(trail.c.case_id).where(trail.c.action == literal_column("'entered'"), trail.c.element.in_(wanted))
    where = [cases.c.case_id.in_(entered), *_opened(cases.c.opened_at, since, until)]
    return _page(conn, _listed(literal_column("'reached'")).where(*where), total, number, per_page)


def _listed(verdict: ColumnElement[str]) -> Any:
    columns = (cases.c.title, cases.c.grade, cases.c.status, cases.c.stage_label, cases.c.opened_at)
    return select(cases.c.case_id, *columns, verdict).select_from(cases)


def _page(conn: Connection, asked: Any, total: int, number: int, per_page: int) -> Page[ClauseCase]:
    ordered = asked.order_by(cases.c.opened_at.desc(), cases.c.case_id.desc())
    rows = conn.execute(ordered.limit(per_page).offset(offset(number, per_page)))
    return Page(tuple(ClauseCase(*row) for row in rows), total, max(1, number), per_page)


def _entered(elements: list[str], since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    opened = select(cases.c.case_id).where(*_opened(cases.c.opened_at, since, until))
    # Written into the statement, not bound: only then does SQLite see that the partial index fits.
    entered = trail.c.action == literal_column("'entered'")
    return [entered, trail.c.element.in_(elements), trail.c.case_id.in_(opened)]


def _opened(column: ColumnElement[str], since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    return [column >= instant_text(since), column < instant_text(until)]


def _sum(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), Integer)
