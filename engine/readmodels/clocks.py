"""时限: the board of running limits, and every limit of a case with the lines that explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, literal_column, select

from engine.domain.codec import JSON, instant_text, parse_instant

from .cases import rows_readable
from .page import TOTAL, Page, instant, matches, paged, texts, value, with_total
from .schema import cases, limits, tasks

SOON: Final = timedelta(hours=1)
TODAY: Final = timedelta(hours=24)

# Written into the statement, not bound: only then does SQLite see that the partial index fits.
_RUNNING = limits.c.finished_at == literal_column("''")


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit of a case.

    `state`: running (also past a deadline whose firing is not a breach), breached (deadline passed, still to be met
    unless `finished_at`), met, met_late, cancelled (its activity was interrupted in time).
    `explanation`: lines `{key, params}` for the catalogue. `warnings`: those that came, (mark, instant).
    `late_seconds`: how late it was met, 0.0 otherwise. `cause`: message key or "".
    """

    case_id: str
    timer: str
    limit_id: str
    element: str
    label: str
    scope: str
    host: str
    rule: str
    anchor: str
    anchor_at: datetime | None
    armed_at: datetime | None
    deadline: datetime
    explanation: tuple[Mapping[str, JSON], ...]
    clauses: tuple[str, ...]
    unit: str
    responsible: tuple[str, ...]
    state: str
    met_at: datetime | None
    breached_at: datetime | None
    finished_at: datetime | None
    late_seconds: float
    cause: str
    warnings: tuple[tuple[str, datetime], ...]

    @property
    def running(self) -> bool:
        """Still to be met, be its deadline past or not."""
        return self.finished_at is None

    def remaining_seconds(self, now: datetime) -> float:
        """Deadline minus `now` (aware); negative when late."""
        return (self.deadline - now).total_seconds()

    def elapsed_share(self, now: datetime) -> float:
        """How much of anchor..deadline (armed..deadline without anchor) has passed at `now`: 0.0 to 1.0."""
        start = self.anchor_at or self.armed_at or self.deadline
        whole = (self.deadline - start).total_seconds()
        if whole <= 0:
            return 1.0
        return min(1.0, max(0.0, (now - start).total_seconds() / whole))


@dataclass(frozen=True, slots=True)
class Holder:
    """An open task under a limit: who has to act. `assignee` "" when unclaimed; then `candidates` may take it."""

    task: str
    label: str
    assignee: str
    candidates: tuple[str, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A running limit with its case and who has to act."""

    limit: LimitRow
    title: str
    grade: str
    district: str
    stage_label: str
    remaining_seconds: float
    overdue: bool
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Running limits by time left: past the deadline, up to 1 h, up to 24 h, more. They do not overlap."""

    overdue: int
    soon: int
    today: int
    later: int

    @property
    def total(self) -> int:
        return self.overdue + self.soon + self.today + self.later


def running(
    conn: Connection,
    *,
    groups: frozenset[str],
    all_cases: bool = False,
    now: datetime,
    q: str = "",
    limit_id: str = "",
    unit: str = "",
    grade: str = "",
    overdue_only: bool = False,
    page: int = 1,
    per_page: int = 50,
) -> Page[BoardRow]:
    """Limits still to be met in the cases that one of `groups` may read (`all_cases`: in all), earliest deadline
    first: those already broken come first. `q` looks in title, case number and body. Two statements."""
    where = [_RUNNING, *rows_readable(limits.c.case_id, groups, all_cases)]
    words = matches(conn, q, (cases.c.title, cases.c.case_id, cases.c.body))
    if words is not None:
        where.append(words)
    chosen = ((limits.c.limit_id, limit_id), (limits.c.unit, unit), (cases.c.grade, grade))
    where += [column == wanted for column, wanted in chosen if wanted]
    if overdue_only:
        where.append(limits.c.deadline <= instant_text(now))
    key = (limits.c.case_id, limits.c.timer, limits.c.armed_seq)
    keys = select(*key).where(*where)
    if words is not None or grade:
        keys = keys.join(cases, cases.c.case_id == limits.c.case_id)
    by = (limits.c.deadline, *key)
    found = with_total(keys, by, page, per_page)
    rows = conn.execute(
        select(limits, cases.c.title, cases.c.grade, cases.c.district, cases.c.stage_label, found.c[TOTAL])
        .join(found, and_(*(found.c[column.name] == column for column in key)))
        .join(cases, cases.c.case_id == limits.c.case_id)
        .order_by(*by)
    ).all()
    holders = _holders(conn, sorted({row.case_id for row in rows}))
    return paged(conn, rows, (_board_row(row, holders, now) for row in rows), keys, page, per_page)


def counts(conn: Connection, *, groups: frozenset[str], all_cases: bool = False, now: datetime) -> Counts:
    """How many limits run, by time left; one statement."""
    bounds = [instant_text(now), instant_text(now + SOON), instant_text(now + TODAY)]

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    deadline = limits.c.deadline
    row = conn.execute(
        select(
            number(deadline <= bounds[0]),
            number((deadline > bounds[0]) & (deadline <= bounds[1])),
            number((deadline > bounds[1]) & (deadline <= bounds[2])),
            number(deadline > bounds[2]),
        ).where(_RUNNING, *rows_readable(limits.c.case_id, groups, all_cases))
    ).one()
    return Counts(*row)


def for_case(conn: Connection, case_id: str) -> tuple[LimitRow, ...]:
    """Every limit of the case: those still to be met by deadline, then the finished ones, last finished first."""
    statement = select(limits).where(limits.c.case_id == case_id)
    found = conn.execute(statement.order_by(limits.c.finished_at.desc(), limits.c.deadline, limits.c.timer))
    rows = tuple(_limit_row(row) for row in found)
    return tuple(sorted(rows, key=lambda row: not row.running))


def covers(host: str, task: str) -> bool:
    """Whether `task` is the activity `host` or lies inside it; "" is the whole case."""
    return not host or task.startswith(host) and (len(task) == len(host) or task[len(host)] in "/[")


def _holders(conn: Connection, case_ids: list[str]) -> dict[str, list[Holder]]:
    found: dict[str, list[Holder]] = {}
    if not case_ids:
        return found
    columns = (tasks.c.case_id, tasks.c.task, tasks.c.label, tasks.c.assignee, tasks.c.candidates, tasks.c.unit)
    asked = select(*columns).where(tasks.c.case_id.in_(case_ids), tasks.c.state == literal_column("'open'"))
    for row in conn.execute(asked.order_by(tasks.c.case_id, tasks.c.task)):
        holder = Holder(row.task, row.label, row.assignee, texts(row.candidates), row.unit)
        found.setdefault(row.case_id, []).append(holder)
    return found


def _board_row(row: Row[Any], holders: dict[str, list[Holder]], now: datetime) -> BoardRow:
    limit = _limit_row(row)
    remaining = limit.remaining_seconds(now)
    under = tuple(holder for holder in holders.get(limit.case_id, ()) if covers(limit.host, holder.task))
    return BoardRow(limit, row.title, row.grade, row.district, row.stage_label, remaining, remaining <= 0, under)


def _limit_row(row: Row[Any]) -> LimitRow:
    deadline = instant(row.deadline)
    assert deadline is not None, "the projector writes no limit without a deadline"
    return LimitRow(
        case_id=row.case_id,
        timer=row.timer,
        limit_id=row.limit_id,
        element=row.element,
        label=row.label,
        scope=row.scope,
        host=row.host,
        rule=row.rule,
        anchor=row.anchor,
        anchor_at=instant(row.anchor_at),
        armed_at=instant(row.armed_at),
        deadline=deadline,
        explanation=tuple(value(row.explanation)),
        clauses=texts(row.clauses),
        unit=row.unit,
        responsible=texts(row.responsible),
        state=row.state,
        met_at=instant(row.met_at),
        breached_at=instant(row.breached_at),
        finished_at=instant(row.finished_at),
        late_seconds=row.late_seconds,
        cause=row.cause,
        warnings=tuple((one["mark"], parse_instant(one["at"])) for one in value(row.warnings)),
    )
